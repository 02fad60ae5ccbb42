// Starting a child process: what Swift's view of glibc does not show (pipe2, posix_spawn's GNU extensions).
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/// A pipe whose ends, read and write, are `lowest` or above and close when a program is executed. Returns 0 or
/// an error number.
int detdiffusion_pipe(int ends[2], int lowest);

/// How many bytes wait in a pipe, seen from either end; 0 when the system does not say.
int detdiffusion_unread(int pipe);

/// Starts argv[0] without a shell, in `folder` and in a process group of its own, with `descriptors` as its standard
/// input, output and error; it inherits no other descriptor, and no blocked or ignored signal. Returns 0 or an error
/// number, of the execution, too.
int detdiffusion_spawn(pid_t *identifier, char *const argv[], char *const envp[], const char *folder,
                       const int descriptors[3]);

/// Whether a child has ended; it is left as a zombie, so that its id and its group's stay its own.
bool detdiffusion_has_ended(pid_t identifier);
