// Vector forms of exp, log, sigmoid, tanh, erf ... over the Vec type of simd.h. Written once, used
// by the elementwise kernels and by epilogues. Polynomials were fitted for this file (weighted
// least squares, reweighted towards minimax); errors are in units in the last place against double
// precision, largest seen over all ranges tested in math_test.cc:
//
//   exp 1.1   expm1 of x <= 0 1.7   log 1.5   sigmoid 3   tanh 3   silu 4   erf 2   erfc 5
//   softplus 3   mish 5   gelu, gelu_tanh 4 ulp or 1e-6 absolute
//   sin, cos 1.5 ulp or 1e-7 absolute up to |x| = 32768, libm beyond
//
// All are right at +-inf, NaN, +-0 and denormals (the caller leaves flush-to-zero off; with it on,
// denormal results become 0).
#pragma once

#include "kernels/cpu/simd.h"

namespace hone::cpu {
namespace {

template <class V>
HONE_SIMD_INLINE V vec_copysign(V magnitude, V sign) {
  using I = typename V::Int;
  const I bit = I::broadcast(INT32_MIN);
  return as_float(as_int(abs(magnitude)) | (as_int(sign) & bit));
}

// c[0] + c[1] x + ... by Horner.
template <class V, int N>
HONE_SIMD_INLINE V vec_poly(V x, const float (&c)[N]) {
  V sum = V::broadcast(c[N - 1]);
#pragma GCC unroll 16
  for (int i = N - 2; i >= 0; --i) sum = fma(sum, x, V::broadcast(c[i]));
  return sum;
}

// x = n ln 2 + r with |r| <= ln 2 / 2. ln 2 in two floats: with FMA the first step is exact.
template <class V>
HONE_SIMD_INLINE V vec_reduce_ln2(V x, V* n) {
  *n = round(x * V::broadcast(1.442695041f));
  const V r = fnma(*n, V::broadcast(0.693147182f), x);
  return fnma(*n, V::broadcast(-1.90465421e-9f), r);
}

// exp for x in [-104, 89].
template <class V>
HONE_SIMD_INLINE V vec_exp_in_range(V x) {
  static constexpr float kQ[] = {5.000000000e-01f, 1.666650623e-01f, 4.166616872e-02f,
                                 8.370331489e-03f, 1.395293162e-03f};
  V n;
  const V r = vec_reduce_ln2(x, &n);
  return scale(fma(r * r, vec_poly(r, kQ), r) + V::broadcast(1.0f), n);
}

template <class V>
HONE_SIMD_INLINE V vec_exp(V x) {
  // max(constant, x) keeps a NaN of x. Beyond the limits the result is 0 or infinity.
  return vec_exp_in_range(min(V::broadcast(89.0f), max(V::broadcast(-104.0f), x)));
}

// exp for x <= 0 in two thirds of the steps, for softmax: 0 below -87 instead of denormals, and
// whatever for x > 0. Rounding to whole n by adding 1.5 * 2^23 leaves n in the low bits.
template <class V>
HONE_SIMD_INLINE V vec_exp_negative(V x) {
  static constexpr float kQ[] = {5.000000000e-01f, 1.666650623e-01f, 4.166616872e-02f,
                                 8.370331489e-03f, 1.395293162e-03f};
  const V limit = V::broadcast(-87.0f), shift = V::broadcast(12582912.0f);
  const V y = max(limit, x);  // keeps NaN
  const V t = fma(y, V::broadcast(1.442695041f), shift), n = t - shift;
  const V r = fnma(n, V::broadcast(-1.90465421e-9f), fnma(n, V::broadcast(0.693147182f), y));
  const V e = fma(r * r, vec_poly(r, kQ), r) + V::broadcast(1.0f);
  return select(lt(x, limit), V::zero(), as_float(as_int(e) + shl<23>(as_int(t))));
}

// exp(x) - 1 for x <= 0, with a small relative error also near 0.
template <class V>
HONE_SIMD_INLINE V vec_expm1_negative(V x) {
  static constexpr float kQ[] = {5.000000000e-01f, 1.666666567e-01f, 4.166633263e-02f,
                                 8.333385922e-03f, 1.394281746e-03f, 1.985042618e-04f};
  V n;
  const V one = V::broadcast(1.0f);
  const V r = vec_reduce_ln2(max(V::broadcast(-104.0f), x), &n);
  const V power = scale(one, n);
  return fma(power, fma(r * r, vec_poly(r, kQ), r), power - one);
}

// log(1 + f) + k ln 2 for 1 + f in [sqrt(1/2), sqrt(2)].
template <class V>
HONE_SIMD_INLINE V vec_log1p_reduced(V f, V k) {
  static constexpr float kP[] = {3.333331048e-01f,  -2.500000894e-01f, 2.000217438e-01f,
                                 -1.666812450e-01f, 1.421844810e-01f,  -1.240251064e-01f,
                                 1.189365312e-01f,  -1.169739291e-01f, 6.760801375e-02f};
  const V square = f * f;
  V sum = fma(V::broadcast(-0.5f), square, f * square * vec_poly(f, kP));
  sum = fma(k, V::broadcast(-1.90465421e-9f), sum) + f;
  return fma(k, V::broadcast(0.693147182f), sum);
}

template <class V>
HONE_SIMD_INLINE V vec_log(V x) {
  using I = typename V::Int;
  const V inf = V::broadcast(__builtin_inff()), zero = V::zero();
  const auto tiny = lt(x, V::broadcast(1.17549435e-38f));
  const V normal = select(tiny, x * V::broadcast(8388608.0f), x);
  const I half_root = I::broadcast(0x3f3504f3);  // sqrt(1/2)
  const I bits = as_int(normal) - half_root;
  const V k = to_float(sar<23>(bits)) - select(tiny, V::broadcast(23.0f), zero);
  const V m = as_float((bits & I::broadcast(0x7fffff)) + half_root);
  V y = vec_log1p_reduced(m - V::broadcast(1.0f), k);
  y = select(eq(x, zero), -inf, y);
  y = select(lt(x, zero), V::broadcast(__builtin_nanf("")), y);
  return select(lt(x, inf), y, x);  // +inf and NaN stay
}

// log(1 + e) for e in [0, 1].
template <class V>
HONE_SIMD_INLINE V vec_log1p_unit(V e) {
  const auto large = gt(e, V::broadcast(0.41421356f));
  const V f = select(large, (e - V::broadcast(1.0f)) * V::broadcast(0.5f), e);
  return vec_log1p_reduced(f, select(large, V::broadcast(1.0f), V::zero()));
}

template <class V>
HONE_SIMD_INLINE V vec_sigmoid(V x) {
  // exp(-|x|) never overflows, so both tails keep their relative accuracy.
  const V one = V::broadcast(1.0f), e = vec_exp(-abs(x));
  return select(lt(x, V::zero()), e, one) / (one + e);
}

// p * 2^n for whole n in [-126, 128], infinity for 128; p in [0.5, 2].
template <class V>
HONE_SIMD_INLINE V vec_scale_normal(V p, V n) {
  if constexpr (V::kLanes == 16) return scale(p, n);  // one instruction of AVX-512
  using I = typename V::Int;
  return p * as_float(shl<23>(to_int(n) + I::broadcast(127)));
}

// x * sigmoid(x), faster than the two: below -88 the result is -0 instead of about -1e-37, so that
// e^-x needs neither denormals nor its last values before infinity.
template <class V>
HONE_SIMD_INLINE V vec_silu(V x) {
  static constexpr float kQ[] = {5.000000000e-01f, 1.666650623e-01f, 4.166616872e-02f,
                                 8.370331489e-03f, 1.395293162e-03f};
  const V one = V::broadcast(1.0f);
  V n;
  const V r = vec_reduce_ln2(min(V::broadcast(89.0f), max(V::broadcast(-87.0f), -x)), &n);
  const V e = vec_scale_normal(fma(r * r, vec_poly(r, kQ), r) + one, n);
  return x / (one + e);
}

template <class V>
HONE_SIMD_INLINE V vec_tanh(V x) {
  // tanh(a) = -m / (2 + m) with m = exp(-2a) - 1: no cancellation anywhere, no branch.
  const V m = vec_expm1_negative(abs(x) * V::broadcast(-2.0f));
  return vec_copysign(m / (V::broadcast(2.0f) + m), x);
}

template <class V>
HONE_SIMD_INLINE V vec_softplus(V x) {
  return max(V::zero(), x) + vec_log1p_unit(vec_exp(-abs(x)));
}

template <class V>
HONE_SIMD_INLINE V vec_erf(V x) {
  // |x| < 0.93: x + x P(x^2). Beyond: 1 - exp(log erfc), a polynomial of |x| up to 4, where erf
  // rounds to 1.
  static constexpr float kSmall[] = {1.283791661e-01f,  -3.761263192e-01f, 1.128368750e-01f,
                                     -2.685894072e-02f, 5.199905019e-03f,  -8.129994967e-04f,
                                     8.316708409e-05f};
  static constexpr float kLogErfc[] = {-2.110919886e-04f, -1.127612233e+00f, -6.372886896e-01f,
                                       -1.038385257e-01f, 2.218221687e-02f,  -3.032041946e-03f,
                                       1.948018180e-04f};
  const V a = min(V::broadcast(4.0f), abs(x));  // keeps NaN
  const V small = fma(x, vec_poly(x * x, kSmall), x);
  const V large = V::broadcast(1.0f) - vec_exp_in_range(vec_poly(a, kLogErfc));
  return select(lt(a, V::broadcast(0.93f)), small, vec_copysign(large, x));
}

// 0.5 x (1 + erf(x / sqrt 2)), erf by a quotient of polynomials of its own: an absolute error is
// enough here, and it takes half the time of vec_erf. From 5.25 on erf must be exactly 1 (a larger
// x would multiply what is missing), so the fit leans up to 1 + 1.2e-7 towards that end.
template <class V>
HONE_SIMD_INLINE V vec_gelu(V x) {
  static constexpr float kP[] = {7.978845239e-01f, 6.546249986e-02f, 9.235692210e-03f,
                                 3.170275013e-04f, 1.278754917e-05f, 4.881223248e-08f};
  static constexpr float kQ[] = {1.000000000e+00f, 2.487113625e-01f, 2.802783810e-02f,
                                 1.826420659e-03f, 7.090099825e-05f, 1.248458375e-06f};
  const V limit = V::broadcast(5.25f);
  const V z = min(limit, max(-limit, x)), square = z * z;
  const V erf = z * vec_poly(square, kP) / vec_poly(square, kQ);
  const V half = x * V::broadcast(0.5f);
  return fma(half, erf, half);
}

// 0.5 x (1 + tanh(u)) = x sigmoid(2 u), u = sqrt(2 / pi) (x + 0.044715 x^3).
template <class V>
HONE_SIMD_INLINE V vec_gelu_tanh(V x) {
  const V cubic =
      fma(x * x, V::broadcast(-2 * 0.79788456f * 0.044715f), V::broadcast(-2 * 0.79788456f));
  return x / (V::broadcast(1.0f) + vec_exp(x * cubic));
}

// x tanh(log(1 + e^x)) = x w / (w + 2), w = e^x (e^x + 2); from 20 on the factor is 1.
template <class V>
HONE_SIMD_INLINE V vec_mish(V x) {
  const V two = V::broadcast(2.0f), e = vec_exp(min(V::broadcast(20.0f), x));
  const V w = e * (e + two);
  return x * (w / (w + two));
}

template <class V>
HONE_SIMD_INLINE V vec_erfc(V x) {
  // erfc(a) = exp(-a^2) Q(t) / (1 + 2a), t = (a - 2) / (a + 2); a^2 is kept in two floats.
  static constexpr float kQ[] = {1.276978374e+00f, -9.276398271e-02f, -1.660314202e-01f,
                                 1.640553474e-01f, -5.420432612e-02f, -8.059897460e-03f,
                                 8.631762117e-03f, 1.313584158e-03f,  -1.230007038e-03f,
                                 -4.006418749e-04f};
  const V one = V::broadcast(1.0f), two = V::broadcast(2.0f);
  const V a = min(V::broadcast(10.1f), abs(x));
  const V q = vec_poly((a - two) / (a + two), kQ) / fma(a, two, one);
  const V square = a * a, low = fma(a, a, -square);
  const V e = vec_exp(-square);
  const V y = fnma(e, low, e) * q;
  return select(lt(x, V::zero()), two - y, y);
}

// sin(x + quadrant pi / 2).
template <class V>
HONE_SIMD_INLINE V vec_sin_quadrant(V x, int quadrant) {
  using I = typename V::Int;
  static constexpr float kSin[] = {-1.666666716e-01f, 8.333329111e-03f, -1.983929542e-04f,
                                   2.717937832e-06f};
  static constexpr float kCos[] = {4.166666791e-02f, -1.388888340e-03f, 2.479947761e-05f,
                                   -2.720675241e-07f};
  const V n = round(x * V::broadcast(0.636619772f));
  V r = fnma(n, V::broadcast(1.57079637f), x);  // pi / 2 in three floats
  r = fnma(n, V::broadcast(-4.37113883e-8f), r);
  r = fnma(n, V::broadcast(-1.71512451e-15f), r);
  const V z = r * r;
  const V sine = fma(r * z, vec_poly(z, kSin), r);
  const V cosine = fma(z * z, vec_poly(z, kCos), fma(z, V::broadcast(-0.5f), V::broadcast(1.0f)));
  const I q = to_int(n) + I::broadcast(quadrant);
  const I one = I::broadcast(1);
  const V y = select(eq(q & one, one), cosine, sine);
  return as_float(as_int(y) ^ shl<30>(q & I::broadcast(2)));  // quadrants 2 and 3: negative
}

}  // namespace
}  // namespace hone::cpu
