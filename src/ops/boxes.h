// Boxes of detectors, for the reference evaluators of non-maximum suppression.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "ops/infer.h"

namespace hone {

// What boxes and their scores are made of: f64 in exact runs (graph/widen.h).
inline Status require_box_type(const InferContext& context, size_t i) {
  if (i > 0 && context.dtype(i) != context.dtype(0)) {
    return Status(Code::kModel, "boxes, scores and limits are not of one type");
  }
  return require_dtype(
      context, i, [](DataType dtype) { return dtype == DataType::f32 || dtype == DataType::f64; },
      "f32 or f64");
}

// Calls fn with float or double.
template <class Fn>
Status with_box_type(DataType dtype, Fn&& fn) {
  return dtype == DataType::f64 ? fn(std::type_identity<double>())
                                : fn(std::type_identity<float>());
}

// Corners in order: low[0] <= high[0]. T: float or double.
template <class T>
struct Box {
  T low[2], high[2];
};

// Four numbers: two opposite corners, or center and size (x, y, width, height).
template <class T>
Box<T> read_box(const T* from, bool center_point) {
  if (center_point) {
    return {{from[1] - from[3] / 2, from[0] - from[2] / 2},
            {from[1] + from[3] / 2, from[0] + from[2] / 2}};
  }
  return {{std::min(from[0], from[2]), std::min(from[1], from[3])},
          {std::max(from[0], from[2]), std::max(from[1], from[3])}};
}

// Intersection over union, as TensorFlow and ONNX Runtime compute it; 0 for boxes without area.
template <class T>
T overlap(const Box<T>& a, const Box<T>& b) {
  const T area_a = (a.high[0] - a.low[0]) * (a.high[1] - a.low[1]);
  const T area_b = (b.high[0] - b.low[0]) * (b.high[1] - b.low[1]);
  if (area_a <= 0 || area_b <= 0) return 0;
  const T height = std::min(a.high[0], b.high[0]) - std::max(a.low[0], b.low[0]);
  const T width = std::min(a.high[1], b.high[1]) - std::max(a.low[1], b.low[1]);
  const T both = std::max(height, T(0)) * std::max(width, T(0));
  return both / (area_a + area_b - both);
}

// Indices of those of `scores[i * stride]` that pass `threshold`, best first; of equals the lower
// one first. NaN does not pass. No threshold: all numbers pass.
template <class T>
std::vector<int64_t> by_score(const T* scores, int64_t count, int64_t stride, const T* threshold) {
  std::vector<int64_t> order;
  for (int64_t i = 0; i < count; ++i) {
    const T score = scores[i * stride];
    if (threshold ? score > *threshold : score == score) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return scores[a * stride] > scores[b * stride]; });
  return order;
}

}  // namespace hone
