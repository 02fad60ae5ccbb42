// Which of standard input, output and error whoever started this process had closed.
#ifndef DETDIFFUSION_DESCRIPTORS_H
#define DETDIFFUSION_DESCRIPTORS_H

#include <stdbool.h>

/// Whether `descriptor` (0 to 2) was closed at the start. Something harmless stands in its place since then.
bool detdiffusion_was_closed(int descriptor);

#endif
