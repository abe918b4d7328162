// Layer and RMS normalization of FP32 rows:
//   y = (x - mean) / sqrt(mean of (x - mean)^2 + epsilon) * scale + bias      mean = 0 for RMS
// in three passes over a row that stays in the L1 cache: sum, squares, result. The squares are
// taken of x - mean, never as a difference of large sums. Sums are pairwise over blocks of 64
// vectors.
#pragma once

#include <cstdint>

#include "kernels/cpu/isa.h"

namespace hone::cpu {

// A row is `segments` runs of `length` contiguous floats; run s lies at in_segments[s] from the
// beginning of the row, its scale and bias at s * length. segments >= 1, length >= 1.
struct NormalizeProblem {
  bool centred = true;  // false: RMS
  float epsilon = 0;
  int64_t segments = 1, length = 1;
  const int64_t* in_segments = nullptr;   // not owned
  const int64_t* out_segments = nullptr;  // not owned
  int64_t in_stride = 0, out_stride = 0;  // floats from one row to the next
};

// Rows first .. last - 1. `scale` and `bias` may be null; without scale there is no bias. A NaN
// makes its row NaN, an infinity too (of RMS: itself only), as in NumPy. The output may be the
// input (with equal strides and segments), otherwise they must not overlap. Each row's bits depend
// on the row only.
using NormalizeRun = void (*)(const NormalizeProblem& problem, const float* in, float* out,
                              const float* scale, const float* bias, int64_t first, int64_t last);
NormalizeRun normalize_kernel(Isa isa);

namespace portable {
void normalize(const NormalizeProblem&, const float*, float*, const float*, const float*, int64_t,
               int64_t);
}
namespace avx2 {
void normalize(const NormalizeProblem&, const float*, float*, const float*, const float*, int64_t,
               int64_t);
}
namespace avx512 {
void normalize(const NormalizeProblem&, const float*, float*, const float*, const float*, int64_t,
               int64_t);
}

}  // namespace hone::cpu
