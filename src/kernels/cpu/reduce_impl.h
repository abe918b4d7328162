// Two forms:
//
//   columns (inner > 1, or the reduced axis is not contiguous): for blocks of 4 vectors of inner
//     elements, or the last partial vector: for rows of both reduced axes: accumulate
//   lines (inner == 1, reduce1 contiguous): 4 accumulators over the vectors of each line; at the
//     end the lanes are joined by halves
//
// In both, after every 64 steps the accumulators go into a binary counter of partial results
// (Pairwise), which joins equals with equals.
#pragma once

#include <cstdint>

#include "kernels/cpu/reduce.h"
#include "kernels/cpu/simd.h"

namespace hone::cpu {
namespace {

constexpr int64_t kReduceBlock = 64;
constexpr int kReduceLevels = 48;  // 2^48 blocks

// Lanes joined by halves, for operations without a faster form.
template <class V, class Op>
HONE_SIMD_INLINE float join_lanes(V x) {
  alignas(64) float lanes[2 * V::kLanes] = {};
  for (int half = V::kLanes / 2; half > 0; half /= 2) {
    x.store(lanes);
    x = Op::join(V::load(lanes), V::load(lanes + half));
  }
  x.store_n(lanes, 1);
  return lanes[0];
}

// fn as one of these: `add` takes in an element, `join` two partial results, `lanes` those of one
// vector.
template <class V>
struct AddOp {
  static constexpr float kStart = 0;
  static HONE_SIMD_INLINE V add(V sum, V x) { return sum + x; }
  static HONE_SIMD_INLINE V join(V a, V b) { return a + b; }
  static HONE_SIMD_INLINE float lanes(V x) { return reduce_add(x); }
};
template <class V>
struct AddSquareOp : AddOp<V> {
  static HONE_SIMD_INLINE V add(V sum, V x) { return fma(x, x, sum); }
};
template <class V>
struct AddAbsOp : AddOp<V> {
  static HONE_SIMD_INLINE V add(V sum, V x) { return sum + abs(x); }
};
template <class V>
struct MultiplyOp {
  static constexpr float kStart = 1;
  static HONE_SIMD_INLINE V add(V sum, V x) { return sum * x; }
  static HONE_SIMD_INLINE V join(V a, V b) { return a * b; }
  static HONE_SIMD_INLINE float lanes(V x) { return join_lanes<V, MultiplyOp>(x); }
};
template <class V>
struct MaxOp {
  static constexpr float kStart = -__builtin_inff();
  static HONE_SIMD_INLINE V add(V sum, V x) { return select(is_nan(x), x, max(x, sum)); }
  static HONE_SIMD_INLINE V join(V a, V b) { return add(a, b); }
  static HONE_SIMD_INLINE float lanes(V x) {
    return any(is_nan(x)) ? __builtin_nanf("") : reduce_max(x);
  }
};
template <class V>
struct MinOp {
  static constexpr float kStart = __builtin_inff();
  static HONE_SIMD_INLINE V add(V sum, V x) { return select(is_nan(x), x, min(x, sum)); }
  static HONE_SIMD_INLINE V join(V a, V b) { return add(a, b); }
  static HONE_SIMD_INLINE float lanes(V x) {
    return any(is_nan(x)) ? __builtin_nanf("") : reduce_min(x);
  }
};

// Partial results of blocks, joined as a binary counter carries.
template <class V, class Op, int kVectors>
struct Pairwise {
  V partial[kReduceLevels][kVectors];
  uint64_t count = 0;

  // Takes the accumulators of a block and sets them to the start value again. They are copied, so
  // that their address is not taken and they stay in registers.
  HONE_SIMD_INLINE void push(V* sums) {
    V block[kVectors];
    HONE_UNROLL for (int v = 0; v < kVectors; ++v) {
      block[v] = sums[v];
      sums[v] = V::broadcast(Op::kStart);
    }
    carry(block);
  }

  void carry(V* block) {
    int level = 0;
    for (; (count >> level & 1) != 0; ++level) {
      HONE_UNROLL for (int v = 0; v < kVectors; ++v) block[v] =
          Op::join(partial[level][v], block[v]);
    }
    HONE_UNROLL for (int v = 0; v < kVectors; ++v) partial[level][v] = block[v];
    ++count;
  }

