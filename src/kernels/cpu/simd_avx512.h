// The vector type of simd.h on AVX-512 (F, BW, DQ, VL): 16 lanes. Include only from files compiled
// with those flags.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "kernels/cpu/simd.h"

namespace hone::cpu::avx512 {

HONE_SIMD_INLINE __mmask16 lane_mask(int n) { return static_cast<__mmask16>((1u << n) - 1); }

struct Mask {
  __mmask16 m;
};

struct Int {
  __m512i v;

  static HONE_SIMD_INLINE Int zero() { return {_mm512_setzero_si512()}; }
  static HONE_SIMD_INLINE Int broadcast(int32_t x) { return {_mm512_set1_epi32(x)}; }
  static HONE_SIMD_INLINE Int load(const int32_t* p) { return {_mm512_loadu_si512(p)}; }
  static HONE_SIMD_INLINE Int load_n(const int32_t* p, int n) {
    return {_mm512_maskz_loadu_epi32(lane_mask(n), p)};
  }
  HONE_SIMD_INLINE void store(int32_t* p) const { _mm512_storeu_si512(p, v); }
  HONE_SIMD_INLINE void store_n(int32_t* p, int n) const {
    _mm512_mask_storeu_epi32(p, lane_mask(n), v);
  }
};

struct Vec {
  static constexpr int kLanes = 16;
  using Int = avx512::Int;
  using Mask = avx512::Mask;
  __m512 v;

  static HONE_SIMD_INLINE Vec zero() { return {_mm512_setzero_ps()}; }
  static HONE_SIMD_INLINE Vec broadcast(float x) { return {_mm512_set1_ps(x)}; }
  static HONE_SIMD_INLINE Vec load(const float* p) { return {_mm512_loadu_ps(p)}; }
  static HONE_SIMD_INLINE Vec load_n(const float* p, int n) {
    return {_mm512_maskz_loadu_ps(lane_mask(n), p)};
  }
  HONE_SIMD_INLINE void store(float* p) const { _mm512_storeu_ps(p, v); }
  HONE_SIMD_INLINE void store_n(float* p, int n) const {
    _mm512_mask_storeu_ps(p, lane_mask(n), v);
  }
};

HONE_SIMD_INLINE Vec operator+(Vec a, Vec b) { return {_mm512_add_ps(a.v, b.v)}; }
HONE_SIMD_INLINE Vec operator-(Vec a, Vec b) { return {_mm512_sub_ps(a.v, b.v)}; }
HONE_SIMD_INLINE Vec operator*(Vec a, Vec b) { return {_mm512_mul_ps(a.v, b.v)}; }
HONE_SIMD_INLINE Vec operator/(Vec a, Vec b) { return {_mm512_div_ps(a.v, b.v)}; }
HONE_SIMD_INLINE Vec operator-(Vec a) { return {_mm512_xor_ps(a.v, _mm512_set1_ps(-0.0f))}; }
HONE_SIMD_INLINE Vec fma(Vec a, Vec b, Vec c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
// Left to itself GCC 12 picks the form that overwrites a or b, then copies and spills accumulators.
HONE_SIMD_INLINE void fma_to(Vec& c, Vec a, Vec b) {
  asm("vfmadd231ps %2, %1, %0" : "+v"(c.v) : "v"(a.v), "v"(b.v));
}
HONE_SIMD_INLINE Vec fnma(Vec a, Vec b, Vec c) { return {_mm512_fnmadd_ps(a.v, b.v, c.v)}; }
// The masked forms with a full mask avoid GCC 12's false "may be used uninitialized" warnings.
HONE_SIMD_INLINE Vec min(Vec a, Vec b) { return {_mm512_maskz_min_ps(0xffff, a.v, b.v)}; }
HONE_SIMD_INLINE Vec max(Vec a, Vec b) { return {_mm512_maskz_max_ps(0xffff, a.v, b.v)}; }
HONE_SIMD_INLINE Vec sqrt(Vec a) { return {_mm512_maskz_sqrt_ps(0xffff, a.v)}; }
HONE_SIMD_INLINE Vec abs(Vec a) { return {_mm512_andnot_ps(_mm512_set1_ps(-0.0f), a.v)}; }
HONE_SIMD_INLINE Vec round(Vec a) {
  return {_mm512_maskz_roundscale_ps(0xffff, a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
HONE_SIMD_INLINE Vec floor(Vec a) {
  return {_mm512_maskz_roundscale_ps(0xffff, a.v, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)};
}
HONE_SIMD_INLINE Vec ceil(Vec a) {
  return {_mm512_maskz_roundscale_ps(0xffff, a.v, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC)};
}
HONE_SIMD_INLINE Vec trunc(Vec a) {
  return {_mm512_maskz_roundscale_ps(0xffff, a.v, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC)};
}

HONE_SIMD_INLINE Mask lt(Vec a, Vec b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ)}; }
HONE_SIMD_INLINE Mask le(Vec a, Vec b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LE_OQ)}; }
HONE_SIMD_INLINE Mask gt(Vec a, Vec b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_GT_OQ)}; }
HONE_SIMD_INLINE Mask ge(Vec a, Vec b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_GE_OQ)}; }
HONE_SIMD_INLINE Mask eq(Vec a, Vec b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ)}; }
HONE_SIMD_INLINE Mask is_nan(Vec a) { return {_mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q)}; }
HONE_SIMD_INLINE Mask operator&(Mask a, Mask b) { return {static_cast<__mmask16>(a.m & b.m)}; }
HONE_SIMD_INLINE Mask operator|(Mask a, Mask b) { return {static_cast<__mmask16>(a.m | b.m)}; }
HONE_SIMD_INLINE Mask operator~(Mask a) { return {static_cast<__mmask16>(~a.m)}; }
HONE_SIMD_INLINE bool any(Mask a) { return a.m != 0; }
HONE_SIMD_INLINE bool all(Mask a) { return a.m == 0xffff; }
HONE_SIMD_INLINE Vec select(Mask m, Vec a, Vec b) { return {_mm512_mask_mov_ps(b.v, m.m, a.v)}; }
HONE_SIMD_INLINE Int select(Mask m, Int a, Int b) { return {_mm512_mask_mov_epi32(b.v, m.m, a.v)}; }

