// What attention does between its products. Scores stand key by key, sixteen queries side by side: a softmax then goes down
// the keys without ever adding up the lanes of a vector, and what it leaves is a panel of weights (see product.h) as it is.
#pragma once

#include <stddef.h>

enum {
  /// Queries that stand side by side.
  KERNELS_ATTENTION_QUERIES = 16,
};


/// Takes away what no query may see: scores[k, q] becomes `value` where k > q + `ahead`.
void kernels_mask_later(float *scores, ptrdiff_t keys, ptrdiff_t ahead, float value);

/// One step of a softmax that sees its keys in pieces, for sixteen queries. Scores are in units of ln(2): the running maximum
/// becomes m' = max(m, max s); scores[k, q] becomes 2^(s - m'), not below 2^-125; factors[q] = 2^(m - m');
/// sums[q] = sums[q] * factors[q] + the sum of the new scores. Not-a-number comes through.
void kernels_softmax_piece(float *scores, ptrdiff_t keys, float *maxima, float *sums, float *factors);

/// values[c, q] = values[c, q] * factors[q] for `channels` channels.
void kernels_scale_queries(float *values, ptrdiff_t channels, const float *factors);
