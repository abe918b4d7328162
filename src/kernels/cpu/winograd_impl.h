// The transforms of winograd.h for one tile, a template over the vector type (simd.h): a vector
// holds kLanes channels, so the 4x4 or 6x6 transform is plain arithmetic on vectors.
//
//   for c in channels, kLanes at a time:
//     load the patch, transform its columns, transform its rows, store
//
// A 1-D transform of 6 values takes 12 operations (input) or 13 (output).
#pragma once

#include "kernels/cpu/simd.h"
#include "kernels/cpu/winograd.h"

namespace hone::cpu {
namespace {

template <class V, int M>
struct WinogradKernel;

// F(2x2): points 0, 1, -1, infinity.
template <class V>
struct WinogradTransform2 {
  static HONE_SIMD_INLINE void input(const V* d, V* t) {
    t[0] = d[0] - d[2];
    t[1] = d[1] + d[2];
    t[2] = d[2] - d[1];
    t[3] = d[1] - d[3];
  }
  static HONE_SIMD_INLINE void output(const V* m, V* o) {
    o[0] = m[0] + m[1] + m[2];
    o[1] = m[1] - m[2] - m[3];
  }
};

// F(4x4): points 0, +-a, +-b, infinity with a = 1/sqrt(2), b = sqrt(2); a^2 b^2 = 1,
// a^2 + b^2 = 5/2.
template <class V>
struct WinogradTransform4 {
  static constexpr float kA = 0.70710678118654752f, kB = 1.4142135623730950f;
  static HONE_SIMD_INLINE void input(const V* d, V* t) {
    const V a = V::broadcast(kA), b = V::broadcast(kB);
    const V half = V::broadcast(0.5f), two = V::broadcast(2.0f), s = V::broadcast(2.5f);
    t[0] = d[0] + fnma(s, d[2], d[4]);
    t[5] = d[1] + fnma(s, d[3], d[5]);
    V even = fnma(two, d[2], d[4]), odd = fnma(two, d[1], d[3]);
    t[1] = fma(a, odd, even);
    t[2] = fnma(a, odd, even);
    even = fnma(half, d[2], d[4]);
    odd = fnma(half, d[1], d[3]);
    t[3] = fma(b, odd, even);
    t[4] = fnma(b, odd, even);
  }
  static HONE_SIMD_INLINE void output(const V* m, V* o) {
    const V a = V::broadcast(kA), b = V::broadcast(kB);
    const V half = V::broadcast(0.5f), two = V::broadcast(2.0f);
    const V s1 = m[1] + m[2], d1 = m[1] - m[2], s2 = m[3] + m[4], d2 = m[3] - m[4];
    o[0] = m[0] + s1 + s2;
    o[1] = fma(a, d1, b * d2);
    o[2] = fma(half, s1, two * s2);
    o[3] = fma(a * half, d1, fma(b * two, d2, m[5]));
  }
};

template <class V>
struct WinogradKernel<V, 2> : WinogradTransform2<V> {};
template <class V>
struct WinogradKernel<V, 4> : WinogradTransform4<V> {};

template <class V, int M, bool kEdge>
HONE_SIMD_INLINE void winograd_input_lanes(const WinogradInputArgs& args, int64_t c, int n) {
  constexpr int kSide = M + 2;
  V rows[kSide][kSide];  // [row position][column of the patch]
  HONE_UNROLL for (int j = 0; j < kSide; j++) {
    V d[kSide], t[kSide];
    HONE_UNROLL for (int i = 0; i < kSide; i++) {
      const float* p = args.input + i * args.row + j * args.pixel + c;
      if constexpr (kEdge) {
        const bool exists = i < args.rows && j < args.columns;
        d[i] = exists ? V::load_n(p, n) : V::zero();
      } else {
        d[i] = V::load(p);
      }
    }
    WinogradKernel<V, M>::input(d, t);
    HONE_UNROLL for (int i = 0; i < kSide; i++) rows[i][j] = t[i];
  }
  float* v = args.v + c;
  HONE_UNROLL for (int i = 0; i < kSide; i++) {
    V t[kSide];
    WinogradKernel<V, M>::input(rows[i], t);
    HONE_UNROLL for (int j = 0; j < kSide; j++) { t[j].store(v + (i * kSide + j) * args.plane); }
  }
}

template <class V, int M>
void winograd_input(const WinogradInputArgs& args) {
  const bool edge = args.rows < M + 2 || args.columns < M + 2;
  int64_t c = 0;
  if (!edge) {
    for (; c + V::kLanes <= args.channels; c += V::kLanes) {
      winograd_input_lanes<V, M, false>(args, c, V::kLanes);
    }
  }
  for (; c < args.channels; c += V::kLanes) {
    const int64_t left = args.channels - c;
    winograd_input_lanes<V, M, true>(args, c,
                                     left < V::kLanes ? static_cast<int>(left) : V::kLanes);
  }
}

template <class V>
HONE_SIMD_INLINE V winograd_load(const float* p, int n) {
  return n == V::kLanes ? V::load(p) : V::load_n(p, n);
}

template <class V, int M>
HONE_SIMD_INLINE void winograd_output_lanes(const WinogradOutputArgs& args, int64_t c, int n) {
  constexpr int kSide = M + 2;
  V rows[M][kSide];
  HONE_UNROLL for (int j = 0; j < kSide; j++) {
    V m[kSide], o[M];
    HONE_UNROLL for (int i = 0; i < kSide; i++) {
      m[i] = V::load(args.p + (i * kSide + j) * args.plane + c);
    }
    WinogradKernel<V, M>::output(m, o);
    HONE_UNROLL for (int i = 0; i < M; i++) rows[i][j] = o[i];
  }
  const V lo = V::broadcast(args.lo), hi = V::broadcast(args.hi);
  const V bias = args.bias != nullptr ? winograd_load<V>(args.bias + c, n) : V::zero();
  for (int i = 0; i < args.rows; i++) {
    V o[M];
    WinogradKernel<V, M>::output(rows[i], o);
    for (int j = 0; j < args.columns; j++) {
      V v = o[j] + bias;
      if (args.addend != nullptr) {
        v = v + winograd_load<V>(args.addend + i * args.addend_row + j * args.addend_pixel + c, n);
      }
      v = min(hi, max(lo, v));
      float* p = args.output + i * args.row + j * args.pixel + c;
      if (n == V::kLanes) {
        v.store(p);
      } else {
        v.store_n(p, n);
      }
    }
  }
}

template <class V, int M>
void winograd_output(const WinogradOutputArgs& args) {
  for (int64_t c = 0; c < args.channels; c += V::kLanes) {
    const int64_t left = args.channels - c;
    winograd_output_lanes<V, M>(args, c, left < V::kLanes ? static_cast<int>(left) : V::kLanes);
  }
}

template <class V>
constexpr WinogradTable make_winograd_table() {
  return {V::kLanes,
          {&winograd_input<V, 2>, &winograd_input<V, 4>},
          {&winograd_output<V, 2>, &winograd_output<V, 4>}};
}

}  // namespace
}  // namespace hone::cpu
