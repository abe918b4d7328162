// Attention of one head in FP32, without ever holding all scores:
//
//   for each block of queries, times the scale:
//     for each block of keys:
//       scores = queries * keys^T                      register tiles (tile.h), 48 x 512 in L2
//       probabilities = exp(scores + mask - running maximum), running totals
//       sums = sums * correction + probabilities * values                     register tiles
//     output = sums / totals
//
// Use: prepare_attention() once per shape; for each head pack_attention(), then attend() for all
// blocks 0 .. blocks, on any threads in any order: same bits for any division.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/cpu/conv.h"
#include "kernels/cpu/isa.h"
#include "kernels/cpu/tile.h"

namespace hone::cpu {

enum class AttentionMask : uint8_t {
  kNone,
  kAdd,     // floats that are added to the scores
  kSelect,  // bytes: where 0, masked_value takes the place of the score
};

// Matrices with a contiguous last dimension; strides in elements from one token to the next.
struct AttentionProblem {
  int64_t query_tokens = 0, key_tokens = 0;
  int64_t size = 0, value_size = 0;
  int64_t query_stride = 0, key_stride = 0, value_stride = 0, output_stride = 0;
  float scale = 1;
  AttentionMask mask = AttentionMask::kNone;
  int64_t mask_row_stride = 0, mask_column_stride = 0;
  float masked_value = 0;
  bool zero_masked = false;  // kSelect: what is masked gets a probability of 0 at the end
};

// What the part between the matrix products gets: rows of scores, one kernel per instruction set.
struct AttentionRows {
  const AttentionProblem* problem;
  float* scores;                  // become probabilities, not yet divided
  int64_t rows, columns, stride;  // stride >= columns rounded up to a whole vector
  const void* mask;               // of row 0, column 0, or null
  float* line;                    // room for one row of a mask
  float* largest;                 // per row, over the blocks of keys so far
  float* totals;                  // per row
  float* sums;  // of probabilities and values so far; brought down to the new maximum
  int64_t sums_stride;
  float* output;  // of row 0, written in finish()
  bool first;     // the first block of keys: nothing so far
};

struct AttentionKernels {
  void (*softmax)(const AttentionRows&);
  void (*finish)(const AttentionRows&);  // output = sums / totals
  // to[r][i] = from[r][i] * factor
  void (*scale)(const float* from, int64_t from_stride, float* to, int64_t to_stride, int64_t rows,
                int64_t n, float factor);
};
AttentionKernels attention_kernels(Isa isa);

// Ready to run for heads of one shape; plain data, freely copied.
struct Attention {
  AttentionProblem problem;
  const TileTable* table = nullptr;
  AttentionKernels kernels;
  int tile_rows = 0;
  int64_t query_block = 0, key_block = 0;
  int64_t score_stride = 0, query_width = 0, value_width = 0;  // rows of the scratch memory
  std::vector<ConvPanel> key_panels, value_panels;
  TileRows score_tiles[2], output_tiles[2];  // whole tiles, and the last rows
  int64_t key_floats = 0;                    // packed keys; the values follow
  int64_t packed_floats = 0, scratch_floats = 0;
  int64_t blocks = 0;  // of queries
};

// Allocates.
Attention prepare_attention(const AttentionProblem& problem, Isa isa);

void pack_attention(const Attention& attention, const float* key, const float* value,
                    float* packed);

// Blocks first .. last - 1 of one head. `mask`: floats or bytes of query 0 and key 0, or null.
// No keys give zeros; a row whose scores are all -infinity, or one with NaN or +infinity, gives
// NaN.
void attend(const Attention& attention, const float* query, const float* packed, const void* mask,
            float* output, float* scratch, int64_t first, int64_t last);

namespace portable {
extern const AttentionKernels kAttention;
}
namespace avx2 {
extern const AttentionKernels kAttention;
}
namespace avx512 {
extern const AttentionKernels kAttention;
}

}  // namespace hone::cpu
