// Non-maximum suppression and partial sorting by score: plain C++ for any CPU. Pure functions on
// memory the caller owns.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hone::cpu {

// A score and the place it comes from as one number: ascending order of keys is descending order of
// scores; of equal scores the lower place comes first. place < 2^32.
uint64_t score_key(float score, uint32_t place);
inline uint32_t key_place(uint64_t key) { return static_cast<uint32_t>(key); }

// Boxes as [count][stride] floats, four of them used.
struct NmsProblem {
  const float* boxes = nullptr;
  int64_t box_stride = 4;
  bool center_point = false;  // (x, y, width, height) instead of two opposite corners (y, x, y, x)
  int64_t limit = 0;          // boxes to select at most
  float iou_threshold = 0;    // a box is dropped that overlaps a selected one by more
};

// Bytes that select_boxes() needs to keep `limit` boxes in.
size_t nms_workspace(int64_t limit);

// Chooses greedily by ascending key and stops when `limit` boxes are found; the keys are reordered.
// Writes the places of the selected boxes, best first, and returns their number. `selected` may be
// the memory of `keys`.
int64_t select_boxes(const NmsProblem& problem, uint64_t* keys, int64_t count, void* workspace,
                     uint64_t* selected);

}  // namespace hone::cpu