HONE_SIMD_INLINE Int operator+(Int a, Int b) { return {_mm512_add_epi32(a.v, b.v)}; }
HONE_SIMD_INLINE Int operator-(Int a, Int b) { return {_mm512_sub_epi32(a.v, b.v)}; }
HONE_SIMD_INLINE Int operator*(Int a, Int b) { return {_mm512_mullo_epi32(a.v, b.v)}; }
HONE_SIMD_INLINE Int operator&(Int a, Int b) { return {_mm512_and_si512(a.v, b.v)}; }
HONE_SIMD_INLINE Int operator|(Int a, Int b) { return {_mm512_or_si512(a.v, b.v)}; }
HONE_SIMD_INLINE Int operator^(Int a, Int b) { return {_mm512_xor_si512(a.v, b.v)}; }
HONE_SIMD_INLINE Int min(Int a, Int b) { return {_mm512_maskz_min_epi32(0xffff, a.v, b.v)}; }
HONE_SIMD_INLINE Int max(Int a, Int b) { return {_mm512_maskz_max_epi32(0xffff, a.v, b.v)}; }
HONE_SIMD_INLINE Mask eq(Int a, Int b) { return {_mm512_cmpeq_epi32_mask(a.v, b.v)}; }
HONE_SIMD_INLINE Mask gt(Int a, Int b) { return {_mm512_cmpgt_epi32_mask(a.v, b.v)}; }
template <int N>
HONE_SIMD_INLINE Int shl(Int a) {
  return {_mm512_maskz_slli_epi32(0xffff, a.v, N)};
}
template <int N>
HONE_SIMD_INLINE Int shr(Int a) {
  return {_mm512_maskz_srli_epi32(0xffff, a.v, N)};
}
template <int N>
HONE_SIMD_INLINE Int sar(Int a) {
  return {_mm512_maskz_srai_epi32(0xffff, a.v, N)};
}
HONE_SIMD_INLINE Int to_int(Vec a) { return {_mm512_maskz_cvtps_epi32(0xffff, a.v)}; }
HONE_SIMD_INLINE Int to_int_trunc(Vec a) { return {_mm512_maskz_cvttps_epi32(0xffff, a.v)}; }
HONE_SIMD_INLINE Vec to_float(Int a) { return {_mm512_maskz_cvtepi32_ps(0xffff, a.v)}; }
HONE_SIMD_INLINE Int as_int(Vec a) { return {_mm512_castps_si512(a.v)}; }
HONE_SIMD_INLINE Vec as_float(Int a) { return {_mm512_castsi512_ps(a.v)}; }

HONE_SIMD_INLINE __m256 low_half(Vec a) { return _mm512_maskz_extractf32x8_ps(0xff, a.v, 0); }
HONE_SIMD_INLINE __m256 high_half(Vec a) { return _mm512_maskz_extractf32x8_ps(0xff, a.v, 1); }
// Halves first, as in the other instruction sets: lane i with lane i + kLanes / 2, and so on.
HONE_SIMD_INLINE float reduce_add(Vec a) {
  const __m256 h = _mm256_add_ps(low_half(a), high_half(a));
  __m128 x = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
  x = _mm_add_ps(x, _mm_movehl_ps(x, x));
  return _mm_cvtss_f32(_mm_add_ss(x, _mm_shuffle_ps(x, x, 1)));
}
HONE_SIMD_INLINE float reduce_max(Vec a) {
  const __m256 h = _mm256_max_ps(low_half(a), high_half(a));
  __m128 x = _mm_max_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
  x = _mm_max_ps(x, _mm_movehl_ps(x, x));
  return _mm_cvtss_f32(_mm_max_ss(x, _mm_shuffle_ps(x, x, 1)));
}
HONE_SIMD_INLINE float reduce_min(Vec a) {
  const __m256 h = _mm256_min_ps(low_half(a), high_half(a));
  __m128 x = _mm_min_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
  x = _mm_min_ps(x, _mm_movehl_ps(x, x));
  return _mm_cvtss_f32(_mm_min_ss(x, _mm_shuffle_ps(x, x, 1)));
}

// a * 2^n for whole n.
HONE_SIMD_INLINE Vec scale(Vec a, Vec n) { return {_mm512_maskz_scalef_ps(0xffff, a.v, n.v)}; }

}  // namespace hone::cpu::avx512
