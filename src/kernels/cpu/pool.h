// Max and average pooling of FP32 tensors [batch, depth, height, width, channels] with contiguous
// channels and any strides. One- and two-dimensional pooling set the leading sizes to 1. Windows
// are clipped at the borders: nothing outside the tensor is read. Global pooling is a reduction
// (reduce.h).
#pragma once

#include <cstdint>

#include "kernels/cpu/isa.h"

namespace hone::cpu {

struct PoolProblem {
  int64_t batch = 1, channels = 1;
  // Spatial axes: depth, height, width.
  int64_t in[3] = {1, 1, 1}, out[3] = {1, 1, 1};
  int64_t kernel[3] = {1, 1, 1}, stride[3] = {1, 1, 1}, dilation[3] = {1, 1, 1};
  int64_t pad_before[3] = {0, 0, 0}, pad_after[3] = {0, 0, 0};
  // Average: divide by the number of window positions inside the padded tensor (ONNX
  // count_include_pad) instead of those inside the tensor (TensorFlow, ONNX default).
  bool count_include_pad = false;
  // Floats from one image, depth, row, pixel to the next.
  int64_t in_strides[4] = {0, 0, 0, 0}, out_strides[4] = {0, 0, 0, 0};
};

// The work is cut into output rows: items 0 .. pool_items(). Each element is computed in one fixed
// order, so any split over threads gives the same bits. The output must not overlap the input.
inline int64_t pool_items(const PoolProblem& p) { return p.batch * p.out[0] * p.out[1]; }

// Windows without any position inside the tensor give -infinity (max) or 0 (average). Max: NaN if
// the window holds one.
using PoolRun = void (*)(const PoolProblem& problem, const float* in, float* out, int64_t first,
                         int64_t last);
PoolRun max_pool_kernel(Isa isa);
PoolRun average_pool_kernel(Isa isa);

#define HONE_POOL_KERNELS(isa)                                                   \
  namespace isa {                                                                \
  void max_pool(const PoolProblem&, const float*, float*, int64_t, int64_t);     \
  void average_pool(const PoolProblem&, const float*, float*, int64_t, int64_t); \
  }
HONE_POOL_KERNELS(portable)
HONE_POOL_KERNELS(avx2)
HONE_POOL_KERNELS(avx512)
#undef HONE_POOL_KERNELS

}  // namespace hone::cpu