  HONE_SIMD_INLINE void finish(V* result) {
    for (int level = 0; count >> level != 0; ++level) {
      if ((count >> level & 1) == 0) continue;
      HONE_UNROLL for (int v = 0; v < kVectors; ++v) result[v] =
          Op::join(partial[level][v], result[v]);
    }
  }
};

template <class V>
HONE_SIMD_INLINE V reduce_finish(const ReduceProblem& p, V x) {
  if (p.fn == ReduceFn::kMean) {
    return x / V::broadcast(static_cast<float>(p.reduce0 * p.reduce1));
  }
  return p.fn == ReduceFn::kL2 ? sqrt(x) : x;
}

// kVectors whole vectors of columns, or one partial one of n.
template <class V, class Op, int kVectors, bool kPartial>
void reduce_columns(const ReduceProblem& p, const float* in, float* out, int n) {
  V sum[kVectors];
  HONE_UNROLL for (int v = 0; v < kVectors; ++v) sum[v] = V::broadcast(Op::kStart);
  Pairwise<V, Op, kVectors> blocks;
  int64_t steps = 0;
  for (int64_t r = 0; r < p.reduce0; ++r) {
    const float* row = in + r * p.reduce0_stride;
    for (int64_t k = 0; k < p.reduce1; ++k, row += p.reduce1_stride) {
      HONE_UNROLL for (int v = 0; v < kVectors; ++v) {
        const V x = kPartial ? V::load_n(row, n) : V::load(row + v * V::kLanes);
        sum[v] = Op::add(sum[v], x);
      }
      if (++steps % kReduceBlock == 0) blocks.push(sum);
    }
  }
  blocks.finish(sum);
  HONE_UNROLL for (int v = 0; v < kVectors; ++v) {
    const V y = reduce_finish(p, sum[v]);
    if (kPartial) {
      y.store_n(out, n);
    } else {
      y.store(out + v * V::kLanes);
    }
  }
}

alignas(64) constexpr int32_t kReduceLane[16] = {0, 1, 2,  3,  4,  5,  6,  7,
                                                 8, 9, 10, 11, 12, 13, 14, 15};

// n elements, `fill` in the other lanes.
template <class V>
HONE_SIMD_INLINE V load_filled(const float* p, int n, float fill) {
  using I = typename V::Int;
  return select(gt(I::broadcast(n), I::load(kReduceLane)), V::load_n(p, n), V::broadcast(fill));
}

// The result of lines of contiguous elements, `stride` apart.
template <class V, class Op>
float reduce_lines(const float* in, int64_t lines, int64_t length, int64_t stride) {
  constexpr int kAccumulators = 4, kLanes = V::kLanes;
  V sum[kAccumulators];
  HONE_UNROLL for (int v = 0; v < kAccumulators; ++v) sum[v] = V::broadcast(Op::kStart);
  Pairwise<V, Op, kAccumulators> blocks;
  int64_t steps = 0;
  for (int64_t r = 0; r < lines; ++r) {
    const float* line = in + r * stride;
    int64_t i = 0;
    for (; i + kAccumulators * kLanes <= length; i += kAccumulators * kLanes) {
      HONE_UNROLL for (int a = 0; a < kAccumulators; ++a) {
        sum[a] = Op::add(sum[a], V::load(line + i + a * kLanes));
      }
      if (++steps % kReduceBlock == 0) blocks.push(sum);
    }
#pragma GCC unroll 4
    for (int a = 0; a < kAccumulators; ++a, i += kLanes) {
      if (i >= length) break;
      if (i + kLanes <= length) {
        sum[a] = Op::add(sum[a], V::load(line + i));
      } else {
        const V x = load_filled<V>(line + i, static_cast<int>(length - i), Op::kStart);
        sum[a] = Op::add(sum[a], x);
      }
    }
    if (++steps % kReduceBlock == 0) blocks.push(sum);
  }
  blocks.finish(sum);
  return Op::lanes(Op::join(Op::join(sum[0], sum[1]), Op::join(sum[2], sum[3])));
}

template <class V, class Op>
void reduce_item(const ReduceProblem& p, const float* in, float* out, int64_t columns) {
  constexpr int kLanes = V::kLanes;
  if (p.inner == 1 && (p.reduce1_stride == 1 || p.reduce1 == 1)) {
    const float sum = reduce_lines<V, Op>(in, p.reduce0, p.reduce1, p.reduce0_stride);
    reduce_finish(p, V::broadcast(sum)).store_n(out, 1);
    return;
  }
  int64_t c = 0;
  for (; c + 4 * kLanes <= columns; c += 4 * kLanes) {
    reduce_columns<V, Op, 4, false>(p, in + c, out + c, 0);
  }
  for (; c + kLanes <= columns; c += kLanes) {
    reduce_columns<V, Op, 1, false>(p, in + c, out + c, 0);
  }
  if (c < columns) {
    reduce_columns<V, Op, 1, true>(p, in + c, out + c, static_cast<int>(columns - c));
  }
}

template <class V, class Op>
void reduce_range(const ReduceProblem& p, const float* in, float* out, int64_t first,
                  int64_t last) {
  const int64_t blocks = (p.inner + kReduceInner - 1) / kReduceInner;
  for (int64_t item = first; item < last; ++item) {
    const int64_t o = item / blocks, c = item % blocks * kReduceInner;
    const int64_t left = p.inner - c;
    reduce_item<V, Op>(p, in + o * p.outer_stride + c, out + o * p.out_outer_stride + c,
                       left < kReduceInner ? left : kReduceInner);
  }
}

template <class V>
void reduce_impl(const ReduceProblem& p, const float* in, float* out, int64_t first, int64_t last) {
  switch (p.fn) {
    case ReduceFn::kSum:
    case ReduceFn::kMean:
      return reduce_range<V, AddOp<V>>(p, in, out, first, last);
    case ReduceFn::kSumSquare:
    case ReduceFn::kL2:
      return reduce_range<V, AddSquareOp<V>>(p, in, out, first, last);
    case ReduceFn::kL1:
      return reduce_range<V, AddAbsOp<V>>(p, in, out, first, last);
    case ReduceFn::kProd:
      return reduce_range<V, MultiplyOp<V>>(p, in, out, first, last);
    case ReduceFn::kMax:
      return reduce_range<V, MaxOp<V>>(p, in, out, first, last);
    case ReduceFn::kMin:
      return reduce_range<V, MinOp<V>>(p, in, out, first, last);
  }
}

}  // namespace
}  // namespace hone::cpu
