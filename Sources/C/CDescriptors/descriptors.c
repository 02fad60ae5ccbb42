// Fills the places of closed standard descriptors before anything else of the process opens one: the runtime's first
// descriptor would get the number of standard output, and results would be written into it.

#include "descriptors.h"

#include <errno.h>
#include <fcntl.h>

static bool was_closed[3];

/// Before Swift's main, which has opened descriptors by the time it runs code of ours.
__attribute__((constructor(101))) static void fill_closed_descriptors(void) {
    for (int descriptor = 0; descriptor < 3; descriptor++) {
        if (fcntl(descriptor, F_GETFD) != -1 || errno != EBADF) continue;
        was_closed[descriptor] = true;
        // The lowest free number is given out, and those below are taken.
        (void)open("/dev/null", descriptor == 0 ? O_RDONLY : O_WRONLY);
    }
}

bool detdiffusion_was_closed(int descriptor) { return descriptor >= 0 && descriptor < 3 && was_closed[descriptor]; }
