// Files in memory that stay readable whatever happens to them on the disc.
#pragma once

#include <stdbool.h>
#include <stddef.h>

/// A file's bytes, mapped read-only and shared with every process that maps the same file.
///
/// Where the system cannot give a page any more (the file was shortened, or its disc fails) the kernel sends SIGBUS. A
/// handler, installed with the first mapping and handing on what is not its own, puts zeros in the place of the rest of
/// that mapping and marks it: readers go on, and whoever uses what they read asks `mapping_is_damaged` first.
typedef struct mapping mapping;

/// Maps the first `length` bytes of a file, at least one. NULL, and errno says why, when the system refuses.
mapping *mapping_create(int descriptor, size_t length);

/// Where the bytes are; valid until the mapping is destroyed.
const void *mapping_bytes(const mapping *mapped);

/// Whether a byte was read that the file did not give: what was read of the mapping so far may be zeros instead.
bool mapping_is_damaged(const mapping *mapped);

/// Unmaps the bytes. Nobody may read them meanwhile.
void mapping_destroy(mapping *mapped);
