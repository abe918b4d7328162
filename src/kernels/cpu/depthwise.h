// Depthwise convolution of FP32 NHWC tensors: output channel o is input channel o / multiplier
// filtered by its own kernel. Any kernel size, stride, dilation, padding and strides; the channels
// are contiguous. The padding need not exist in memory: windows are clipped at the borders and
// nothing outside the tensor is read.
#pragma once

#include <cstdint>

#include "kernels/cpu/isa.h"

namespace hone::cpu {

struct DepthwiseProblem {
  int64_t batch = 1;
  int64_t in_h = 1, in_w = 1, channels = 1;  // channels of the input
  int64_t out_h = 1, out_w = 1;
  int64_t multiplier = 1;  // output channels = channels * multiplier
  int64_t kernel_h = 1, kernel_w = 1;
  int64_t stride_h = 1, stride_w = 1;
  int64_t dilation_h = 1, dilation_w = 1;
  int64_t pad_top = 0, pad_left = 0;
  // Floats from one image, row, pixel to the next.
  int64_t in_strides[3] = {0, 0, 0}, out_strides[3] = {0, 0, 0}, addend_strides[3] = {0, 0, 0};
  // Row y of the input lies at (y mod ring_rows) * in_strides[1], if > 0: a buffer that holds at
  // least the rows that one call reads. REQUIRES: dilation_h = 1 then.
  int64_t ring_rows = 0;
};

// As ConvTail in conv.h: called on the thread that made them when all channels of the given outputs
// are complete. `pixel` counts output pixels in row-major order over (n, h, w).
using DepthwiseTail = void (*)(void* user, int64_t pixel, int64_t pixels, int64_t channel,
                               int64_t channels);

// output = clamp(convolution + bias + addend, lo, hi); NaN stays NaN.
struct DepthwisePointers {
  const float* input = nullptr;
  const float* packed = nullptr;  // from pack_depthwise
  const float* bias = nullptr;    // one per output channel, or null
  const float* addend = nullptr;  // or null; may be the output
  float* output = nullptr;        // must not overlap the input
  float lo = -__builtin_inff(), hi = __builtin_inff();
  DepthwiseTail tail = nullptr;
  void* tail_user = nullptr;
};

// Packed weights: [output channels / lanes][kernel_h * kernel_w][lanes], zeros behind the last
// channel. Depends on channels, kernel size and instruction set only.
int64_t packed_depthwise_floats(const DepthwiseProblem& problem, Isa isa);
// `weights`: dense [output channels][kernel_h][kernel_w].
void pack_depthwise(const DepthwiseProblem& problem, Isa isa, const float* weights, float* packed);

// The work is cut into output rows: items 0 .. depthwise_items(). Same bits for any split.
inline int64_t depthwise_items(const DepthwiseProblem& p) { return p.batch * p.out_h; }

using DepthwiseRun = void (*)(const DepthwiseProblem& problem, const DepthwisePointers& pointers,
                              int64_t first, int64_t last);
DepthwiseRun depthwise_kernel(Isa isa);

namespace portable {
void depthwise(const DepthwiseProblem&, const DepthwisePointers&, int64_t, int64_t);
}
namespace avx2 {
void depthwise(const DepthwiseProblem&, const DepthwisePointers&, int64_t, int64_t);
}
namespace avx512 {
void depthwise(const DepthwiseProblem&, const DepthwisePointers&, int64_t, int64_t);
}

}  // namespace hone::cpu
