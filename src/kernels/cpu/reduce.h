// Reductions of FP32 tensors over one or two axes: a tensor seen as
// [outer][reduce0][reduce1][inner] with any strides but 1 within `inner`. The caller brings any set
// of axes to this form (and loops over what is left). Sums are formed in blocks of 64 rows or
// vectors whose results are added pairwise: the error grows as 64 + log2(n / 64) roundings, not as
// n.
#pragma once

#include <cstdint>

#include "kernels/cpu/isa.h"

namespace hone::cpu {

enum class ReduceFn : uint8_t { kSum, kMean, kSumSquare, kL2, kL1, kProd, kMax, kMin };

struct ReduceProblem {
  ReduceFn fn = ReduceFn::kSum;
  int64_t outer = 1, reduce0 = 1, reduce1 = 1, inner = 1;
  // Floats from one element of an axis to the next.
  int64_t outer_stride = 0, reduce0_stride = 0, reduce1_stride = 0;
  int64_t out_outer_stride = 0;
};

// Inner elements per item: a whole number of cache lines, so that threads share none.
inline constexpr int64_t kReduceInner = 64;

// The work is cut into items 0 .. reduce_items(); same bits for any split over threads.
inline int64_t reduce_items(const ReduceProblem& p) {
  return p.outer * ((p.inner + kReduceInner - 1) / kReduceInner);
}

// out[o * out_outer_stride + i] = fn of in[o][..][..][i]. NaN anywhere gives NaN, also for kMax and
// kMin. Nothing to reduce gives 0, 0/0, 0, 0, 0, 1, -infinity, +infinity in the order of ReduceFn.
// The output must not overlap the input.
using ReduceRun = void (*)(const ReduceProblem& problem, const float* in, float* out, int64_t first,
                           int64_t last);
ReduceRun reduce_kernel(Isa isa);

namespace portable {
void reduce(const ReduceProblem&, const float*, float*, int64_t, int64_t);
}
namespace avx2 {
void reduce(const ReduceProblem&, const float*, float*, int64_t, int64_t);
}
namespace avx512 {
void reduce(const ReduceProblem&, const float*, float*, int64_t, int64_t);
}

}  // namespace hone::cpu
