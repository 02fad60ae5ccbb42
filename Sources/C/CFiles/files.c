// Scope: file system calls that Swift's Glibc module does not show.
#define _GNU_SOURCE
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int detdiffusion_syncfs(int descriptor) { return syncfs(descriptor); }

// For kernels, and sandboxes, that do not know openat2.
static int open_on_this_device(int folder, const char *name, int flags) {
    struct stat outside, inside;
    int descriptor = openat(folder, name, flags);
    if (descriptor < 0) return -1;
    if (strchr(name, '/') == NULL && fstat(folder, &outside) == 0 && fstat(descriptor, &inside) == 0 &&
        outside.st_dev == inside.st_dev)
        return descriptor;
    close(descriptor);
    errno = EXDEV;
    return -1;
}

int detdiffusion_open_beneath(int folder, const char *name, int flags) {
    struct open_how how = {
        .flags = (uint64_t)(flags | O_NOFOLLOW | O_CLOEXEC),
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
    };
    long descriptor = syscall(SYS_openat2, folder, name, &how, sizeof how);
    // A sandbox that is older than the call refuses it with EPERM.
    if (descriptor >= 0 || (errno != ENOSYS && errno != EPERM)) return (int)descriptor;
    return open_on_this_device(folder, name, flags | O_NOFOLLOW | O_CLOEXEC);
}

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
