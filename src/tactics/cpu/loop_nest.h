// Dimensions of a problem as few loops as strides allow: the common part of softmax and reductions.
#pragma once

#include <cstdint>
#include <vector>

namespace hone {

// One dimension, or several that became one.
struct LoopDim {
  int64_t size = 1, in_stride = 0, out_stride = 0;
};

// Merges neighbours (outer first) where stepping the outer one is stepping over the whole inner one
// on both sides; drops dimensions of size 1. A result without dimensions means a single element.
std::vector<LoopDim> merge_dims(const std::vector<LoopDim>& dims);

// The offsets of iteration `index` over all `dims` in row-major order.
void loop_offsets(const std::vector<LoopDim>& dims, int64_t index, int64_t* in_offset,
                  int64_t* out_offset);
int64_t loop_count(const std::vector<LoopDim>& dims);

}  // namespace hone
