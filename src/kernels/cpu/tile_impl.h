// The register-tile kernel of tile.h, a template over the vector type (simd.h).
//
//   for t in taps:
//     for k in 0..K, four at a time:
//       b[NV]  = weights[t][k]                       NV loads
//       for i in rows: x = broadcast(A[i][t][k])     MR loads
//         acc[i][j] += x * b[j]                      MR * NV FMAs
//
// Registers: MR * NV accumulators + NV weights + 1 broadcast: 14x2 = 31 of 32 on AVX-512; 6x2 = 15
// and 4x3 = 16 of 16 on AVX2. A broadcast of its own, shared by the NV columns, beats the embedded
// broadcast of AVX-512: the latter loads MR * NV times. Small tiles keep 2 or 4 sets of
// accumulators, because 2 FMA units x 4 cycles of latency need 8 independent sums.
#pragma once

#include "kernels/cpu/simd.h"
#include "kernels/cpu/tile.h"

namespace hone::cpu {
namespace {

template <class V, int MR, int NV>
struct Tile {
  static constexpr int kLanes = V::kLanes;
  static constexpr int kHalf = tile_half(MR);
  static constexpr int kSets = MR * NV >= 8 ? 1 : MR * NV >= 4 ? 2 : 4;
  static constexpr int kPrefetchLines = NV * kLanes > 16 ? NV* kLanes / 16 : 1;

  V acc[kSets][MR][NV];
  const float* row[kHalf];

  template <int O>
  HONE_SIMD_INLINE void step(int64_t x, int64_t x2, const float* b) {
    V w[NV];
    HONE_UNROLL for (int j = 0; j < NV; j++) w[j] = V::load(b + (O * NV + j) * kLanes);
    HONE_UNROLL for (int i = 0; i < MR; i++) {
      const V a = V::broadcast(i < kHalf ? row[i][x + O] : row[i - kHalf][x2 + O]);
      HONE_UNROLL for (int j = 0; j < NV; j++) { fma_to(acc[O % kSets][i][j], a, w[j]); }
    }
  }

  HONE_SIMD_INLINE void accumulate(const TileArgs& args) {
    HONE_UNROLL for (int i = 0; i < kHalf; i++) row[i] = args.input + args.rows->input[i];
    const float* b = args.weights;
    const char* prefetch = args.prefetch;
    for (int64_t t = 0; t < args.num_taps; t++) {
      int64_t x = args.taps[t];
      int64_t x2 = MR > kHalf ? x + args.rows->jump : 0;
      int64_t k = args.k;
      for (; k >= 4; k -= 4) {
        if (prefetch != nullptr) {
          HONE_UNROLL for (int l = 0; l < kPrefetchLines; l++) {
            __builtin_prefetch(prefetch + 64 * l, 0, 2);
          }
          prefetch += 64 * kPrefetchLines;
        }
        step<0>(x, x2, b);
        step<1>(x, x2, b);
        step<2>(x, x2, b);
        step<3>(x, x2, b);
        x += 4;
        x2 += 4;
        b += 4 * NV * kLanes;
        // Keeps the compiler from making one running pointer per row out of row[i] + x.
        asm("" : "+r"(x), "+r"(x2));
      }
      for (; k > 0; k--) {
        step<0>(x, x2, b);
        x++;
        x2++;
        b += NV * kLanes;
      }
    }
  }

  HONE_SIMD_INLINE void start(const TileArgs& args) {
    HONE_UNROLL for (int j = 0; j < NV; j++) {
      const int n = args.channels - j * kLanes;
      V init = V::zero();
      if (args.bias != nullptr) {
        init = n >= kLanes ? V::load(args.bias + j * kLanes)
               : n > 0     ? V::load_n(args.bias + j * kLanes, n)
                           : V::zero();
      }
      HONE_UNROLL for (int i = 0; i < MR; i++) {
        acc[0][i][j] = init;
        HONE_UNROLL for (int s = 1; s < kSets; s++) acc[s][i][j] = V::zero();
      }
    }
  }

  HONE_SIMD_INLINE V sum(int i, int j) const {
    if constexpr (kSets == 1) return acc[0][i][j];
    if constexpr (kSets == 2) return acc[0][i][j] + acc[1][i][j];
    if constexpr (kSets == 4) {
      return (acc[0][i][j] + acc[1][i][j]) + (acc[2][i][j] + acc[3][i][j]);
    }
  }

  // All channels of the tile exist.
  template <bool kAddend>
  HONE_SIMD_INLINE void finish(const TileArgs& args, V lo, V hi) const {
    HONE_UNROLL for (int i = 0; i < MR; i++) {
      float* c = args.output + args.rows->output[i];
      const float* d = kAddend ? args.addend + args.addend_rows[i] : nullptr;
      HONE_UNROLL for (int j = 0; j < NV; j++) {
        V v = sum(i, j);
        if constexpr (kAddend) v = v + V::load(d + j * kLanes);
        min(hi, max(lo, v)).store(c + j * kLanes);
      }
    }
  }

  // Only the first args.channels exist.
  void finish_part(const TileArgs& args, V lo, V hi) const {
    alignas(64) float line[MR][NV * kLanes];
    HONE_UNROLL for (int i = 0; i < MR; i++) {
      HONE_UNROLL for (int j = 0; j < NV; j++) sum(i, j).store(line[i] + j * kLanes);
    }
    for (int i = 0; i < MR; i++) {
      float* c = args.output + args.rows->output[i];
      for (int x = 0; x < args.channels; x += kLanes) {
        const int n = args.channels - x < kLanes ? args.channels - x : kLanes;
        V v = V::load(line[i] + x);
        if (args.addend != nullptr) v = v + V::load_n(args.addend + args.addend_rows[i] + x, n);
        min(hi, max(lo, v)).store_n(c + x, n);
      }
    }
  }

  static void run(const TileArgs& args) {
    Tile tile;
    tile.start(args);
    tile.accumulate(args);
    const V lo = V::broadcast(args.lo), hi = V::broadcast(args.hi);
    if (args.channels < NV * kLanes) {
      tile.finish_part(args, lo, hi);
    } else if (args.addend != nullptr) {
      tile.template finish<true>(args, lo, hi);
    } else {
      tile.template finish<false>(args, lo, hi);
    }
  }
};

// Entries for 1 .. MR rows of NV vectors.
template <class V, int NV, int MR>
constexpr void fill_tiles(TileTable& table) {
  table.tile[NV][MR] = &Tile<V, MR, NV>::run;
  if constexpr (MR > 1) fill_tiles<V, NV, MR - 1>(table);
}

// kRowsN: the largest number of rows with N vectors.
template <class V, int kRows1, int kRows2, int kRows3>
constexpr TileTable make_tile_table(Isa isa) {
  TileTable table{isa, V::kLanes, {}};
  fill_tiles<V, 1, kRows1>(table);
  fill_tiles<V, 2, kRows2>(table);
  fill_tiles<V, 3, kRows3>(table);
  return table;
}

}  // namespace
}  // namespace hone::cpu
