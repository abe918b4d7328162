// The vector type of simd.h in plain C++, with any power of two of lanes. Bit-equal to the AVX2 and
// AVX-512 versions (fma has one rounding), so the 16-lane form tests AVX-512 logic on any CPU.
#pragma once

#include <cstdint>
#include <cstring>

#define HONE_SIMD_PORTABLE 1  // simd.h asks

#include "kernels/cpu/simd.h"

namespace hone::cpu::portable {

template <int L>
struct Mask {
  bool m[L];
};

template <int L>
struct Int {
  int32_t v[L];

  template <class F>
  static Int map(F f) {
    Int r;
    for (int i = 0; i < L; i++) r.v[i] = static_cast<int32_t>(f(i));
    return r;
  }
  static Int zero() { return broadcast(0); }
  static Int broadcast(int32_t x) {
    return map([=](int) { return x; });
  }
  static Int load(const int32_t* p) {
    return map([=](int i) { return p[i]; });
  }
  static Int load_n(const int32_t* p, int n) {
    return map([=](int i) { return i < n ? p[i] : 0; });
  }
  void store(int32_t* p) const { store_n(p, L); }
  void store_n(int32_t* p, int n) const {
    for (int i = 0; i < n; i++) p[i] = v[i];
  }
  uint32_t u(int i) const { return static_cast<uint32_t>(v[i]); }

