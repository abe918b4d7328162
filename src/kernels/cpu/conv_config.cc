// Which configurations are worth timing. The numbers behind the rules (Zen 3, 512 KiB L2,
// ResNet-50):
//   - both register tiles reach 90 to 96 % of the FMA peak; which one wins differs by layer
//   - weights that exceed L2: panels outside with prefetch, 1 to 10 % over tiles outside; with 1 to
//     16 rows of a matrix, where weights are all that is read, 9 to 20 % over no prefetch
//   - panels longer than a quarter of L2 and few pixels: k blocks, up to 20 %
//   - everything else: within 2 %, so the order with the smaller memory traffic comes first
#include <algorithm>

#include "kernels/cpu/conv.h"

namespace hone::cpu {
namespace {

struct TileShape {
  int rows, vectors;
};

// Power-of-two distances between rows put more than the 8 ways of L1 into one set.
bool rows_collide(const ConvProblem& p) { return p.input.w * p.stride_w % 1024 == 0; }

std::vector<TileShape> tile_shapes(const ConvProblem& p, Isa isa) {
  const int64_t channels = p.out_c / p.groups;
  if (isa == Isa::kAvx2) {
    if (channels <= 8) return {{12, 1}};
    if (channels <= 16) return {{6, 2}};
    return {{4, 3}, {6, 2}};
  }
  if (channels <= 16) return {{14, 1}};
  if (channels <= 32) return {{14, 2}};
  if (rows_collide(p)) return {{8, 3}, {14, 2}};
  return {{14, 2}, {8, 3}};
}

// A loop order without its register tile.
struct Order {
  LoopOrder order;
  int64_t k_block, m_block;
  bool prefetch;
};

std::vector<Order> loop_orders(const ConvProblem& p, int64_t lanes, int64_t l2_bytes) {
  const int64_t pixels = p.batch * p.out_h * p.out_w;
  const int64_t weight_rows = p.num_taps() * (p.in_c / p.groups);
  const int64_t weight_bytes = weight_rows * p.out_c * 4;
  constexpr int64_t kManyPixels = 784;
  const bool prefetch = weight_bytes > l2_bytes / 2;
  if (pixels <= 14) {  // a few tiles: the weights stream through once
    std::vector<Order> orders;
    for (const bool ahead : {true, false}) {
      if (!ahead || prefetch) orders.push_back({LoopOrder::kPanelsOutside, 0, 0, ahead});
    }
    return orders;
  }
  const bool long_panels = weight_rows * 2 * lanes * 4 > l2_bytes / 4;
  const Order panels{LoopOrder::kPanelsOutside, 0, 0, prefetch};
  const Order blocked{LoopOrder::kPanelsOutside, 512, 0, prefetch};
  const Order chunked{LoopOrder::kPanelsOutside, 512, 64, prefetch};
  const Order tiles{LoopOrder::kTilesOutside, 0, 16, false};
  std::vector<Order> orders;
  if (weight_bytes <= l2_bytes / 2 && pixels >= kManyPixels) {
    orders = {tiles, panels};
  } else if (long_panels) {
    orders = {blocked, panels, tiles};
  } else {
    orders = {panels, tiles};
    if (weight_rows > 512) orders.push_back(blocked);
  }
  // Never the fastest when little disturbs the timing (BERT's 128 rows: 4 to 20 % slower than
  // prefetched panels), yet taken on a busy machine.
  if (prefetch && pixels < kManyPixels) {
    std::erase_if(orders, [](const Order& o) { return o.order == LoopOrder::kTilesOutside; });
  }
  if (prefetch && pixels > 2 * kManyPixels) orders.push_back(chunked);
  return orders;
}

}  // namespace

std::vector<ConvConfig> candidates(const ConvProblem& p, Isa isa, int64_t l2_bytes) {
  std::vector<ConvConfig> configs;
  for (const Order& o : loop_orders(p, tile_table(isa).lanes, l2_bytes)) {
    for (const TileShape& shape : tile_shapes(p, isa)) {
      configs.push_back({shape.rows, shape.vectors, o.order, o.k_block, o.m_block, o.prefetch});
    }
  }
  return configs;
}

}  // namespace hone::cpu
