// Mapped files and the SIGBUS handler that keeps them readable; see mappings.h.
#define _GNU_SOURCE
#include "mappings.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct mapping {
    char *base;
    size_t length;
    atomic_bool is_damaged;
    mapping *next;
};

// All mappings. The handler takes the lock too: it runs in the thread that read a page, and nobody reads one under it.
static mapping *all;
static atomic_flag lock = ATOMIC_FLAG_INIT;
static struct sigaction previous;
static uintptr_t page_size;

static void acquire(void) {
    while (atomic_flag_test_and_set_explicit(&lock, memory_order_acquire)) sched_yield();
}

static void release(void) { atomic_flag_clear_explicit(&lock, memory_order_release); }

// Puts zeros from the page at `address` to the end of the mapping that it is in; false when it is in none.
static bool replace(uintptr_t address) {
    acquire();
    mapping *mapped = all;
    while (mapped && address - (uintptr_t)mapped->base >= mapped->length) mapped = mapped->next;
    bool is_replaced = false;
    if (mapped) {
        char *page = (char *)(address & ~(page_size - 1));
        size_t rest = (size_t)(mapped->base + mapped->length - page);
        // Marked before anybody can read a zero.
        atomic_store(&mapped->is_damaged, true);
        is_replaced = mmap(page, rest, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED;
    }
    release();
    return is_replaced;
}

static void handle(int number, siginfo_t *facts, void *context) {
    (void)context;
    int code = errno;
    // A signal that another process sent names no address.
    bool is_fault = facts->si_code == BUS_ADRERR || facts->si_code == BUS_OBJERR;
    // The instruction runs again, and meets what was installed before.
    if (!is_fault || !replace((uintptr_t)facts->si_addr)) {
        sigaction(number, &previous, NULL);
        if (!is_fault) raise(number);
    }
    errno = code;
}

static void install(void) {
    page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, &previous);
}

mapping *mapping_create(int descriptor, size_t length) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install);
    mapping *mapped = malloc(sizeof *mapped);
    if (!mapped) return NULL;
    void *base = mmap(NULL, length, PROT_READ, MAP_SHARED, descriptor, 0);
    if (base == MAP_FAILED) {
        int code = errno;
        free(mapped);
        errno = code;
        return NULL;
    }
    mapped->base = base;
    mapped->length = length;
    atomic_init(&mapped->is_damaged, false);
    acquire();
    mapped->next = all;
    all = mapped;
    release();
    return mapped;
}

const void *mapping_bytes(const mapping *mapped) { return mapped->base; }

bool mapping_is_damaged(const mapping *mapped) { return atomic_load(&mapped->is_damaged); }

void mapping_destroy(mapping *mapped) {
    acquire();
    mapping **place = &all;
    while (*place != mapped) place = &(*place)->next;
    *place = mapped->next;
    release();
    munmap(mapped->base, mapped->length);
    free(mapped);
}
