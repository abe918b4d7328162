// The one FP32 matrix kernel: a tile of output rows (pixels) x channels kept in registers,
//
//   C[row][channel] = sum over taps t, k of  A[row][tap t][k] * B[t][k][channel].
//
// A row is one output pixel (or one row of a matrix); a tap is one kernel position (r, s), or one
// kernel row when the pixels of the input lie without gaps. 1x1, 3x3, strided, dilated and grouped
// convolution, the first layer and matrix multiplication differ only in the offsets handed over.
#pragma once

#include <cstdint>

#include "kernels/cpu/isa.h"

namespace hone::cpu {

inline constexpr int kMaxTileRows = 14;
inline constexpr int kMaxTileVectors = 3;
// Up to this many rows have an offset of their own each; tiles with more rows consist of two
// halves, the second a constant distance after the first (so that all addresses fit the registers).
inline constexpr int kFreeRows = 7;

// Where the rows of one tile lie. Offsets in floats.
struct TileRows {
  int rows;                  // 1 .. kMaxTileRows
  int64_t input[kFreeRows];  // rows 0 .. half - 1, see tile_half()
  int64_t jump;              // row half + i lies at input[i] + jump
  int64_t output[kMaxTileRows];
  int64_t addend[kMaxTileRows];
};

// Number of rows in the first half of a tile.
constexpr int tile_half(int rows) { return rows <= kFreeRows ? rows : (rows + 1) / 2; }

// One call of the kernel. Everything is in floats; no alignment is needed.
struct TileArgs {
  const float* input;  // + rows->input[i] (+ jump) + taps[t] + k
  const TileRows* rows;
  const int64_t* taps;  // offsets of the taps
  int64_t num_taps;
  int64_t k;             // floats per tap
  const float* weights;  // [num_taps][k][vectors * lanes]
  float* output;         // + rows->output[i]
  const float* addend;   // + addend_rows[i], or null; may be the output itself
  const int64_t* addend_rows;
  const float* bias;     // one float per channel, or null
  float lo, hi;          // clamp of the result; NaN stays NaN
  int channels;          // 1 .. vectors * lanes: how many are read from bias and addend, written
  const char* prefetch;  // bytes to bring into L2 meanwhile, or null
};

using TileFunction = void (*)(const TileArgs&);

struct TileTable {
  Isa isa;
  int lanes;
  // [vectors][rows]; null where the registers do not suffice.
  TileFunction tile[kMaxTileVectors + 1][kMaxTileRows + 1];
};

// REQUIRES: cpu_has(isa) before any function of the table is called.
const TileTable& tile_table(Isa isa);

// Bytes that one tile call prefetches: a quarter of what it reads from `weights` (vectors 2).
constexpr int64_t tile_prefetch_bytes(int64_t weight_rows, int vectors, int lanes) {
  return weight_rows / 4 * 64 * (vectors * lanes > 16 ? vectors * lanes / 16 : 1);
}

namespace avx2 {
extern const TileTable kTileTable;
}
namespace avx512 {
extern const TileTable kTileTable;
}
namespace portable {
extern const TileTable kTileTable;
}

}  // namespace hone::cpu
