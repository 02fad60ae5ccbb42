// Starting threads where a failure can be seen; see threads.h.
#define _GNU_SOURCE
#include "threads.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  void (*body)(void *);
  void *argument;
  char name[16];
} start;

static void *run(void *address) {
  start *given = address, taken = *given;
  free(given);
#if defined(__linux__)
  pthread_setname_np(pthread_self(), taken.name);
#endif
  taken.body(taken.argument);
  return NULL;
}

int kernels_start_thread(const char *name, void (*body)(void *), void *argument) {
  start *given = malloc(sizeof *given);
  if (!given) return ENOMEM;
  *given = (start){body, argument, ""};
  strncpy(given->name, name, sizeof given->name - 1);
  pthread_attr_t attributes;
  int code = pthread_attr_init(&attributes);
  if (code == 0) {
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, 1 << 20);
    pthread_t thread;
    code = pthread_create(&thread, &attributes, run, given);
    pthread_attr_destroy(&attributes);
  }
  if (code != 0) free(given);
  return code;
}
