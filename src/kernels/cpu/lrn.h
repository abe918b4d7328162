// Local response normalization of FP32 rows: y = x * (bias + alpha * sum of squares)^-beta, the sum
// over `before` channels in front, the channel and `after` channels behind. Channels are
// contiguous.
#pragma once

#include <cstdint>

#include "kernels/cpu/isa.h"

namespace hone::cpu {

inline constexpr int64_t kMaxLrnWindow = 64;  // before + 1 + after

struct LrnProblem {
  int64_t channels = 1;
  int64_t before = 2, after = 2;
  float alpha = 2e-5f, beta = 0.75f, bias = 1;      // alpha: per square
  int64_t rows = 1, in_stride = 0, out_stride = 0;  // floats from one row to the next
};

// Rows [first, last); same bits for any split. The output must not overlap the input.
using LrnRun = void (*)(const LrnProblem& problem, const float* in, float* out, int64_t first,
                        int64_t last);
LrnRun lrn_kernel(Isa isa);

namespace portable {
void lrn(const LrnProblem&, const float*, float*, int64_t, int64_t);
}
namespace avx2 {
void lrn(const LrnProblem&, const float*, float*, int64_t, int64_t);
}
namespace avx512 {
void lrn(const LrnProblem&, const float*, float*, int64_t, int64_t);
}

}  // namespace hone::cpu
