// Starting and ending processes: what Swift's view of glibc does not show (pipe2, posix_spawn's GNU extensions, prctl,
// descriptors of processes).
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/// A pipe whose ends, read and write, are `lowest` or above and close when a program is executed. Returns 0 or
/// an error number.
int detdiffusion_pipe(int ends[2], int lowest);

/// How many bytes wait in a pipe, seen from either end; 0 when the system does not say.
int detdiffusion_unread(int pipe);

/// Starts argv[0] without a shell, in `folder` and in its own process group, with `descriptors` as its standard
/// input, output and error; it inherits no other descriptor, and no blocked or ignored signal. Returns 0 or an error
/// number, of the execution, too.
int detdiffusion_spawn(pid_t *identifier, char *const argv[], char *const envp[], const char *folder,
                       const int descriptors[3]);

/// Whether a child has ended; it is left as a zombie, so that its id and its group's stay its own.
bool detdiffusion_has_ended(pid_t identifier);

/// Makes this process the parent of every descendant whose own parent ends. Returns 0 or an error number.
int detdiffusion_adopt_orphans(void);

/// Whether a child of this process has ended that nobody has waited for.
bool detdiffusion_has_zombie(void);

/// Opens a process: what is sent through the descriptor reaches this process or nobody, whoever has its number later.
/// Returns the descriptor, which closes when a program is executed, or -1.
int detdiffusion_open_process(pid_t identifier);

/// Sends a signal to the process of a descriptor. Returns 0 or an error number.
int detdiffusion_signal_process(int descriptor, int signal);

/// A process as /proc shows it at a moment.
struct detdiffusion_process {
    pid_t identifier, parent, group, session;
    /// Clock ticks between the system's start and its own.
    unsigned long long start;
    /// R, S, D, Z and so on: see proc(5).
    char state;
    /// What it calls itself.
    char name[64];
};

/// Looks at a process; false when there is none.
bool detdiffusion_look_at_process(pid_t identifier, struct detdiffusion_process *found);

/// Whether a process began with `variable`, as in "NAME=value", in its environment.
bool detdiffusion_process_began_with(pid_t identifier, const char *variable);
