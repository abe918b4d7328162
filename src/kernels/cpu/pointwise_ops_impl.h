// The vector loops of the elementwise kernels: one loop over n elements per step.
#pragma once

#include <cstdint>

#include "kernels/cpu/math_impl.h"
#include "kernels/cpu/pointwise_steps.h"
#include "kernels/cpu/simd.h"

namespace hone::cpu {
namespace {

// A value read along a chunk: element i is data[i * step]; step 0 needs kLanes equal floats there.
struct PointwiseArg {
  const float* data;
  int64_t step;  // 0 or 1
};

// out[i] = f(a0[i], a1[i] ...). `out` may be any of the inputs.
template <class V, class F>
HONE_SIMD_INLINE void map1(F f, const PointwiseArg* args, float* out, int64_t n) {
  constexpr int kLanes = V::kLanes;
  const float* a = args[0].data;
  const int64_t da = args[0].step * kLanes;
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes, a += da) f(V::load(a)).store(out + i);
  const int rest = static_cast<int>(n - i);
  if (rest > 0) f(V::load_n(a, rest)).store_n(out + i, rest);
}

template <class V, class F>
HONE_SIMD_INLINE void map2(F f, const PointwiseArg* args, float* out, int64_t n) {
  constexpr int kLanes = V::kLanes;
  const float *a = args[0].data, *b = args[1].data;
  const int64_t da = args[0].step * kLanes, db = args[1].step * kLanes;
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes, a += da, b += db) f(V::load(a), V::load(b)).store(out + i);
  const int rest = static_cast<int>(n - i);
  if (rest > 0) f(V::load_n(a, rest), V::load_n(b, rest)).store_n(out + i, rest);
}

template <class V, class F>
HONE_SIMD_INLINE void map3(F f, const PointwiseArg* args, float* out, int64_t n) {
  constexpr int kLanes = V::kLanes;
  const float *a = args[0].data, *b = args[1].data, *c = args[2].data;
  const int64_t da = args[0].step * kLanes, db = args[1].step * kLanes, dc = args[2].step * kLanes;
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes, a += da, b += db, c += dc) {
    f(V::load(a), V::load(b), V::load(c)).store(out + i);
  }
  const int rest = static_cast<int>(n - i);
  if (rest > 0) {
    f(V::load_n(a, rest), V::load_n(b, rest), V::load_n(c, rest)).store_n(out + i, rest);
  }
}

template <class V>
HONE_SIMD_INLINE V truth(typename V::Mask m) {
  return select(m, V::broadcast(1.0f), V::zero());
}
template <class V>
HONE_SIMD_INLINE typename V::Mask is_true(V a) {
  return ~eq(a, V::zero());
}
template <class V>
HONE_SIMD_INLINE V max_nan(V a, V b) {  // max(b, a) is a if either is NaN, or if they are equal
  return select(is_nan(b), b, max(b, a));
}
template <class V>
HONE_SIMD_INLINE V min_nan(V a, V b) {
  return select(is_nan(b), b, min(b, a));
}
template <class V>
HONE_SIMD_INLINE V clamp01(V x) {  // keeps NaN
  return min(V::broadcast(1.0f), max(V::zero(), x));
}
template <class V>
HONE_SIMD_INLINE V hard_swish(V x) {
  return x * clamp01(x * V::broadcast(1.0f / 6) + V::broadcast(0.5f));
}
template <class V>
HONE_SIMD_INLINE V elu(V x, V alpha) {
  return select(lt(x, V::zero()), alpha * vec_expm1_negative(x), x);
}
template <class V>
HONE_SIMD_INLINE V selu(V x) {
  const V negative = V::broadcast(1.7580993408473766f) * vec_expm1_negative(x);
  return select(lt(x, V::zero()), negative, V::broadcast(1.0507009873554805f) * x);
}

