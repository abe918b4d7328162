// Local response normalization, one block of channels after the other: their squares, with those of
// the neighbours, in a small buffer in L1, then a sum of shifted loads per vector.
#pragma once

#include <cstdint>

#include "kernels/cpu/lrn.h"
#include "kernels/cpu/math_impl.h"
#include "kernels/cpu/simd.h"

namespace hone::cpu {
namespace {

constexpr int64_t kLrnBlock = 256;

// squares[i] = in[first + i]^2 for `count` channels; 0 for those that are not there.
inline void lrn_squares(const LrnProblem& p, const float* in, int64_t first, int64_t count,
                        float* squares) {
  int64_t i = 0;
  for (; i < count && first + i < 0; ++i) squares[i] = 0;
  for (; i < count && first + i < p.channels; ++i) squares[i] = in[first + i] * in[first + i];
  for (; i < count; ++i) squares[i] = 0;
}

// n channels from `in` on, whose window begins at `squares`.
template <class V>
HONE_SIMD_INLINE V lrn_vector(const LrnProblem& p, V x, const float* squares) {
  V sum = V::load(squares);
  for (int64_t i = 1; i <= p.before + p.after; ++i) sum = sum + V::load(squares + i);
  const V base = V::broadcast(p.bias) + V::broadcast(p.alpha) * sum;
  return x * vec_exp(V::broadcast(-p.beta) * vec_log(base));
}

template <class V>
void lrn_row(const LrnProblem& p, const float* in, float* out) {
  alignas(64) float squares[kLrnBlock + kMaxLrnWindow + V::kLanes];
  for (int64_t c = 0; c < p.channels; c += kLrnBlock) {
    const int64_t n = p.channels - c < kLrnBlock ? p.channels - c : kLrnBlock;
    // The last vector may reach beyond the block; what it finds there is not used.
    lrn_squares(p, in, c - p.before, n + p.before + p.after + V::kLanes, squares);
    int64_t i = 0;
    for (; i + V::kLanes <= n; i += V::kLanes) {
      lrn_vector(p, V::load(in + c + i), squares + i).store(out + c + i);
    }
    const int rest = static_cast<int>(n - i);
    if (rest > 0) {
      lrn_vector(p, V::load_n(in + c + i, rest), squares + i).store_n(out + c + i, rest);
    }
  }
}

template <class V>
void lrn_impl(const LrnProblem& p, const float* in, float* out, int64_t first, int64_t last) {
  for (int64_t row = first; row < last; ++row) {
    lrn_row<V>(p, in + row * p.in_stride, out + row * p.out_stride);
  }
}

}  // namespace
}  // namespace hone::cpu
