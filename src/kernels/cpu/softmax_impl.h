// Softmax in three passes over data that stays in cache: largest element, exp and sum, scale.
//
//   lines (inner == 1, axis contiguous): vectors along the axis, 4 partial sums
//   columns (any other): vectors across `inner`, for each of them down the axis
//
// Sums are pairwise over blocks of 64 (reduce_impl.h).
#pragma once

#include <cstdint>

#include "kernels/cpu/math_impl.h"
#include "kernels/cpu/reduce_impl.h"
#include "kernels/cpu/simd.h"
#include "kernels/cpu/softmax.h"

namespace hone::cpu {
namespace {

// exp(x - largest) into out (if kStore); returns the sum in all lanes.
template <class V, bool kStore>
V softmax_exp_line(const float* in, float* out, int64_t n, V largest) {
  constexpr int kLanes = V::kLanes;
  V sum[2] = {V::zero(), V::zero()};
  Pairwise<V, AddOp<V>, 2> blocks;
  int64_t i = 0, steps = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
    HONE_UNROLL for (int a = 0; a < 2; ++a) {
      const V e = vec_exp(V::load(in + i + a * kLanes) - largest);
      if (kStore) e.store(out + i + a * kLanes);
      sum[a] = sum[a] + e;
    }
    if (++steps % kReduceBlock == 0) blocks.push(sum);
  }
  for (; i < n; i += kLanes) {
    const int count = n - i < kLanes ? static_cast<int>(n - i) : kLanes;
    const V e = vec_exp(load_filled<V>(in + i, count, -__builtin_inff()) - largest);
    if (kStore) e.store_n(out + i, count);
    // Lanes without an element hold exp(-inf) = 0, or NaN where all are NaN anyway.
    sum[0] = sum[0] + e;
  }
  blocks.finish(sum);
  return V::broadcast(reduce_add(sum[0] + sum[1]));
}

// out = f(in) for n contiguous elements.
template <class V, class F>
HONE_SIMD_INLINE void softmax_map(F f, const float* in, float* out, int64_t n) {
  int64_t i = 0;
  for (; i + V::kLanes <= n; i += V::kLanes) f(V::load(in + i)).store(out + i);
  const int rest = static_cast<int>(n - i);
  if (rest > 0) f(V::load_n(in + i, rest)).store_n(out + i, rest);
}

template <class V>
void softmax_line(bool log, const float* in, float* out, int64_t n) {
  const V largest = V::broadcast(reduce_lines<V, MaxOp<V>>(in, 1, n, 0));
  if (log) {
    const V shift = vec_log(softmax_exp_line<V, false>(in, out, n, largest));
    softmax_map<V>([&](V x) { return (x - largest) - shift; }, in, out, n);
  } else {
    const V factor = V::broadcast(1.0f) / softmax_exp_line<V, true>(in, out, n, largest);
    softmax_map<V>([&](V e) { return e * factor; }, out, out, n);
  }
}

// One vector of columns (n of them if kPartial) down the axis.
template <class V, bool kPartial>
void softmax_columns(const SoftmaxProblem& p, const float* in, float* out, int n) {
  const auto load = [&](const float* at) { return kPartial ? V::load_n(at, n) : V::load(at); };
  const auto store = [&](V x, float* at) {
    if (kPartial) {
      x.store_n(at, n);
    } else {
      x.store(at);
    }
  };
  V largest = V::broadcast(-__builtin_inff());
  for (int64_t k = 0; k < p.axis; ++k) {
    largest = MaxOp<V>::add(largest, load(in + k * p.in_axis_stride));
  }
  V sum = V::zero();
  Pairwise<V, AddOp<V>, 1> blocks;
  for (int64_t k = 0; k < p.axis; ++k) {
    const V e = vec_exp(load(in + k * p.in_axis_stride) - largest);
    if (!p.log) store(e, out + k * p.out_axis_stride);
    sum = sum + e;
    if ((k + 1) % kReduceBlock == 0) blocks.push(&sum);
  }
  blocks.finish(&sum);
  const V shift = p.log ? vec_log(sum) : V::broadcast(1.0f) / sum;
  for (int64_t k = 0; k < p.axis; ++k) {
    float* to = out + k * p.out_axis_stride;
    const V y = p.log ? (load(in + k * p.in_axis_stride) - largest) - shift : load(to) * shift;
    store(y, to);
  }
}

template <class V>
void softmax_impl(const SoftmaxProblem& p, const float* in, float* out, int64_t first,
                  int64_t last) {
  const int64_t blocks = (p.inner + kSoftmaxInner - 1) / kSoftmaxInner;
  const bool lines = p.inner == 1 && p.in_axis_stride == 1 && p.out_axis_stride == 1;
  for (int64_t item = first; item < last; ++item) {
    const int64_t o = item / blocks, c = item % blocks * kSoftmaxInner;
    const float* from = in + o * p.in_outer_stride + c;
    float* to = out + o * p.out_outer_stride + c;
    if (lines) {
      softmax_line<V>(p.log, from, to, p.axis);
      continue;
    }
    const int64_t columns = p.inner - c < kSoftmaxInner ? p.inner - c : kSoftmaxInner;
    int64_t i = 0;
    for (; i + V::kLanes <= columns; i += V::kLanes) {
      softmax_columns<V, false>(p, from + i, to + i, 0);
    }
    if (i < columns) softmax_columns<V, true>(p, from + i, to + i, static_cast<int>(columns - i));
  }
}

}  // namespace
}  // namespace hone::cpu
