// Scope: file system calls that Swift's Glibc module does not show.
#ifndef DETDIFFUSION_FILES_H
#define DETDIFFUSION_FILES_H

/// Writes everything that the file system of this descriptor holds back; -1 and errno on failure (syncfs(2)).
int detdiffusion_syncfs(int descriptor);

/// Opens `name` in `folder` itself: no link is followed, nothing that is mounted is entered (EXDEV), and no path leads out.
/// Returns a descriptor that closes when a program is executed; -1 and errno on failure. Without openat2 (Linux 5.6), what
/// is mounted is told by its device alone.
int detdiffusion_open_beneath(int folder, const char *name, int flags);

#endif
