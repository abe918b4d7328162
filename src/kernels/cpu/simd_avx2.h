// The vector type of simd.h on AVX2 + FMA: 8 lanes. Include only from files compiled with those
// flags.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "kernels/cpu/simd.h"

namespace hone::cpu::avx2 {

// Lanes [8 - n, 16 - n) of this table are a mask of the first n lanes.
alignas(64) static constexpr int32_t kMaskTable[16] = {-1, -1, -1, -1, -1, -1, -1, -1,
                                                       0,  0,  0,  0,  0,  0,  0,  0};

HONE_SIMD_INLINE __m256i lane_mask(int n) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kMaskTable + 8 - n));
}

// In pieces of 4, 2 and 1: vmaskmovps to memory is microcoded on AMD (over 40 operations on Zen 3).
HONE_SIMD_INLINE void store_partial(float* p, __m256 v, int n) {
  __m128 part = _mm256_castps256_ps128(v);
  if (n & 8) return _mm256_storeu_ps(p, v);
  if (n & 4) {
    _mm_storeu_ps(p, part);
    part = _mm256_extractf128_ps(v, 1);
    p += 4;
  }
  if (n & 2) {
    _mm_storel_pi(reinterpret_cast<__m64*>(p), part);
    part = _mm_movehl_ps(part, part);
    p += 2;
  }
  if (n & 1) _mm_store_ss(p, part);
}

struct Mask {
  __m256 m;
};

struct Int {
  __m256i v;

  static HONE_SIMD_INLINE Int zero() { return {_mm256_setzero_si256()}; }
  static HONE_SIMD_INLINE Int broadcast(int32_t x) { return {_mm256_set1_epi32(x)}; }
  static HONE_SIMD_INLINE Int load(const int32_t* p) {
    return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))};
  }
  static HONE_SIMD_INLINE Int load_n(const int32_t* p, int n) {
    return {_mm256_maskload_epi32(p, lane_mask(n))};
  }
  HONE_SIMD_INLINE void store(int32_t* p) const {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v);
  }
  HONE_SIMD_INLINE void store_n(int32_t* p, int n) const {
    store_partial(reinterpret_cast<float*>(p), _mm256_castsi256_ps(v), n);
  }
};

struct Vec {
  static constexpr int kLanes = 8;
  using Int = avx2::Int;
  using Mask = avx2::Mask;
  __m256 v;

  static HONE_SIMD_INLINE Vec zero() { return {_mm256_setzero_ps()}; }
  static HONE_SIMD_INLINE Vec broadcast(float x) { return {_mm256_set1_ps(x)}; }
  static HONE_SIMD_INLINE Vec load(const float* p) { return {_mm256_loadu_ps(p)}; }
  static HONE_SIMD_INLINE Vec load_n(const float* p, int n) {
    return {_mm256_maskload_ps(p, lane_mask(n))};
  }
  HONE_SIMD_INLINE void store(float* p) const { _mm256_storeu_ps(p, v); }
  HONE_SIMD_INLINE void store_n(float* p, int n) const { store_partial(p, v, n); }
};

HONE_SIMD_INLINE Vec operator+(Vec a, Vec b) { return {_mm256_add_ps(a.v, b.v)}; }
HONE_SIMD_INLINE Vec operator-(Vec a, Vec b) { return {_mm256_sub_ps(a.v, b.v)}; }
HONE_SIMD_INLINE Vec operator*(Vec a, Vec b) { return {_mm256_mul_ps(a.v, b.v)}; }
HONE_SIMD_INLINE Vec operator/(Vec a, Vec b) { return {_mm256_div_ps(a.v, b.v)}; }
HONE_SIMD_INLINE Vec operator-(Vec a) { return {_mm256_xor_ps(a.v, _mm256_set1_ps(-0.0f))}; }
HONE_SIMD_INLINE Vec fma(Vec a, Vec b, Vec c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
// Left to itself GCC 12 picks the form that overwrites a or b, then copies and spills accumulators.
HONE_SIMD_INLINE void fma_to(Vec& c, Vec a, Vec b) {
  asm("vfmadd231ps %2, %1, %0" : "+x"(c.v) : "x"(a.v), "x"(b.v));
}
HONE_SIMD_INLINE Vec fnma(Vec a, Vec b, Vec c) { return {_mm256_fnmadd_ps(a.v, b.v, c.v)}; }
HONE_SIMD_INLINE Vec min(Vec a, Vec b) { return {_mm256_min_ps(a.v, b.v)}; }
HONE_SIMD_INLINE Vec max(Vec a, Vec b) { return {_mm256_max_ps(a.v, b.v)}; }
HONE_SIMD_INLINE Vec sqrt(Vec a) { return {_mm256_sqrt_ps(a.v)}; }
HONE_SIMD_INLINE Vec abs(Vec a) { return {_mm256_andnot_ps(_mm256_set1_ps(-0.0f), a.v)}; }
HONE_SIMD_INLINE Vec round(Vec a) {
  return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
HONE_SIMD_INLINE Vec floor(Vec a) { return {_mm256_floor_ps(a.v)}; }
HONE_SIMD_INLINE Vec ceil(Vec a) { return {_mm256_ceil_ps(a.v)}; }
HONE_SIMD_INLINE Vec trunc(Vec a) {
  return {_mm256_round_ps(a.v, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC)};
}

HONE_SIMD_INLINE Mask lt(Vec a, Vec b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ)}; }
HONE_SIMD_INLINE Mask le(Vec a, Vec b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_LE_OQ)}; }
HONE_SIMD_INLINE Mask gt(Vec a, Vec b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_GT_OQ)}; }
HONE_SIMD_INLINE Mask ge(Vec a, Vec b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_GE_OQ)}; }
HONE_SIMD_INLINE Mask eq(Vec a, Vec b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_EQ_OQ)}; }
HONE_SIMD_INLINE Mask is_nan(Vec a) { return {_mm256_cmp_ps(a.v, a.v, _CMP_UNORD_Q)}; }
HONE_SIMD_INLINE Mask operator&(Mask a, Mask b) { return {_mm256_and_ps(a.m, b.m)}; }
HONE_SIMD_INLINE Mask operator|(Mask a, Mask b) { return {_mm256_or_ps(a.m, b.m)}; }
HONE_SIMD_INLINE Mask operator~(Mask a) {
  return {_mm256_xor_ps(a.m, _mm256_castsi256_ps(_mm256_set1_epi32(-1)))};
}
HONE_SIMD_INLINE bool any(Mask a) { return _mm256_movemask_ps(a.m) != 0; }
HONE_SIMD_INLINE bool all(Mask a) { return _mm256_movemask_ps(a.m) == 0xff; }
HONE_SIMD_INLINE Vec select(Mask m, Vec a, Vec b) { return {_mm256_blendv_ps(b.v, a.v, m.m)}; }
HONE_SIMD_INLINE Int select(Mask m, Int a, Int b) {
  return {_mm256_blendv_epi8(b.v, a.v, _mm256_castps_si256(m.m))};
}