  friend Int operator+(Int a, Int b) {
    return map([&](int i) { return a.u(i) + b.u(i); });
  }
  friend Int operator-(Int a, Int b) {
    return map([&](int i) { return a.u(i) - b.u(i); });
  }
  friend Int operator*(Int a, Int b) {
    return map([&](int i) { return a.u(i) * b.u(i); });
  }
  friend Int operator&(Int a, Int b) {
    return map([&](int i) { return a.v[i] & b.v[i]; });
  }
  friend Int operator|(Int a, Int b) {
    return map([&](int i) { return a.v[i] | b.v[i]; });
  }
  friend Int operator^(Int a, Int b) {
    return map([&](int i) { return a.v[i] ^ b.v[i]; });
  }
  friend Int min(Int a, Int b) {
    return map([&](int i) { return a.v[i] < b.v[i] ? a.v[i] : b.v[i]; });
  }
  friend Int max(Int a, Int b) {
    return map([&](int i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
  }
  friend Mask<L> eq(Int a, Int b) {
    Mask<L> r;
    for (int i = 0; i < L; i++) r.m[i] = a.v[i] == b.v[i];
    return r;
  }
  friend Mask<L> gt(Int a, Int b) {
    Mask<L> r;
    for (int i = 0; i < L; i++) r.m[i] = a.v[i] > b.v[i];
    return r;
  }
};

template <int N, int L>
Int<L> shl(Int<L> a) {
  return Int<L>::map([&](int i) { return a.u(i) << N; });
}
template <int N, int L>
Int<L> shr(Int<L> a) {
  return Int<L>::map([&](int i) { return a.u(i) >> N; });
}
template <int N, int L>
Int<L> sar(Int<L> a) {
  return Int<L>::map([&](int i) { return a.v[i] >> N; });
}

template <int L>
struct Vec {
  static constexpr int kLanes = L;
  using Int = portable::Int<L>;
  using Mask = portable::Mask<L>;
  float v[L];

  template <class F>
  static Vec map(F f) {
    Vec r;
    for (int i = 0; i < L; i++) r.v[i] = f(i);
    return r;
  }
  template <class F>
  static Mask test(F f) {
    Mask r;
    for (int i = 0; i < L; i++) r.m[i] = f(i);
    return r;
  }
  static Vec zero() { return broadcast(0.0f); }
  static Vec broadcast(float x) {
    return map([=](int) { return x; });
  }
  static Vec load(const float* p) {
    return map([=](int i) { return p[i]; });
  }
  static Vec load_n(const float* p, int n) {
    return map([=](int i) { return i < n ? p[i] : 0.0f; });
  }
  void store(float* p) const { store_n(p, L); }
  void store_n(float* p, int n) const {
    for (int i = 0; i < n; i++) p[i] = v[i];
  }

  friend Vec operator+(Vec a, Vec b) {
    return map([&](int i) { return a.v[i] + b.v[i]; });
  }
  friend Vec operator-(Vec a, Vec b) {
    return map([&](int i) { return a.v[i] - b.v[i]; });
  }
  friend Vec operator*(Vec a, Vec b) {
    return map([&](int i) { return a.v[i] * b.v[i]; });
  }
  friend Vec operator/(Vec a, Vec b) {
    return map([&](int i) { return a.v[i] / b.v[i]; });
  }
  friend Vec operator-(Vec a) {
    return map([&](int i) { return -a.v[i]; });
  }
  friend Vec fma(Vec a, Vec b, Vec c) {
    return map([&](int i) { return __builtin_fmaf(a.v[i], b.v[i], c.v[i]); });
  }
  friend void fma_to(Vec& c, Vec a, Vec b) { c = fma(a, b, c); }
  friend Vec fnma(Vec a, Vec b, Vec c) {
    return map([&](int i) { return __builtin_fmaf(-a.v[i], b.v[i], c.v[i]); });
  }
  friend Vec min(Vec a, Vec b) {
    return map([&](int i) { return a.v[i] < b.v[i] ? a.v[i] : b.v[i]; });
  }
  friend Vec max(Vec a, Vec b) {
    return map([&](int i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
  }
  friend Vec sqrt(Vec a) {
    return map([&](int i) { return __builtin_sqrtf(a.v[i]); });
  }
  friend Vec abs(Vec a) {
    return map([&](int i) { return __builtin_fabsf(a.v[i]); });
  }
  friend Vec round(Vec a) {
    return map([&](int i) { return __builtin_nearbyintf(a.v[i]); });
  }
  friend Vec floor(Vec a) {
    return map([&](int i) { return __builtin_floorf(a.v[i]); });
  }
  friend Vec ceil(Vec a) {
    return map([&](int i) { return __builtin_ceilf(a.v[i]); });
  }
  friend Vec trunc(Vec a) {
    return map([&](int i) { return __builtin_truncf(a.v[i]); });
  }
  friend Mask lt(Vec a, Vec b) {
    return test([&](int i) { return a.v[i] < b.v[i]; });
  }
  friend Mask le(Vec a, Vec b) {
    return test([&](int i) { return a.v[i] <= b.v[i]; });
  }
  friend Mask gt(Vec a, Vec b) {
    return test([&](int i) { return a.v[i] > b.v[i]; });
  }
  friend Mask ge(Vec a, Vec b) {
    return test([&](int i) { return a.v[i] >= b.v[i]; });
  }
  friend Mask eq(Vec a, Vec b) {
    return test([&](int i) { return a.v[i] == b.v[i]; });
  }
  friend Mask is_nan(Vec a) {
    return test([&](int i) { return a.v[i] != a.v[i]; });
  }
  friend Vec select(Mask m, Vec a, Vec b) {
    return map([&](int i) { return m.m[i] ? a.v[i] : b.v[i]; });
  }
  friend Int to_int(Vec a) { return to_int_trunc(round(a)); }
  friend Int to_int_trunc(Vec a) {
    return Int::map([&](int i) {
      const bool fits = a.v[i] >= -2147483648.0f && a.v[i] < 2147483648.0f;
      return fits ? static_cast<int32_t>(a.v[i]) : INT32_MIN;
    });
  }
  friend Int as_int(Vec a) {
    Int r;
    std::memcpy(r.v, a.v, sizeof(r.v));
    return r;
  }
  // f(lane i, lane i + half), halves first, as in the other instruction sets.
  template <class F>
  static float reduce(Vec a, F f) {
    for (int half = L / 2; half > 0; half /= 2) {
      for (int i = 0; i < half; i++) a.v[i] = f(a.v[i], a.v[i + half]);
    }
    return a.v[0];
  }
  friend float reduce_add(Vec a) {
    return reduce(a, [](float x, float y) { return x + y; });
  }
  friend float reduce_max(Vec a) {
    return reduce(a, [](float x, float y) { return x > y ? x : y; });
  }
  friend float reduce_min(Vec a) {
    return reduce(a, [](float x, float y) { return x < y ? x : y; });
  }
};

template <int L>
Vec<L> to_float(Int<L> a) {
  return Vec<L>::map([&](int i) { return static_cast<float>(a.v[i]); });
}
template <int L>
Vec<L> as_float(Int<L> a) {
  Vec<L> r;
  std::memcpy(r.v, a.v, sizeof(r.v));
  return r;
}
template <int L>
Int<L> select(Mask<L> m, Int<L> a, Int<L> b) {
  return Int<L>::map([&](int i) { return m.m[i] ? a.v[i] : b.v[i]; });
}
template <int L>
Mask<L> operator&(Mask<L> a, Mask<L> b) {
  for (int i = 0; i < L; i++) a.m[i] = a.m[i] && b.m[i];
  return a;
}
template <int L>
Mask<L> operator|(Mask<L> a, Mask<L> b) {
  for (int i = 0; i < L; i++) a.m[i] = a.m[i] || b.m[i];
  return a;
}
template <int L>
Mask<L> operator~(Mask<L> a) {
  for (int i = 0; i < L; i++) a.m[i] = !a.m[i];
  return a;
}
template <int L>
bool any(Mask<L> a) {
  bool r = false;
  for (int i = 0; i < L; i++) r = r || a.m[i];
  return r;
}
template <int L>
bool all(Mask<L> a) {
  return !any(~a);
}

template <int L>
Vec<L> scale(Vec<L> a, Vec<L> n) {
  return Vec<L>::map([&](int i) {
    const bool whole = n.v[i] > -1000.0f && n.v[i] < 1000.0f;  // false for NaN
    return whole ? __builtin_ldexpf(a.v[i], static_cast<int>(n.v[i])) : a.v[i] * n.v[i];
  });
}

}  // namespace hone::cpu::portable
