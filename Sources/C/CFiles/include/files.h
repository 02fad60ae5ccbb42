// Scope: file system calls that Swift's Glibc module does not show.
#ifndef DETDIFFUSION_FILES_H
#define DETDIFFUSION_FILES_H

/// Writes everything that the file system of this descriptor holds back; -1 and errno on failure (syncfs(2)).
int detdiffusion_syncfs(int descriptor);

/// Opens `name` in `folder` itself: no link is followed, nothing that is mounted is entered (EXDEV), and no path leads out.
/// Returns a descriptor that closes when a program is executed; -1 and errno on failure. Without openat2 (Linux 5.6), what
/// is mounted is told by its device alone.
int detdiffusion_open_beneath(int folder, const char *name, int flags);

/// Renames an entry of one open folder to a name in another that is free; -1 and errno on failure, EEXIST when it is
/// taken (renameat2(2) with RENAME_NOREPLACE, or in two steps where the file system does not know that).
int detdiffusion_rename_new(int from, const char *name, int to, const char *other);

#endif
