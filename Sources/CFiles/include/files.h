// Scope: file system calls that Swift's Glibc module does not show.
#ifndef DETDIFFUSION_FILES_H
#define DETDIFFUSION_FILES_H

/// Writes everything that the file system of this descriptor holds back; -1 and errno on failure (syncfs(2)).
int detdiffusion_syncfs(int descriptor);

#endif
