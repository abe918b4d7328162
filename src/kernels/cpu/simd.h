// The vector type that every CPU kernel is written against. A kernel is a template over `V`, kept
// in a `*_impl.h` header inside an unnamed namespace, and instantiated once per instruction set:
//
//   avx2/x.cc      #include "kernels/cpu/simd_avx2.h"      V = hone::cpu::avx2::Vec       8 lanes
//   avx512/x.cc    #include "kernels/cpu/simd_avx512.h"    V = hone::cpu::avx512::Vec    16 lanes
//   portable/x.cc  #include "kernels/cpu/simd_portable.h"  V = hone::cpu::portable::Vec<16>
//
// Files in avx2/ and avx512/ must not instantiate inline code of the standard library or of other
// modules: the linker may keep the copy compiled for the larger instruction set for everybody.
// Unnamed namespaces (internal linkage) and plain loops keep that promise.
//
// What `V` offers (all functions below are found by argument-dependent lookup):
//   V::kLanes, V::Int (int32 lanes), V::Mask
//   V::zero()  V::broadcast(x)  V::load(p)  V::load_n(p, n)  v.store(p)  v.store_n(p, n)
//       any alignment; the _n forms touch only the first n lanes in memory (0 <= n <= kLanes) and
//       load_n fills the other lanes with 0.
//   a + b, a - b, a * b, a / b, -a
//   fma(a, b, c) = a * b + c      fnma(a, b, c) = c - a * b      (one rounding)
//   fma_to(c, a, b)   c = a * b + c, fixed to c's register: for kernels that fill the register file
//   min(a, b), max(a, b)          b if either is NaN: max(lo, v) keeps a NaN in v
//   sqrt(a) abs(a) round(a) floor(a) ceil(a) trunc(a)            round: to nearest even
//   lt(a, b) le(a, b) gt(a, b) ge(a, b) eq(a, b)  is_nan(a)      -> Mask; false for NaN
//   m & k, m | k, ~m, any(m), all(m)      select(m, a, b) = m ? a : b       (a, b: V or Int)
//   reduce_add(a) reduce_max(a) reduce_min(a)                    -> float, order fixed per lane
//   count Int: zero() broadcast(i) load(p) store(p) load_n store_n; + - * & | ^; eq gt -> Mask; min
//   max
//       shl<N>(i) shr<N>(i) (logical) sar<N>(i) (arithmetic)
//   to_int(v) (nearest even) to_int_trunc(v) to_float(i)         out of range: 0x80000000
//   as_int(v) as_float(i)                                        bit casts
//   scale(a, n) = a * 2^n for whole n in [-250, 250], one rounding
#pragma once

#define HONE_SIMD_INLINE inline __attribute__((always_inline))

// In front of loops over accumulators, which become registers only when every index is a constant.
// The portable version has no registers to win and would grow to a megabyte.
#ifdef HONE_SIMD_PORTABLE
#define HONE_UNROLL
#else
#define HONE_UNROLL _Pragma("GCC unroll 64")
#endif
