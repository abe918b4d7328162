// Winograd convolution F(2x2, 3x3) and F(4x4, 3x3): 3x3 kernels with stride 1 in 2.25 or 4 times
// fewer multiplications. Same tensors, epilogue and physical padding as conv.h.
//
// F(4x4) uses the points 0, +-1/sqrt(2), +-sqrt(2), infinity, whose transforms lose half of what
// the usual points 0, +-1, +-2 lose, and sums the channels in blocks: its rms error is 1 to 2 times
// that of direct convolution (256 to 64 channels). F(2x2) is at least as exact as direct
// convolution.
//
// An item is a block of rows of output tiles, and a share of the output channels; it does all three
// steps (input transform, matrix products, output transform) in the workspace of its thread:
//
//   V[x][tile][channel] = transformed input,         x = one of 16 or 36 positions
//   P[x][tile][channel] = V[x] * U[x]                U = transformed weights
//   output tile         = inverse transform of P
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/cpu/conv.h"
#include "kernels/cpu/isa.h"

namespace hone::cpu {

struct WinogradConfig {
  int tile = 4;                // output tile: 2 or 4
  int rows = 6, vectors = 2;   // register tile, as in ConvConfig
  int64_t tile_rows = 1;       // rows of output tiles per item, counted through the batch
  int64_t channel_groups = 1;  // output channels are divided between this many items
  bool prefetch = true;

  bool operator==(const WinogradConfig&) const = default;
};

// True for 3x3 kernels with stride 1, no dilation and one group (and valid(problem)).
bool winograd_can_run(const ConvProblem& problem);

// At most 8 configurations, the best guess first; none if !winograd_can_run(problem).
std::vector<WinogradConfig> winograd_candidates(const ConvProblem& problem, Isa isa,
                                                int64_t l2_bytes);

// Depend on channels and config (tile, vectors) only. `weights`: [out_c][3][3][in_c], dense.
int64_t winograd_weight_bytes(const ConvProblem& problem, const WinogradConfig& config, Isa isa);
void pack_winograd_weights(const ConvProblem& problem, const WinogradConfig& config, Isa isa,
                           const float* weights, float* packed);

// One tile of the input or output transform; see winograd_impl.h. Strides in floats.
struct WinogradInputArgs {
  const float* input;  // first pixel of the patch of (tile + 2) x (tile + 2)
  int64_t row, pixel;  // strides
  int rows, columns;   // how many of the patch exist; the rest counts as zero
  int64_t channels;
  float* v;  // [position][plane], channels rounded up to lanes are written
  int64_t plane;
};
struct WinogradOutputArgs {
  const float* p;  // [position][plane]
  int64_t plane;
  float* output;
  int64_t row, pixel;
  int rows, columns;  // how many of the tile exist
  int64_t channels;
  const float* bias;    // for the first of the channels, or null
  const float* addend;  // or null
  int64_t addend_row, addend_pixel;
  float lo, hi;
};
struct WinogradTable {
  int lanes;
  void (*input[2])(const WinogradInputArgs&);  // F(2x2), F(4x4)
  void (*output[2])(const WinogradOutputArgs&);
};

// Ready to run; plain data.
struct Winograd {
  ConvProblem problem;
  WinogradConfig config;
  const WinogradTable* table = nullptr;
  int64_t tiles_h = 0, tiles_w = 0;
  int64_t group_channels = 0;  // output channels per group but the last
  int64_t ld_v = 0, ld_p = 0;  // floats per tile in V and P
  int64_t plane_v = 0, plane_p = 0, plane_u = 0;
  Conv products[2][2];  // [last block?][last group?]
  int64_t blocks = 0, items = 0;
  int64_t workspace_floats = 0;  // per thread
};

Winograd prepare_winograd(const ConvProblem& problem, const WinogradConfig& config, Isa isa);

// Runs items [begin, end). `pointers` as for run_conv, with packed from pack_winograd_weights.
// `workspace`: workspace_floats for this thread alone, 64-byte alignment is faster.
void run_winograd(const Winograd& winograd, const ConvPointers& pointers, float* workspace,
                  int64_t begin, int64_t end);

namespace avx2 {
extern const WinogradTable kWinogradTable;
}
namespace avx512 {
extern const WinogradTable kWinogradTable;
}
namespace portable {
extern const WinogradTable kWinogradTable;
}

}  // namespace hone::cpu
