// Starting a child process with posix_spawn and the GNU extensions that it needs (glibc 2.34), and ending processes.
#define _GNU_SOURCE
#include "processes.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int detdiffusion_pipe(int ends[2], int lowest) {
    int made[2], code = 0;
    if (pipe2(made, O_CLOEXEC) != 0) return errno;
    for (int end = 0; end < 2; end++) {
        ends[end] = code == 0 ? fcntl(made[end], F_DUPFD_CLOEXEC, lowest) : -1;
        if (ends[end] < 0 && code == 0) code = errno;
        close(made[end]);
    }
    if (code != 0 && ends[0] >= 0) close(ends[0]);
    return code;
}

int detdiffusion_unread(int pipe) {
    int count = 0;
    return ioctl(pipe, FIONREAD, &count) == 0 ? count : 0;
}

static int add_actions(posix_spawn_file_actions_t *actions, const char *folder, const int descriptors[3]) {
    int code = 0;
    // None of them is 0, 1 or 2, or one would be overwritten before its turn: detdiffusion_pipe sees to that.
    for (int target = 0; target < 3 && code == 0; target++)
        code = posix_spawn_file_actions_adddup2(actions, descriptors[target], target);
    // Connections that some library opened without close-on-exec must not leak either.
    if (code == 0) code = posix_spawn_file_actions_addclosefrom_np(actions, 3);
    if (code == 0) code = posix_spawn_file_actions_addchdir_np(actions, folder);
    return code;
}

static int set_attributes(posix_spawnattr_t *attributes) {
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int code = posix_spawnattr_setsigmask(attributes, &none);
    if (code == 0) code = posix_spawnattr_setsigdefault(attributes, &all);
    if (code == 0) code = posix_spawnattr_setpgroup(attributes, 0);
    if (code == 0)
        code = posix_spawnattr_setflags(attributes,
                                        POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    return code;
}

int detdiffusion_spawn(pid_t *identifier, char *const argv[], char *const envp[], const char *folder,
                       const int descriptors[3]) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int code = posix_spawn_file_actions_init(&actions);
    if (code != 0) return code;
    code = posix_spawnattr_init(&attributes);
    if (code == 0) {
        code = add_actions(&actions, folder, descriptors);
        if (code == 0) code = set_attributes(&attributes);
        if (code == 0) code = posix_spawn(identifier, argv[0], &actions, &attributes, argv, envp);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return code;
}

bool detdiffusion_has_ended(pid_t identifier) {
    siginfo_t information = {0};
    return waitid(P_PID, (id_t)identifier, &information, WEXITED | WNOWAIT | WNOHANG) == 0 &&
           information.si_pid == identifier;
}

int detdiffusion_adopt_orphans(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0 ? 0 : errno; }

bool detdiffusion_has_zombie(void) {
    siginfo_t information = {0};
    return waitid(P_ALL, 0, &information, WEXITED | WNOWAIT | WNOHANG) == 0 && information.si_pid != 0;
}

int detdiffusion_open_process(pid_t identifier) { return (int)syscall(SYS_pidfd_open, identifier, 0); }

int detdiffusion_signal_process(int descriptor, int signal) {
    return syscall(SYS_pidfd_send_signal, descriptor, signal, NULL, 0) == 0 ? 0 : errno;
}

// The beginning of a file of /proc, with a zero after it, or NULL; the caller frees it.
static char *contents(pid_t identifier, const char *file, size_t limit, size_t *length) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", identifier, file);
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return NULL;
    size_t capacity = 8192, count = 0;
    char *bytes = malloc(capacity);
    while (bytes != NULL) {
        ssize_t part = read(descriptor, bytes + count, capacity - count - 1);
        if (part < 0 && errno == EINTR) continue;
        if (part <= 0) break;
        count += (size_t)part;
        if (count + 1 < capacity) continue;
        if (capacity >= limit) break;
        char *grown = realloc(bytes, capacity *= 2);
        if (grown == NULL) break;
        bytes = grown;
    }
    close(descriptor);
    if (bytes != NULL) bytes[count] = 0;
    *length = count;
    return bytes;
}

bool detdiffusion_look_at_process(pid_t identifier, struct detdiffusion_process *found) {
    size_t length = 0;
    char *text = contents(identifier, "stat", 1 << 14, &length);
    if (text == NULL) return false;
    // The name in parentheses may hold anything, parentheses, too.
    char *opening = memchr(text, '(', length), *closing = strrchr(text, ')');
    memset(found, 0, sizeof *found);
    found->identifier = identifier;
    bool isWhole =
        opening != NULL && closing != NULL && opening < closing &&
        sscanf(closing + 1, " %c %d %d %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu",
               &found->state, &found->parent, &found->group, &found->session, &found->start) == 5;
    if (isWhole) {
        size_t size = (size_t)(closing - opening - 1);
        memcpy(found->name, opening + 1, size < sizeof found->name ? size : sizeof found->name - 1);
    }
    free(text);
    return isWhole;
}

bool detdiffusion_process_began_with(pid_t identifier, const char *variable) {
    size_t length = 0;
    char *text = contents(identifier, "environ", 1 << 22, &length);
    bool isThere = false;
    for (char *each = text; text != NULL && each < text + length && !isThere; each += strlen(each) + 1)
        isThere = strcmp(each, variable) == 0;
    free(text);
    return isThere;
}
