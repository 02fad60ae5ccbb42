// Scope: file system calls that Swift's Glibc module does not show.
#define _GNU_SOURCE
#include "files.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int detdiffusion_syncfs(int descriptor) { return syncfs(descriptor); }

int detdiffusion_rename_new(int from, const char *name, int to, const char *other) {
  if (renameat2(from, name, to, other, RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return -1;
  // A file system that cannot do both at once.
  struct stat there;
  if (fstatat(to, other, &there, AT_SYMLINK_NOFOLLOW) == 0) {
    errno = EEXIST;
    return -1;
  }
  return errno == ENOENT ? renameat(from, name, to, other) : -1;
}
