// What features say within boxes (RoIAlign); libtorch itself has no such operation.
#pragma once

#include "results.hpp"

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/where.h>

namespace shim {

/// The points of all cells along one axis, `[boxes, cells * points]`: the pixels around each, and their parts in it.
struct axis_points {
  at::Tensor before, after, share_before, share_after;
};

/// - Parameters:
///   - from, to: the boxes' edges, `[boxes]`, in float32 as torchvision has them: a point's place decides between which pixels it
///     lies.
inline axis_points points_along(
    const at::Tensor &from, const at::Tensor &to, int64_t cells, int64_t size, const torch_region_sampling &sampling) {
  double offset = sampling.is_aligned ? 0.5 : 0;
  auto first = from.mul(sampling.scale).sub(offset);
  auto length = to.mul(sampling.scale).sub(offset).sub(first);
  if (!sampling.is_aligned) length = length.clamp_min(1);
  auto cell = length.div(static_cast<double>(cells)).unsqueeze(1);
  auto steps = at::arange(cells * sampling.points, from.options().dtype(at::kLong));
  auto whole = steps.floor_divide(sampling.points).to(at::kFloat);
  auto part = steps.remainder(sampling.points).to(at::kFloat).add(0.5);
  auto place = first.unsqueeze(1).add(whole.mul(cell)).add(part.mul(cell).div(static_cast<double>(sampling.points)));
  // What lies more than a pixel outside, or is not finite, says nothing.
  auto is_seen = place.ge(-1).logical_and(place.le(static_cast<double>(size)))
                     .logical_and(at::isfinite(from).logical_and(at::isfinite(to)).unsqueeze(1));
  place = at::where(is_seen, place, at::Scalar(0)).clamp(0, static_cast<double>(size - 1));
  auto floor = place.floor();
  auto seen = is_seen.to(at::kFloat);
  auto share = place.sub(floor).mul(seen);
  auto before = floor.to(at::kLong);
  return {before, before.add(1).clamp_max(size - 1), seen.sub(share), share};
}

inline int regions(
    const torch_context *context, const torch_tensor *x, const torch_tensor *boxes, torch_region_sampling sampling,
    torch_storage **result) {
  return guarded(context, [&] {
    auto height = shape(x)[1], width = shape(x)[2], channels = shape(x)[3], count = shape(boxes)[0];
    auto pixels = view(x).view({height * width, channels});
    auto edges = view(boxes).to(at::kFloat).unbind(1);
    auto across = points_along(edges[0], edges[2], sampling.columns, width, sampling);
    auto down = points_along(edges[1], edges[3], sampling.rows, height, sampling);
    auto points = sampling.rows * sampling.columns * sampling.points * sampling.points;
    // 64 MB of float32 for the points of some boxes at once.
    auto together = std::max<int64_t>(1, (16 << 20) / (points * channels));
    std::vector<at::Tensor> parts = {at::empty({0, sampling.rows, sampling.columns, channels}, pixels.options())};
    for (int64_t start = 0; start < count; start += together) {
      auto some = [&](const at::Tensor &values) { return values.narrow(0, start, std::min(together, count - start)); };
      auto corner = [&](const at::Tensor &row, const at::Tensor &row_share, const at::Tensor &column,
                        const at::Tensor &column_share) {
        auto place = some(row).mul(width).unsqueeze(2).add(some(column).unsqueeze(1));
        auto share = some(row_share).unsqueeze(2).mul(some(column_share).unsqueeze(1));
        return at::embedding(pixels, place).to(at::kFloat).mul_(share.unsqueeze(3));
      };
      auto sum = corner(down.before, down.share_before, across.before, across.share_before);
      sum.add_(corner(down.before, down.share_before, across.after, across.share_after));
      sum.add_(corner(down.after, down.share_after, across.before, across.share_before));
      sum.add_(corner(down.after, down.share_after, across.after, across.share_after));
      auto cells = sum.view({-1, sampling.rows, sampling.points, sampling.columns, sampling.points, channels});
      parts.push_back(cells.mean({2, 4}).to(pixels.scalar_type()));
    }
    *result = stored(at::cat(parts, 0));
  });
}

} // namespace shim