// sin or cos; lanes beyond the range of the fast reduction go through libm one by one.
template <class V>
HONE_SIMD_INLINE V sin_or_cos(V x, int quadrant) {
  const V y = vec_sin_quadrant(x, quadrant);
  const auto large = gt(abs(x), V::broadcast(32768.0f));
  if (!any(large)) return y;
  float in[V::kLanes], out[V::kLanes];
  x.store(in);
  y.store(out);
  for (int i = 0; i < V::kLanes; ++i) {
    if (!(__builtin_fabsf(in[i]) > 32768.0f)) continue;
    out[i] = quadrant == 0 ? __builtin_sinf(in[i]) : __builtin_cosf(in[i]);
  }
  return V::load(out);
}

// The common constant exponents in vectors, the rest by libm. sqrt(x) + 0 is pow(x, 0.5) but for
// -infinity, which gives +infinity. Only constants of the program count: whether an exponent in
// memory happens to be one value depends on the block.
template <class V>
HONE_SIMD_INLINE void power(const PointwiseStep& step, const PointwiseArg* args, float* out,
                            int64_t n) {
  const float exponent = step.constant_exponent ? *args[1].data : 0.0f;
  if (exponent == 2.0f) return map1<V>([](V x) { return x * x; }, args, out, n);
  if (exponent == -1.0f) return map1<V>([](V x) { return V::broadcast(1.0f) / x; }, args, out, n);
  if (exponent == 0.5f) {
    const auto root = [](V x) {
      const V inf = V::broadcast(__builtin_inff());
      return select(eq(x, -inf), inf, sqrt(x) + V::zero());
    };
    return map1<V>(root, args, out, n);
  }
  for (int64_t i = 0; i < n; ++i) {
    out[i] = __builtin_powf(args[0].data[i * args[0].step], args[1].data[i * args[1].step]);
  }
}

inline void call(const PointwiseStep& step, const PointwiseArg* args, float* out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    float values[3] = {};
    for (int k = 0; k < step.arity; ++k) values[k] = args[k].data[i * args[k].step];
    out[i] = step.call(values);
  }
}

template <class V, bool kMul, bool kAdd, bool kLow, bool kHigh>
void affine_loop(const PointwiseArg* args, float* out, int64_t n) {
  constexpr int kLanes = V::kLanes;
  const float *x = args[0].data, *m = args[1].data, *a = args[2].data;
  const int64_t dx = args[0].step * kLanes, dm = args[1].step * kLanes, da = args[2].step * kLanes;
  const V low = kLow ? V::load(args[3].data) : V::zero();
  const V high = kHigh ? V::load(args[4].data) : V::zero();
  const auto finish = [&](V y) {
    if (kLow) y = max(low, y);
    if (kHigh) y = min(high, y);
    return y;
  };
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes, x += dx, m += dm, a += da) {
    V y = V::load(x);
    if (kMul) y = y * V::load(m);
    if (kAdd) y = y + V::load(a);
    finish(y).store(out + i);
  }
  const int rest = static_cast<int>(n - i);
  if (rest == 0) return;
  V y = V::load_n(x, rest);
  if (kMul) y = y * V::load_n(m, rest);
  if (kAdd) y = y + V::load_n(a, rest);
  finish(y).store_n(out + i, rest);
}

template <class V, bool kMul, bool kAdd>
void affine_limits(const PointwiseStep& step, const PointwiseArg* args, float* out, int64_t n) {
  if (step.has_high) return affine_loop<V, kMul, kAdd, true, true>(args, out, n);
  if (step.has_low) return affine_loop<V, kMul, kAdd, true, false>(args, out, n);
  affine_loop<V, kMul, kAdd, false, false>(args, out, n);
}

template <class V>
void affine(const PointwiseStep& step, const PointwiseArg* args, float* out, int64_t n) {
  if (step.has_mul && step.has_add) return affine_limits<V, true, true>(step, args, out, n);
  if (step.has_mul) return affine_limits<V, true, false>(step, args, out, n);
  if (step.has_add) return affine_limits<V, false, true>(step, args, out, n);
  affine_limits<V, false, false>(step, args, out, n);
}

