// The kernel of normalize.h. Sums of segments are joined in double: there is one segment in nearly
// all cases, and where there are many, they are short.
#pragma once

#include <cstdint>

#include "kernels/cpu/normalize.h"
#include "kernels/cpu/reduce_impl.h"
#include "kernels/cpu/simd.h"

namespace hone::cpu {
namespace {

// The sum of (x - mean)^2 over n contiguous elements.
template <class V>
float normalize_squares(const float* in, int64_t n, float mean) {
  constexpr int kAccumulators = 4, kLanes = V::kLanes;
  const V centre = V::broadcast(mean);
  V sum[kAccumulators];
  HONE_UNROLL for (int a = 0; a < kAccumulators; ++a) sum[a] = V::zero();
  Pairwise<V, AddOp<V>, kAccumulators> blocks;
  int64_t i = 0, steps = 0;
  for (; i + kAccumulators * kLanes <= n; i += kAccumulators * kLanes) {
    HONE_UNROLL for (int a = 0; a < kAccumulators; ++a) {
      const V x = V::load(in + i + a * kLanes) - centre;
      sum[a] = fma(x, x, sum[a]);
    }
    if (++steps % kReduceBlock == 0) blocks.push(sum);
  }
#pragma GCC unroll 4
  for (int a = 0; a < kAccumulators; ++a, i += kLanes) {
    if (i >= n) break;
    // Lanes without an element hold the mean, which adds 0.
    const V x =
        i + kLanes <= n ? V::load(in + i) : load_filled<V>(in + i, static_cast<int>(n - i), mean);
    sum[a] = fma(x - centre, x - centre, sum[a]);
  }
  blocks.finish(sum);
  return reduce_add((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

// How a step of normalize_map reads and writes: a whole vector, or the first n lanes.
template <class V>
struct NormalizeFull {
  HONE_SIMD_INLINE V load(const float* p) const { return V::load(p); }
  HONE_SIMD_INLINE void store(V v, float* p) const { v.store(p); }
};
template <class V>
struct NormalizePart {
  int n;
  HONE_SIMD_INLINE V load(const float* p) const { return V::load_n(p, n); }
  HONE_SIMD_INLINE void store(V v, float* p) const { v.store_n(p, n); }
};

template <class V, class F>
HONE_SIMD_INLINE void normalize_map(F f, int64_t n) {
  int64_t i = 0;
  for (; i + V::kLanes <= n; i += V::kLanes) f(NormalizeFull<V>{}, i);
  if (i < n) f(NormalizePart<V>{static_cast<int>(n - i)}, i);
}

template <class V>
void normalize_apply(const float* in, float* out, const float* scale, const float* bias, int64_t n,
                     V mean, V factor) {
  if (scale == nullptr) {
    normalize_map<V>(
        [&](auto at, int64_t i) { at.store((at.load(in + i) - mean) * factor, out + i); }, n);
  } else if (bias == nullptr) {
    normalize_map<V>(
        [&](auto at, int64_t i) {
          at.store((at.load(in + i) - mean) * factor * at.load(scale + i), out + i);
        },
        n);
  } else {
    normalize_map<V>(
        [&](auto at, int64_t i) {
          const V x = (at.load(in + i) - mean) * factor;
          at.store(fma(x, at.load(scale + i), at.load(bias + i)), out + i);
        },
        n);
  }
}

template <class V>
void normalize_row(const NormalizeProblem& p, const float* in, float* out, const float* scale,
                   const float* bias) {
  const auto count = static_cast<double>(p.segments * p.length);
  double mean = 0, squares = 0;
  if (p.centred) {
    for (int64_t s = 0; s < p.segments; ++s) {
      mean += reduce_lines<V, AddOp<V>>(in + p.in_segments[s], 1, p.length, 0);
    }
    mean /= count;
  }
  const auto centre = static_cast<float>(mean);
  for (int64_t s = 0; s < p.segments; ++s) {
    squares += normalize_squares<V>(in + p.in_segments[s], p.length, centre);
  }
  const auto spread = static_cast<float>(squares / count);
  const V factor = V::broadcast(1.0f) / sqrt(V::broadcast(spread) + V::broadcast(p.epsilon));
  for (int64_t s = 0; s < p.segments; ++s) {
    const int64_t at = s * p.length;
    normalize_apply<V>(
        in + p.in_segments[s], out + p.out_segments[s], scale == nullptr ? nullptr : scale + at,
        bias == nullptr ? nullptr : bias + at, p.length, V::broadcast(centre), factor);
  }
}

template <class V>
void normalize_impl(const NormalizeProblem& p, const float* in, float* out, const float* scale,
                    const float* bias, int64_t first, int64_t last) {
  for (int64_t row = first; row < last; ++row) {
    normalize_row<V>(p, in + row * p.in_stride, out + row * p.out_stride, scale, bias);
  }
}

}  // namespace
}  // namespace hone::cpu
