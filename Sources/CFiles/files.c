// Scope: file system calls that Swift's Glibc module does not show.
#define _GNU_SOURCE
#include "files.h"
#include <unistd.h>

int detdiffusion_syncfs(int descriptor) { return syncfs(descriptor); }
