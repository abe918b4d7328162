// Boxes of detectors, for the reference evaluators of non-maximum suppression.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace hone {

// Corners in order: low[0] <= high[0].
struct Box {
  float low[2], high[2];
};

// Four numbers: two opposite corners, or center and size (x, y, width, height).
inline Box read_box(const float* from, bool center_point) {
  if (center_point) {
    return {{from[1] - from[3] / 2, from[0] - from[2] / 2},
            {from[1] + from[3] / 2, from[0] + from[2] / 2}};
  }
  return {{std::min(from[0], from[2]), std::min(from[1], from[3])},
          {std::max(from[0], from[2]), std::max(from[1], from[3])}};
}

// Intersection over union, as TensorFlow and ONNX Runtime compute it; 0 for boxes without area.
inline float overlap(const Box& a, const Box& b) {
  const float area_a = (a.high[0] - a.low[0]) * (a.high[1] - a.low[1]);
  const float area_b = (b.high[0] - b.low[0]) * (b.high[1] - b.low[1]);
  if (area_a <= 0 || area_b <= 0) return 0;
  const float height = std::min(a.high[0], b.high[0]) - std::max(a.low[0], b.low[0]);
  const float width = std::min(a.high[1], b.high[1]) - std::max(a.low[1], b.low[1]);
  const float both = std::max(height, 0.0f) * std::max(width, 0.0f);
  return both / (area_a + area_b - both);
}

// Indices of those of `scores[i * stride]` that pass `threshold`, best first; of equals the lower
// one first. NaN does not pass. No threshold: all numbers pass.
inline std::vector<int64_t> by_score(const float* scores, int64_t count, int64_t stride,
                                     const float* threshold) {
  std::vector<int64_t> order;
  for (int64_t i = 0; i < count; ++i) {
    const float score = scores[i * stride];
    if (threshold ? score > *threshold : score == score) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return scores[a * stride] > scores[b * stride]; });
  return order;
}

}  // namespace hone
