#include "tactics/cpu/loop_nest.h"

#include <cstddef>

namespace hone {

std::vector<LoopDim> merge_dims(const std::vector<LoopDim>& dims) {
  std::vector<LoopDim> merged;
  for (const LoopDim& dim : dims) {
    if (dim.size == 1) continue;
    if (!merged.empty()) {
      LoopDim& outer = merged.back();
      if (outer.in_stride == dim.size * dim.in_stride &&
          outer.out_stride == dim.size * dim.out_stride) {
        outer = {outer.size * dim.size, dim.in_stride, dim.out_stride};
        continue;
      }
    }
    merged.push_back(dim);
  }
  return merged;
}

void loop_offsets(const std::vector<LoopDim>& dims, int64_t index, int64_t* in_offset,
                  int64_t* out_offset) {
  *in_offset = *out_offset = 0;
  for (size_t i = dims.size(); i-- > 0;) {
    const int64_t position = index % dims[i].size;
    index /= dims[i].size;
    *in_offset += position * dims[i].in_stride;
    *out_offset += position * dims[i].out_stride;
  }
}

int64_t loop_count(const std::vector<LoopDim>& dims) {
  int64_t count = 1;
  for (const LoopDim& dim : dims) count *= dim.size;
  return count;
}

}  // namespace hone