template <class V>
void run_pointwise_fn(const PointwiseStep& step, const PointwiseArg* args, float* out, int64_t n) {
#define HONE_MAP1(name, expression) \
  case PointwiseFn::k##name:        \
    return map1<V>([](V a) { return expression; }, args, out, n);
#define HONE_MAP2(name, expression) \
  case PointwiseFn::k##name:        \
    return map2<V>([](V a, V b) { return expression; }, args, out, n);
#define HONE_MAP3(name, expression) \
  case PointwiseFn::k##name:        \
    return map3<V>([](V a, V b, V c) { return expression; }, args, out, n);
  switch (step.fn) {
    HONE_MAP2(Add, a + b)
    HONE_MAP2(Sub, a - b)
    HONE_MAP2(Mul, a * b)
    HONE_MAP2(Div, a / b)
    HONE_MAP2(Max, max_nan(a, b))
    HONE_MAP2(Min, min_nan(a, b))
    HONE_MAP2(SquaredDifference, (a - b) * (a - b))
    HONE_MAP1(Relu, max(V::zero(), a))
    HONE_MAP1(Abs, abs(a))
    HONE_MAP1(Neg, -a)
    HONE_MAP1(Exp, vec_exp(a))
    HONE_MAP1(Log, vec_log(a))
    HONE_MAP1(Sqrt, sqrt(a))
    HONE_MAP1(Rsqrt, V::broadcast(1.0f) / sqrt(a))
    HONE_MAP1(Reciprocal, V::broadcast(1.0f) / a)
    HONE_MAP1(Square, a * a)
    HONE_MAP1(Sigmoid, vec_sigmoid(a))
    HONE_MAP1(Tanh, vec_tanh(a))
    HONE_MAP1(Erf, vec_erf(a))
    HONE_MAP1(Erfc, vec_erfc(a))
    HONE_MAP1(Floor, floor(a))
    HONE_MAP1(Ceil, ceil(a))
    HONE_MAP1(Round, round(a))
    HONE_MAP1(Sign, select(is_nan(a), a, truth<V>(gt(a, V::zero())) - truth<V>(lt(a, V::zero()))))
    HONE_MAP1(Softplus, vec_softplus(a))
    HONE_MAP1(Softsign, a / (V::broadcast(1.0f) + abs(a)))
    HONE_MAP2(Elu, elu(a, b))
    HONE_MAP2(LeakyRelu, select(lt(a, V::zero()), a * b, a))
    HONE_MAP1(Selu, selu(a))
    HONE_MAP3(HardSigmoid, clamp01(a * b + c))
    HONE_MAP1(HardSwish, hard_swish(a))
    HONE_MAP1(Gelu, vec_gelu(a))
    HONE_MAP1(GeluTanh, vec_gelu_tanh(a))
    HONE_MAP1(Mish, vec_mish(a))
    HONE_MAP1(Sin, sin_or_cos(a, 0))
    HONE_MAP1(Cos, sin_or_cos(a, 1))
    HONE_MAP3(Where, select(is_true(a), b, c))
    HONE_MAP2(Equal, truth<V>(eq(a, b)))
    HONE_MAP2(NotEqual, truth<V>(~eq(a, b)))
    HONE_MAP2(Less, truth<V>(lt(a, b)))
    HONE_MAP2(LessOrEqual, truth<V>(le(a, b)))
    HONE_MAP2(Greater, truth<V>(gt(a, b)))
    HONE_MAP2(GreaterOrEqual, truth<V>(ge(a, b)))
    HONE_MAP1(Not, truth<V>(eq(a, V::zero())))
    HONE_MAP2(And, truth<V>(is_true(a) & is_true(b)))
    HONE_MAP2(Or, truth<V>(is_true(a) | is_true(b)))
    case PointwiseFn::kPow:
      return power<V>(step, args, out, n);
    case PointwiseFn::kCall:
      return call(step, args, out, n);
  }
#undef HONE_MAP1
#undef HONE_MAP2
#undef HONE_MAP3
}

template <class V>
void run_pointwise_step(const PointwiseStep& step, const PointwiseArg* args, float* out,
                        int64_t n) {
  switch (step.kind) {
    case PointwiseStep::Kind::kFn:
      return run_pointwise_fn<V>(step, args, out, n);
    case PointwiseStep::Kind::kSilu:
      return map1<V>([](V x) { return vec_silu(x); }, args, out, n);
    case PointwiseStep::Kind::kAffine:
      return affine<V>(step, args, out, n);
  }
}

}  // namespace
}  // namespace hone::cpu
