// Softmax and log-softmax of FP32 tensors over one axis: a tensor seen as [outer][axis][inner] with
// any strides for outer and axis and 1 within `inner`. The largest element is subtracted first, so
// nothing overflows. A NaN or +infinity in a row, or only -infinities, make the row NaN, as in
// NumPy.
#pragma once

#include <cstdint>

#include "kernels/cpu/isa.h"

namespace hone::cpu {

struct SoftmaxProblem {
  bool log = false;
  int64_t outer = 1, axis = 1, inner = 1;
  // Floats from one element to the next. inner == 1 with axis stride 1 on both sides is the fast
  // form of the last axis.
  int64_t in_outer_stride = 0, in_axis_stride = 1;
  int64_t out_outer_stride = 0, out_axis_stride = 1;
};

inline constexpr int64_t kSoftmaxInner = 64;  // inner elements per item

// The work is cut into items 0 .. softmax_items(); same bits for any split over threads.
inline int64_t softmax_items(const SoftmaxProblem& p) {
  return p.outer * ((p.inner + kSoftmaxInner - 1) / kSoftmaxInner);
}

// The output may be the input (with equal strides), otherwise they must not overlap.
using SoftmaxRun = void (*)(const SoftmaxProblem& problem, const float* in, float* out,
                            int64_t first, int64_t last);
SoftmaxRun softmax_kernel(Isa isa);

namespace portable {
void softmax(const SoftmaxProblem&, const float*, float*, int64_t, int64_t);
}
namespace avx2 {
void softmax(const SoftmaxProblem&, const float*, float*, int64_t, int64_t);
}
namespace avx512 {
void softmax(const SoftmaxProblem&, const float*, float*, int64_t, int64_t);
}

}  // namespace hone::cpu
