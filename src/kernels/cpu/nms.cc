#include "kernels/cpu/nms.h"

#include <algorithm>
#include <bit>

namespace hone::cpu {
namespace {

constexpr int64_t kBlock = 16;  // selected boxes compared at a time, a multiple of any vector

int64_t padded(int64_t count) { return (count + kBlock - 1) / kBlock * kBlock; }

// Corners in order.
struct Box {
  float low[2], high[2];
};

Box read_box(const float* from, bool center_point) {
  if (center_point) {
    return {{from[1] - from[3] / 2, from[0] - from[2] / 2},
            {from[1] + from[3] / 2, from[0] + from[2] / 2}};
  }
  return {{std::min(from[0], from[2]), std::min(from[1], from[3])},
          {std::max(from[0], from[2]), std::max(from[1], from[3])}};
}

// The selected boxes as one array per number, so that a block of them is compared with one box in
// vectors; the rest of the last block is boxes without area, which overlap nothing.
class Selected {
 public:
  Selected(void* memory, int64_t limit) {
    auto* from = static_cast<float*>(memory);
    for (float*& array : arrays_) {
      array = from;
      from += padded(limit);
    }
  }
  int64_t size() const { return size_; }
  void add(const Box& box, float area) {
    const float values[5] = {box.low[0], box.low[1], box.high[0], box.high[1], area};
    for (int k = 0; k < 5; ++k) {
      if (size_ % kBlock == 0) std::fill_n(arrays_[k] + size_, kBlock, 0.0f);
      arrays_[k][size_] = values[k];
    }
    ++size_;
  }
  // Backwards: the boxes that overlap have similar scores.
  bool hides(const Box& box, float area, float threshold) const {
    for (int64_t begin = padded(size_) - kBlock; begin >= 0; begin -= kBlock) {
      if (block_hides(begin, box, area, threshold)) return true;
    }
    return false;
  }

 private:
  bool block_hides(int64_t begin, const Box& box, float area, float threshold) const {
    const float *low0 = arrays_[0] + begin, *low1 = arrays_[1] + begin, *high0 = arrays_[2] + begin,
                *high1 = arrays_[3] + begin, *areas = arrays_[4] + begin;
    int hidden = 0;
    for (int64_t i = 0; i < kBlock; ++i) {
      // In the order and with the comparisons of the frameworks, so that borderline cases agree.
      const float height = std::min(box.high[0], high0[i]) - std::max(box.low[0], low0[i]);
      const float width = std::min(box.high[1], high1[i]) - std::max(box.low[1], low1[i]);
      const float both = std::max(height, 0.0f) * std::max(width, 0.0f);
      const float iou = both / (area + areas[i] - both);
      hidden |= static_cast<int>(areas[i] > 0) & static_cast<int>(iou > threshold);
    }
    return hidden != 0;
  }

  float* arrays_[5];
  int64_t size_ = 0;
};

}  // namespace

uint64_t score_key(float score, uint32_t place) {
  const auto bits = std::bit_cast<uint32_t>(score + 0.0f);  // -0 is 0
  const uint32_t ascending = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
  return static_cast<uint64_t>(~ascending) << 32 | place;
}

size_t nms_workspace(int64_t limit) {
  return static_cast<size_t>(padded(limit)) * 5 * sizeof(float);
}

int64_t select_boxes(const NmsProblem& problem, uint64_t* keys, int64_t count, void* workspace,
                     uint64_t* selected) {
  Selected kept(workspace, std::min(problem.limit, count));
  // Sorted in pieces that double: few boxes are looked at when the limit is small.
  int64_t sorted = 0, piece = std::max<int64_t>(64, 2 * problem.limit);
  for (int64_t i = 0; i < count && kept.size() < problem.limit; ++i) {
    if (i == sorted) {
      const int64_t end = count - sorted <= 2 * piece ? count : sorted + piece;
      if (end < count) std::nth_element(keys + sorted, keys + end, keys + count);
      std::sort(keys + sorted, keys + end);
      sorted = end;
      piece *= 2;
    }
    const uint32_t place = key_place(keys[i]);
    const Box box = read_box(problem.boxes + place * problem.box_stride, problem.center_point);
    const float area = (box.high[0] - box.low[0]) * (box.high[1] - box.low[1]);
    // A threshold below 0 is exceeded even by boxes without area (their overlap is 0).
    const bool hidden = problem.iou_threshold < 0 ? kept.size() > 0
                        : area > 0                ? kept.hides(box, area, problem.iou_threshold)
                                                  : false;
    if (hidden) continue;
    kept.add(box, area);
    selected[kept.size() - 1] = place;  // never beyond key i, which has been read
  }
  return kept.size();
}

}  // namespace hone::cpu
