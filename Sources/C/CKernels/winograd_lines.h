// One line of each transform of F(4x4, 3x3) over the points 0, 1, -1, 2, -2 and infinity, and of F(6x6, 3x3), which adds 1/2
// and -1/2 (Lavin and Gray 2016). A tile's side is a constant wherever these are inlined.
#pragma once

#include "kernel_target.h"

enum { LANES = 16, MOST_WINDOW = 8, MOST_TILE = 6 };

typedef float vector __attribute__((ext_vector_type(LANES), aligned(4)));

// t = B^T d.
INLINE void input_line(const int tile, const vector *d, vector *t) {
  if (tile == 4) {
    const vector a = d[4] - 4.0f * d[2], b = d[3] - 4.0f * d[1];
    const vector c = d[4] - d[2], e = 2.0f * (d[3] - d[1]);
    t[0] = 4.0f * d[0] - 5.0f * d[2] + d[4];
    t[1] = a + b;
    t[2] = a - b;
    t[3] = c + e;
    t[4] = c - e;
    t[5] = 4.0f * d[1] - 5.0f * d[3] + d[5];
  } else {
    const vector a = d[2] + d[6] - 4.25f * d[4], b = d[1] + d[5] - 4.25f * d[3];
    const vector c = d[6] + 0.25f * d[2] - 1.25f * d[4], e = 0.5f * d[1] - 2.5f * d[3] + 2.0f * d[5];
    const vector f = d[6] + 4.0f * d[2] - 5.0f * d[4], g = 2.0f * d[1] - 2.5f * d[3] + 0.5f * d[5];
    t[0] = d[0] - d[6] + 5.25f * (d[4] - d[2]);
    t[1] = a + b;
    t[2] = a - b;
    t[3] = c + e;
    t[4] = c - e;
    t[5] = f + g;
    t[6] = f - g;
    t[7] = d[7] - d[1] + 5.25f * (d[3] - d[5]);
  }
}

// y = A^T m.
INLINE void output_line(const int tile, const vector *m, vector *y) {
  const vector a = m[1] + m[2], b = m[1] - m[2];
  const vector c = m[3] + m[4], d = m[3] - m[4];
  if (tile == 4) {
    y[0] = m[0] + a + c;
    y[1] = b + 2.0f * d;
    y[2] = a + 4.0f * c;
    y[3] = b + 8.0f * d + m[5];
  } else {
    const vector e = m[5] + m[6], f = m[5] - m[6];
    y[0] = m[0] + a + c + e;
    y[1] = b + 2.0f * d + 0.5f * f;
    y[2] = a + 4.0f * c + 0.25f * e;
    y[3] = b + 8.0f * d + 0.125f * f;
    y[4] = a + 16.0f * c + 0.0625f * e;
    y[5] = b + 32.0f * d + 0.03125f * f + m[7];
  }
}

// g' = G g for one line of three.
INLINE void weight_line(const int tile, const vector *g, vector *t) {
  const vector even = g[0] + g[2], far = g[0] + 4.0f * g[2], twice = 2.0f * g[1];
  if (tile == 4) {
    t[0] = g[0] * (1.0f / 4.0f);
    t[1] = (even + g[1]) * (-1.0f / 6.0f);
    t[2] = (even - g[1]) * (-1.0f / 6.0f);
    t[3] = (far + twice) * (1.0f / 24.0f);
    t[4] = (far - twice) * (1.0f / 24.0f);
    t[5] = g[2];
  } else {
    const vector near = 4.0f * g[0] + g[2];
    t[0] = g[0];
    t[1] = (even + g[1]) * (-2.0f / 9.0f);
    t[2] = (even - g[1]) * (-2.0f / 9.0f);
    t[3] = (far + twice) * (1.0f / 90.0f);
    t[4] = (far - twice) * (1.0f / 90.0f);
    t[5] = (near + twice) * (8.0f / 45.0f);
    t[6] = (near - twice) * (8.0f / 45.0f);
    t[7] = g[2];
  }
}
