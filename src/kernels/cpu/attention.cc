#include "kernels/cpu/attention.h"

#include <algorithm>
#include <cstring>

namespace hone::cpu {
namespace {

// 8 tiles of queries share a pass over a panel of keys: 48 (56) rows x 512 scores are 96 KiB.
constexpr int64_t kTilesPerBlock = 8, kMaxKeyBlock = 512;
// A panel of that many values (8 KiB) and the probabilities that meet it (24 KiB) share the L1
// cache.
constexpr int64_t kValueBlock = 128;
constexpr int kVectors = 2;

int64_t round_up(int64_t n, int64_t unit) { return (n + unit - 1) / unit * unit; }

TileRows make_rows(int rows, int64_t in_stride, int64_t out_stride) {
  TileRows tile{};
  tile.rows = rows;
  const int half = tile_half(rows);
  for (int i = 0; i < half; ++i) tile.input[i] = i * in_stride;
  tile.jump = half * in_stride;
  for (int i = 0; i < rows; ++i) tile.output[i] = tile.addend[i] = i * out_stride;
  return tile;
}

// The panels of a matrix [k][n], as pack_panel() wants it described.
ConvProblem matrix(int64_t n, int64_t k) {
  ConvProblem p;
  p.in_c = k;
  p.out_c = n;
  return p;
}
std::vector<ConvPanel> panels_of(int64_t n, int64_t k, int lanes) {
  ConvConfig config;
  config.vectors = kVectors;
  return make_panels(matrix(n, k), config, lanes);
}
int64_t packed_size(const std::vector<ConvPanel>& panels, int64_t k, int lanes) {
  return panels.empty() ? 0 : panels.back().weights + k * panels.back().vectors * lanes;
}

// `rows` rows of [k] at `a` times one panel: k rows of `weights`.
struct PanelProduct {
  const float* a;
  int64_t a_stride, rows, k;
  const float* weights;
  float* c;
  int64_t c_stride;
  bool add;  // to what c holds
};

void multiply_panel(const Attention& attention, const ConvPanel& panel, const TileRows* tiles,
                    const PanelProduct& p) {
  constexpr int64_t kNoTap = 0;
  TileArgs args{};
  args.taps = &kNoTap;
  args.num_taps = 1;
  args.k = p.k;
  args.weights = p.weights;
  args.lo = -__builtin_inff();
  args.hi = __builtin_inff();
  args.channels = panel.channels;
  for (int64_t row = 0; row < p.rows; row += attention.tile_rows) {
    const TileRows& tile = tiles[p.rows - row < attention.tile_rows ? 1 : 0];
    args.input = p.a + row * p.a_stride;
    args.rows = &tile;
    args.output = p.c + row * p.c_stride;
    args.addend = p.add ? args.output : nullptr;
    args.addend_rows = tile.addend;
    attention.table->tile[panel.vectors][tile.rows](args);
  }
}

// Queries and outputs of one block have copies in the scratch memory: where they lie, a power of
// two apart as heads often make them, 48 rows would share a few sets of the L1 cache.
void attend_block(const Attention& attention, const float* query, const float* packed,
                  const void* mask, float* output, float* scratch, int64_t rows) {
  const AttentionProblem& p = attention.problem;
  const int lanes = attention.table->lanes;
  float* queries = scratch + attention.query_block * attention.score_stride;
  AttentionRows softmax{};
  softmax.problem = &p;
  softmax.scores = scratch;
  softmax.stride = attention.score_stride;
  softmax.rows = rows;
  softmax.sums = queries + attention.query_block * attention.query_width;
  softmax.sums_stride = attention.value_width;
  softmax.largest = softmax.sums + attention.query_block * attention.value_width;
  softmax.totals = softmax.largest + attention.query_block;
  softmax.line = softmax.totals + attention.query_block;
  softmax.output = output;
  attention.kernels.scale(query, p.query_stride, queries, attention.query_width, rows, p.size,
                          p.scale);
  const int64_t mask_bytes = p.mask == AttentionMask::kAdd ? sizeof(float) : 1;
  for (int64_t key = 0; key < p.key_tokens; key += attention.key_block) {
    const int64_t end = std::min(key + attention.key_block, p.key_tokens);
    for (const ConvPanel& panel : attention.key_panels) {
      if (panel.out_channel < key || panel.out_channel >= end) continue;
      multiply_panel(attention, panel, attention.score_tiles,
                     {queries, attention.query_width, rows, p.size, packed + panel.weights,
                      scratch + panel.out_channel - key, attention.score_stride, false});
    }
    softmax.columns = end - key;
    softmax.first = key == 0;
    if (mask != nullptr) {
      softmax.mask = static_cast<const char*>(mask) + key * p.mask_column_stride * mask_bytes;
    }
    attention.kernels.softmax(softmax);
    for (int64_t first = key; first < end; first += kValueBlock) {
      for (const ConvPanel& panel : attention.value_panels) {
        multiply_panel(
            attention, panel, attention.output_tiles,
            {scratch + first - key, attention.score_stride, rows,
             std::min(end - first, kValueBlock),
             packed + attention.key_floats + panel.weights + first * panel.vectors * lanes,
             softmax.sums + panel.out_channel, attention.value_width, first != 0});
      }
    }
  }
  attention.kernels.finish(softmax);
}

}  // namespace

AttentionKernels attention_kernels(Isa isa) {
  return isa == Isa::kAvx512 ? avx512::kAttention
         : isa == Isa::kAvx2 ? avx2::kAttention
                             : portable::kAttention;
}

Attention prepare_attention(const AttentionProblem& p, Isa isa) {
  Attention a;
  a.problem = p;
  a.problem.zero_masked = p.zero_masked && p.mask == AttentionMask::kSelect;
  a.table = &tile_table(isa);
  a.kernels = attention_kernels(isa);
  const int lanes = a.table->lanes;
  a.tile_rows = kMaxTileRows;
  while (a.table->tile[kVectors][a.tile_rows] == nullptr) --a.tile_rows;
  const int64_t most = kTilesPerBlock * a.tile_rows;
  const int64_t pieces = std::max<int64_t>(1, (p.query_tokens + most - 1) / most);
  a.query_block = round_up((p.query_tokens + pieces - 1) / pieces, a.tile_rows);
  const int64_t parts = (p.key_tokens + kMaxKeyBlock - 1) / kMaxKeyBlock;
  a.key_block = parts > 0 ? round_up((p.key_tokens + parts - 1) / parts, kVectors * lanes) : 0;
  a.score_stride = a.key_block + 16;  // rows that are no power of two apart share no cache set
  a.key_panels = panels_of(p.key_tokens, p.size, lanes);
  a.value_panels = panels_of(p.value_size, p.key_tokens, lanes);
  a.key_floats = round_up(packed_size(a.key_panels, p.size, lanes), 16);
  a.packed_floats = a.key_floats + packed_size(a.value_panels, p.key_tokens, lanes);
  a.query_width = round_up(p.size, 16);
  a.value_width = round_up(p.value_size, 16);
  a.scratch_floats =
      a.query_block * (a.score_stride + a.query_width + a.value_width + 2) + a.key_block;
  const int tail = static_cast<int>(p.query_tokens % a.tile_rows);
  a.score_tiles[0] = make_rows(a.tile_rows, a.query_width, a.score_stride);
  a.output_tiles[0] = make_rows(a.tile_rows, a.score_stride, a.value_width);
  a.score_tiles[1] = make_rows(std::max(tail, 1), a.query_width, a.score_stride);
  a.output_tiles[1] = make_rows(std::max(tail, 1), a.score_stride, a.value_width);
  a.blocks = p.query_tokens == 0 ? 0 : (p.query_tokens + a.query_block - 1) / a.query_block;
  return a;
}

void pack_attention(const Attention& attention, const float* key, const float* value,
                    float* packed) {
  const AttentionProblem& p = attention.problem;
  const int lanes = attention.table->lanes;
  for (const ConvPanel& panel : attention.key_panels) {
    pack_panel(matrix(p.key_tokens, p.size), panel, lanes, key, {p.key_stride, 0, 0, 1}, packed);
  }
  for (const ConvPanel& panel : attention.value_panels) {
    pack_panel(matrix(p.value_size, p.key_tokens), panel, lanes, value, {1, 0, 0, p.value_stride},
               packed + attention.key_floats);
  }
}

void attend(const Attention& attention, const float* query, const float* packed, const void* mask,
            float* output, float* scratch, int64_t first, int64_t last) {
  const AttentionProblem& p = attention.problem;
  const int64_t mask_bytes = p.mask == AttentionMask::kAdd ? sizeof(float) : 1;
  for (int64_t block = first; block < last; ++block) {
    const int64_t row = block * attention.query_block;
    const int64_t rows = std::min(attention.query_block, p.query_tokens - row);
    float* to = output + row * p.output_stride;
    if (p.key_tokens == 0) {
      for (int64_t r = 0; r < rows; ++r) {
        std::memset(to + r * p.output_stride, 0, static_cast<size_t>(p.value_size) * sizeof(float));
      }
      continue;
    }
    const void* masked =
        mask == nullptr ? nullptr
                        : static_cast<const char*>(mask) + row * p.mask_row_stride * mask_bytes;
    attend_block(attention, query + row * p.query_stride, packed, masked, to, scratch, rows);
  }
}

}  // namespace hone::cpu
