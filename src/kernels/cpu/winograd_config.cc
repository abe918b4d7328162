// Which configurations are worth timing (Zen 3, batch 1; share of the direct kernel's FMA peak):
//   64 channels @56: F(4x4) 2.7, F(2x2) 1.8     128@28: F(4x4) 3.0
//   256@14: F(4x4) 2.3, F(2x2) 1.9              512@7: F(4x4) 1.0, F(2x2) 1.3, direct 0.92
// The fewer tiles share the 4 times (F(2x2): 1.8 times) larger weights, the less F(4x4) pays. About
// 48 tiles per item hide the streaming of the weights; fewer items than threads leave threads idle,
// hence the divided channels.
#include <algorithm>

#include "kernels/cpu/winograd.h"

namespace hone::cpu {
namespace {

constexpr int64_t kTilesPerItem = 48;

// Configurations of one output tile size, best first.
void add_configs(const ConvProblem& p, Isa isa, int tile, std::vector<WinogradConfig>& configs) {
  const bool avx2 = isa == Isa::kAvx2;
  const int64_t tiles_w = std::max<int64_t>(1, (p.out_w + tile - 1) / tile);
  const int64_t rows = p.batch * ((p.out_h + tile - 1) / tile);
  const int64_t per_item =
      std::clamp(kTilesPerItem / tiles_w, int64_t{1}, std::max<int64_t>(1, rows));
  WinogradConfig c;
  c.tile = tile;
  c.rows = avx2 ? 4 : 14, c.vectors = avx2 ? 3 : 2;
  c.tile_rows = per_item;
  configs.push_back(c);
  if (rows <= 4 * per_item && p.out_c >= 64) {
    c.channel_groups = 2;
    configs.push_back(c);
    c.channel_groups = 1;
  }
  if (per_item > 1) {
    c.tile_rows = (per_item + 1) / 2;
    configs.push_back(c);
    c.tile_rows = per_item;
  }
  c.rows = avx2 ? 6 : 8, c.vectors = avx2 ? 2 : 3;
  configs.push_back(c);
}

}  // namespace

std::vector<WinogradConfig> winograd_candidates(const ConvProblem& p, Isa isa, int64_t l2_bytes) {
  std::vector<WinogradConfig> configs;
  if (!winograd_can_run(p)) return configs;
  const int64_t large_tiles = p.batch * ((p.out_h + 3) / 4) * ((p.out_w + 3) / 4);
  const int64_t weight_bytes = p.in_c * p.out_c * 36 * 4;
  const bool large_first =
      large_tiles >= 12 && (isa == Isa::kAvx2 || large_tiles >= 48 || weight_bytes <= 2 * l2_bytes);
  add_configs(p, isa, large_first ? 4 : 2, configs);
  add_configs(p, isa, large_first ? 2 : 4, configs);
  return configs;
}

}  // namespace hone::cpu
