// libturbojpeg's own interface takes and gives whole buffers and reports failure by a code, so nothing is wrapped.
#pragma once

#include <turbojpeg.h>
