// Pooling: for each output row, for each pixel of it, for each block of 4 vectors of channels: the
// window positions in the order depth, row, column, one accumulator per vector. Window rows overlap
// in the L1 cache, so reading each position anew costs loads only.
#pragma once

#include <cstdint>

#include "kernels/cpu/pool.h"
#include "kernels/cpu/simd.h"

namespace hone::cpu {
namespace {

// Window positions [first, last) of one axis inside the tensor, the input index of position 0, and
// how many positions lie inside the padded tensor.
struct PoolSpan {
  int64_t first, last, start, padded;
};

inline PoolSpan pool_span(const PoolProblem& p, int axis, int64_t out) {
  PoolSpan span;
  const int64_t dilation = p.dilation[axis], kernel = p.kernel[axis];
  span.start = out * p.stride[axis] - p.pad_before[axis];
  span.first = span.start < 0 ? (-span.start + dilation - 1) / dilation : 0;
  // Positions k with start + k * dilation < end.
  const auto below = [&](int64_t end) {
    const int64_t room = end - span.start;
    const int64_t count = room > 0 ? (room + dilation - 1) / dilation : 0;
    return count < kernel ? count : kernel;
  };
  span.last = below(p.in[axis]);
  span.padded = below(p.in[axis] + p.pad_after[axis]);
  if (span.first > span.last) span.first = span.last;
  return span;
}

template <class V, bool kMax>
HONE_SIMD_INLINE V pool_add(V sum, V x) {
  if (!kMax) return sum + x;
  return select(is_nan(x), x, max(x, sum));  // max(x, sum) is sum if that is NaN
}

// The window of one output pixel: positions of the three axes and where it starts.
struct PoolWindow {
  PoolSpan span[3];
  int64_t step[3];  // floats between window positions
  const float* in;  // position (0, 0, 0); may lie outside the tensor
  float divisor;
};

// kVectors full vectors of channels, or one partial one of n channels (n < lanes).
template <class V, bool kMax, int kVectors, bool kPartial>
HONE_SIMD_INLINE void pool_block(const PoolWindow& w, int64_t channel, int n, float* out) {
  V sum[kVectors];
  for (V& v : sum) v = kMax ? V::broadcast(-__builtin_inff()) : V::zero();
  for (int64_t d = w.span[0].first; d < w.span[0].last; ++d) {
    for (int64_t h = w.span[1].first; h < w.span[1].last; ++h) {
      const float* row = w.in + channel + d * w.step[0] + h * w.step[1];
      for (int64_t k = w.span[2].first; k < w.span[2].last; ++k) {
        const float* x = row + k * w.step[2];
        for (int v = 0; v < kVectors; ++v) {
          const V value = kPartial ? V::load_n(x, n) : V::load(x + v * V::kLanes);
          sum[v] = pool_add<V, kMax>(sum[v], value);
        }
      }
    }
  }
  for (int v = 0; v < kVectors; ++v) {
    if (!kMax) sum[v] = sum[v] / V::broadcast(w.divisor);
    if (kPartial) {
      sum[v].store_n(out + channel, n);
    } else {
      sum[v].store(out + channel + v * V::kLanes);
    }
  }
}

template <class V, bool kMax>
void pool_pixel(const PoolWindow& w, int64_t channels, float* out) {
  constexpr int kLanes = V::kLanes;
  int64_t c = 0;
  for (; c + 4 * kLanes <= channels; c += 4 * kLanes) pool_block<V, kMax, 4, false>(w, c, 0, out);
  for (; c + kLanes <= channels; c += kLanes) pool_block<V, kMax, 1, false>(w, c, 0, out);
  if (c < channels) pool_block<V, kMax, 1, true>(w, c, static_cast<int>(channels - c), out);
}

inline int64_t window_count(const PoolWindow& w, bool padded) {
  int64_t count = 1;
  for (const PoolSpan& s : w.span) count *= padded ? s.padded : s.last - s.first;
  return count > 0 ? count : 1;
}

template <class V, bool kMax>
void pool_impl(const PoolProblem& p, const float* in, float* out, int64_t first, int64_t last) {
  PoolWindow w;
  for (int i = 0; i < 3; ++i) w.step[i] = p.dilation[i] * p.in_strides[1 + i];
  for (int64_t item = first; item < last; ++item) {
    const int64_t h = item % p.out[1], d = item / p.out[1] % p.out[0],
                  n = item / p.out[1] / p.out[0];
    w.span[0] = pool_span(p, 0, d);
    w.span[1] = pool_span(p, 1, h);
    const float* row = in + n * p.in_strides[0] + w.span[0].start * p.in_strides[1] +
                       w.span[1].start * p.in_strides[2];
    float* out_row = out + n * p.out_strides[0] + d * p.out_strides[1] + h * p.out_strides[2];
    for (int64_t x = 0; x < p.out[2]; ++x) {
      w.span[2] = pool_span(p, 2, x);
      w.in = row + w.span[2].start * p.in_strides[3];
      w.divisor = static_cast<float>(window_count(w, p.count_include_pad));
      pool_pixel<V, kMax>(w, p.channels, out_row + x * p.out_strides[3]);
    }
  }
}

}  // namespace
}  // namespace hone::cpu
