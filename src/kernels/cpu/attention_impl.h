// The part of attention.h between the matrix products: per row the mask, the largest score, then
// exp and sum.
#pragma once

#include <cstdint>

#include "kernels/cpu/attention.h"
#include "kernels/cpu/math_impl.h"
#include "kernels/cpu/reduce_impl.h"
#include "kernels/cpu/simd.h"

namespace hone::cpu {
namespace {

// The mask of one row as contiguous floats; of kSelect: 1 where the score stays, 0 where not.
inline const float* attention_mask_line(const AttentionRows& args, int64_t row) {
  const AttentionProblem& p = *args.problem;
  const int64_t step = p.mask_column_stride;
  if (p.mask == AttentionMask::kAdd) {
    const float* from = static_cast<const float*>(args.mask) + row * p.mask_row_stride;
    if (step == 1) return from;
    for (int64_t j = 0; j < args.columns; ++j) args.line[j] = from[j * step];
  } else if (row == 0 || p.mask_row_stride != 0) {
    const uint8_t* from = static_cast<const uint8_t*>(args.mask) + row * p.mask_row_stride;
    for (int64_t j = 0; j < args.columns; ++j) args.line[j] = from[j * step] != 0 ? 1.0f : 0.0f;
  }
  return args.line;
}

// f(loader, index) over `n` elements, a vector at a time.
template <class V, class F>
HONE_SIMD_INLINE void attention_map(int64_t n, F f) {
  int64_t i = 0;
  for (; i + V::kLanes <= n; i += V::kLanes) f(i, V::kLanes);
  if (i < n) f(i, static_cast<int>(n - i));
}

// n lanes at p, `fill` in the others.
template <class V>
HONE_SIMD_INLINE V attention_load(const float* p, int n, float fill) {
  return n == V::kLanes ? V::load(p) : load_filled<V>(p, n, fill);
}
template <class V>
HONE_SIMD_INLINE void attention_store(V v, float* p, int n) {
  if (n == V::kLanes) {
    v.store(p);
  } else {
    v.store_n(p, n);
  }
}

// Scores to masked scores, in place; returns the largest. NaN is left out: it makes the sum NaN
// later. Whole vectors are written, which the rows of scores have room for.
template <class V, AttentionMask kMask>
float attention_apply_mask(const AttentionProblem& p, float* scores, const float* mask, int64_t n) {
  constexpr int kLanes = V::kLanes;
  const V lowest = V::broadcast(-__builtin_inff());
  [[maybe_unused]] const V masked = V::broadcast(p.masked_value);
  V most[2] = {lowest, lowest};
  const auto step = [&](int64_t i, int count, V* largest) {
    // Lanes without an element hold -infinity, which both masks leave alone.
    V s = attention_load<V>(scores + i, count, -__builtin_inff());
    if constexpr (kMask != AttentionMask::kNone) {
      const V m = attention_load<V>(mask + i, count, 1);
      if constexpr (kMask == AttentionMask::kAdd) {
        s = s + m;
      } else {
        s = select(eq(m, V::zero()), masked, s);
      }
      s.store(scores + i);
    }
    *largest = max(s, *largest);
  };
  int64_t i = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
    step(i, kLanes, &most[0]);
    step(i + kLanes, kLanes, &most[1]);
  }
  for (; i < n; i += kLanes) step(i, n - i < kLanes ? static_cast<int>(n - i) : kLanes, &most[0]);
  return reduce_max(max(most[0], most[1]));
}

// Scores to exp(score - shift), with 0 where kZero masks; returns the sum of all. Whole vectors are
// written.
template <class V, bool kZero>
float attention_exp(float* scores, const float* mask, int64_t n, float shift) {
  const V s = V::broadcast(shift);
  V sum = V::zero();
  Pairwise<V, AddOp<V>, 1> blocks;
  int64_t steps = 0;
  attention_map<V>(n, [&](int64_t i, int count) {
    // Lanes without an element hold exp(-inf) = 0, or NaN where all are NaN anyway.
    V e = vec_exp_negative(attention_load<V>(scores + i, count, -__builtin_inff()) - s);
    sum = sum + e;
    if (kZero) e = select(eq(attention_load<V>(mask + i, count, 1), V::zero()), V::zero(), e);
    e.store(scores + i);
    if (++steps % kReduceBlock == 0) blocks.push(&sum);
  });
  blocks.finish(&sum);
  return reduce_add(sum);
}

template <class V>
void attention_multiply(const float* from, float* to, int64_t n, float factor) {
  const V f = V::broadcast(factor);
  attention_map<V>(n, [&](int64_t i, int count) {
    attention_store(attention_load<V>(from + i, count, 0) * f, to + i, count);
  });
}

template <class V>
void attention_scale_impl(const float* from, int64_t from_stride, float* to, int64_t to_stride,
                          int64_t rows, int64_t n, float factor) {
  for (int64_t r = 0; r < rows; ++r) {
    attention_multiply<V>(from + r * from_stride, to + r * to_stride, n, factor);
  }
}

template <class V>
HONE_SIMD_INLINE float attention_exp_one(float x) {
  float result[V::kLanes];
  vec_exp_negative(V::broadcast(x)).store(result);
  return result[0];
}

template <class V, AttentionMask kMask>
void attention_softmax_rows(const AttentionRows& args) {
  const AttentionProblem& p = *args.problem;
  for (int64_t r = 0; r < args.rows; ++r) {
    float* scores = args.scores + r * args.stride;
    const float* mask = nullptr;
    if constexpr (kMask != AttentionMask::kNone) mask = attention_mask_line(args, r);
    float largest = attention_apply_mask<V, kMask>(p, scores, mask, args.columns);
    const float before = args.largest[r];
    if (!args.first && !(largest > before)) largest = before;
    // Only -infinities so far: their exp is 0, not that of -inf + inf.
    const float shift = largest == -__builtin_inff() ? 0.0f : largest;
    const bool zero = kMask == AttentionMask::kSelect && p.zero_masked;
    const float sum = zero ? attention_exp<V, true>(scores, mask, args.columns, shift)
                           : attention_exp<V, false>(scores, mask, args.columns, shift);
    args.largest[r] = largest;
    if (args.first) {
      args.totals[r] = sum;
      continue;
    }
    const float correction = attention_exp_one<V>(before - shift);
    args.totals[r] = args.totals[r] * correction + sum;
    if (correction != 1.0f) {
      float* sums = args.sums + r * args.sums_stride;
      attention_multiply<V>(sums, sums, p.value_size, correction);
    }
  }
}

template <class V>
void attention_softmax_impl(const AttentionRows& args) {
  switch (args.problem->mask) {
    case AttentionMask::kNone:
      return attention_softmax_rows<V, AttentionMask::kNone>(args);
    case AttentionMask::kAdd:
      return attention_softmax_rows<V, AttentionMask::kAdd>(args);
    case AttentionMask::kSelect:
      return attention_softmax_rows<V, AttentionMask::kSelect>(args);
  }
}

template <class V>
void attention_finish_impl(const AttentionRows& args) {
  const AttentionProblem& p = *args.problem;
  for (int64_t r = 0; r < args.rows; ++r) {
    const float total = args.totals[r];
    // All masked with -infinity: zeros if masked probabilities are 0, else 0 / 0.
    const float factor = total == 0 && p.zero_masked ? 0.0f : 1.0f / total;
    attention_multiply<V>(args.sums + r * args.sums_stride, args.output + r * p.output_stride,
                          p.value_size, factor);
  }
}

}  // namespace
}  // namespace hone::cpu
