// Starting a child process with posix_spawn and the GNU extensions that it needs (glibc 2.34).
#define _GNU_SOURCE
#include "processes.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/ioctl.h>
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