HONE_SIMD_INLINE Int operator+(Int a, Int b) { return {_mm256_add_epi32(a.v, b.v)}; }
HONE_SIMD_INLINE Int operator-(Int a, Int b) { return {_mm256_sub_epi32(a.v, b.v)}; }
HONE_SIMD_INLINE Int operator*(Int a, Int b) { return {_mm256_mullo_epi32(a.v, b.v)}; }
HONE_SIMD_INLINE Int operator&(Int a, Int b) { return {_mm256_and_si256(a.v, b.v)}; }
HONE_SIMD_INLINE Int operator|(Int a, Int b) { return {_mm256_or_si256(a.v, b.v)}; }
HONE_SIMD_INLINE Int operator^(Int a, Int b) { return {_mm256_xor_si256(a.v, b.v)}; }
HONE_SIMD_INLINE Int min(Int a, Int b) { return {_mm256_min_epi32(a.v, b.v)}; }
HONE_SIMD_INLINE Int max(Int a, Int b) { return {_mm256_max_epi32(a.v, b.v)}; }
HONE_SIMD_INLINE Mask eq(Int a, Int b) {
  return {_mm256_castsi256_ps(_mm256_cmpeq_epi32(a.v, b.v))};
}
HONE_SIMD_INLINE Mask gt(Int a, Int b) {
  return {_mm256_castsi256_ps(_mm256_cmpgt_epi32(a.v, b.v))};
}
template <int N>
HONE_SIMD_INLINE Int shl(Int a) {
  return {_mm256_slli_epi32(a.v, N)};
}
template <int N>
HONE_SIMD_INLINE Int shr(Int a) {
  return {_mm256_srli_epi32(a.v, N)};
}
template <int N>
HONE_SIMD_INLINE Int sar(Int a) {
  return {_mm256_srai_epi32(a.v, N)};
}
HONE_SIMD_INLINE Int to_int(Vec a) { return {_mm256_cvtps_epi32(a.v)}; }
HONE_SIMD_INLINE Int to_int_trunc(Vec a) { return {_mm256_cvttps_epi32(a.v)}; }
HONE_SIMD_INLINE Vec to_float(Int a) { return {_mm256_cvtepi32_ps(a.v)}; }
HONE_SIMD_INLINE Int as_int(Vec a) { return {_mm256_castps_si256(a.v)}; }
HONE_SIMD_INLINE Vec as_float(Int a) { return {_mm256_castsi256_ps(a.v)}; }

// Halves first, as in the other instruction sets: lane i with lane i + kLanes / 2, and so on.
HONE_SIMD_INLINE float reduce_add(Vec a) {
  __m128 x = _mm_add_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  x = _mm_add_ps(x, _mm_movehl_ps(x, x));
  return _mm_cvtss_f32(_mm_add_ss(x, _mm_shuffle_ps(x, x, 1)));
}
HONE_SIMD_INLINE float reduce_max(Vec a) {
  __m128 x = _mm_max_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  x = _mm_max_ps(x, _mm_movehl_ps(x, x));
  return _mm_cvtss_f32(_mm_max_ss(x, _mm_shuffle_ps(x, x, 1)));
}
HONE_SIMD_INLINE float reduce_min(Vec a) {
  __m128 x = _mm_min_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  x = _mm_min_ps(x, _mm_movehl_ps(x, x));
  return _mm_cvtss_f32(_mm_min_ss(x, _mm_shuffle_ps(x, x, 1)));
}

// a * 2^n for whole n in [-250, 250]: two steps, so that neither factor over- or underflows and a
// denormal result is rounded once.
HONE_SIMD_INLINE Vec scale(Vec a, Vec n) {
  const Int whole = to_int(n), half = sar<1>(whole), bias = Int::broadcast(127);
  return a * as_float(shl<23>(half + bias)) * as_float(shl<23>(whole - half + bias));
}

}  // namespace hone::cpu::avx2
