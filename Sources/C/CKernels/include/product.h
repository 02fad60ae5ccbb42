// Matrix products with weights in panels of 16 columns: a panel holds, for each step of the depth, one number per column.
// Additions go through the depth from its first step to its last, whatever stands beside a number, so a row's numbers are
// the same in any company, and the same with every vector width that fuses products and sums.
#pragma once

#include "activations.h"

#include <stddef.h>

enum {
  /// Columns of a panel: one vector of AVX-512, two of AVX2.
  KERNELS_PANEL_COLUMNS = 16,
  /// Rows that are computed at once; AVX2 takes them in two halves.
  KERNELS_PRODUCT_ROWS = 12,
};

/// The vectors that products are computed with.
typedef enum {
  KERNELS_AVX2 = 1,
  KERNELS_AVX512 = 2,
} kernels_vectors;

/// The widest vectors of this processor that products are written for; 0 where it has neither.
int kernels_widest_vectors(void);

/// Packs weights W[c, i, t] of `columns` columns, `inputs` inputs and `taps` taps, whose columns lie `stride` numbers apart,
/// inputs `taps`, taps 1. Depth of the result: tap by tap, inputs fastest. Panels lie `inputs * taps * 16` numbers apart; what
/// the last one lacks becomes 0.
void kernels_pack(
    const float *weights, ptrdiff_t stride, ptrdiff_t columns, ptrdiff_t inputs, ptrdiff_t taps, float *packed);

/// to[c, r] = scale * from[r, c] + plus[c, r] for `rows` rows and `columns` columns, which lie their strides apart; `plus`
/// lies as `to` does, and may be null.
void kernels_transpose(
    const float *from, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t columns, float scale, const float *plus, float *to,
    ptrdiff_t to_stride);

/// Rows of `length` numbers, `stride` numbers apart.
typedef struct {
  const float *from;
  ptrdiff_t stride, rows, length;
} kernels_rows;

/// A product of `rows` rows by `columns` columns over `length` steps of the depth.
typedef struct {
  /// x[r, k]: rows lie `x_stride` numbers apart.
  const float *x;
  ptrdiff_t x_stride;
  ptrdiff_t rows, columns, length;
  /// Panels, `panel_stride` numbers apart.
  const float *panels;
  ptrdiff_t panel_stride;
  /// What the sums begin with: y itself where `adds` is not 0, else a number for each column, or one for each row, else 0.
  const float *bias, *row_bias;
  int adds;
  /// y[r, c]: rows lie `y_stride` numbers apart, and the columns of a panel `y_panel_stride` after those of the panel before:
  /// 16 in a matrix row by row, more where y is to be the panels of another product.
  float *y;
  ptrdiff_t y_stride, y_panel_stride;
  /// What is added to the sums at their end, rows `y_stride` numbers apart; null for nothing.
  const float *plus;
  /// What becomes of them after that.
  kernels_activation activation;
  /// What is wanted next, and after that: brought nearer while this product is computed, as far as its depth allows.
  kernels_rows next, then;
} kernels_product;

/// y[r, c] = f(start + sum over k of x[r, k] * W[c, k] + plus[r, c]), with the addition of plus last.
void kernels_multiply(const kernels_product *product, kernels_vectors vectors);
