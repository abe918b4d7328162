#include "kernels/cpu/winograd.h"

#include <algorithm>

#include "base/check.h"
#include "kernels/cpu/gemm.h"

namespace hone::cpu {
namespace {

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Planes of V and P start 48 floats further than their size says: 36 stores to addresses a multiple
// of 4096 bytes apart would share one set of the L1 cache.
constexpr int64_t kSkew = 48;

// Terms that a product sums in one go. Most of the rounding error of F(4x4) comes from here, not
// from the transforms: with 256 channels in one go its relative rms is 1.85 times that of direct
// convolution, in blocks of 64 it is the same (1.03 times).
constexpr int64_t kSumLength = 64;

const WinogradTable& winograd_table(Isa isa) {
  switch (isa) {
    case Isa::kAvx2:
      return avx2::kWinogradTable;
    case Isa::kAvx512:
      return avx512::kWinogradTable;
    default:
      return portable::kWinogradTable;
  }
}

// The part of the work that one item does.
struct Share {
  int64_t first_row, rows;  // tile rows, counted through the batch
  int64_t first_channel, channels;
  bool last_block, last_group;
};

Share share_of(const Winograd& w, int64_t item) {
  const int64_t block = item / w.config.channel_groups, group = item % w.config.channel_groups;
  Share s;
  s.first_row = block * w.config.tile_rows;
  s.rows = std::min(w.config.tile_rows, w.problem.batch * w.tiles_h - s.first_row);
  s.first_channel = group * w.group_channels;
  s.channels = std::min(w.group_channels, w.problem.out_c - s.first_channel);
  s.last_block = block == w.blocks - 1;
  s.last_group = group == w.config.channel_groups - 1;
  return s;
}

// Calls f(image, tile row, tile column, number of the tile in the share).
template <class F>
void for_each_tile(const Winograd& w, const Share& s, F f) {
  int64_t t = 0;
  for (int64_t row = s.first_row; row < s.first_row + s.rows; row++) {
    const int64_t n = row / w.tiles_h, y = row % w.tiles_h;
    for (int64_t x = 0; x < w.tiles_w; x++) f(n, y, x, t++);
  }
}

void transform_input(const Winograd& w, const ConvPointers& at, const Share& s, float* v) {
  const ConvProblem& p = w.problem;
  const int64_t tile = w.config.tile, side = tile + 2;
  WinogradInputArgs args{};
  args.row = p.input.h, args.pixel = p.input.w;
  args.channels = p.in_c;
  args.plane = w.plane_v;
  for_each_tile(w, s, [&](int64_t n, int64_t ty, int64_t tx, int64_t t) {
    const int64_t y = ty * tile - p.pad_top, x = tx * tile - p.pad_left;
    args.input = at.input + n * p.input.n + y * p.input.h + x * p.input.w;
    args.rows = static_cast<int>(std::min(side, p.in_h + p.pad_bottom - y));
    args.columns = static_cast<int>(std::min(side, p.in_w + p.pad_right - x));
    args.v = v + t * w.ld_v;
    w.table->input[tile / 4](args);
  });
}

void multiply_planes(const Winograd& w, const ConvPointers& at, const Share& s, const float* v,
                     float* product) {
  const Conv& gemm = w.products[s.last_block][s.last_group];
  const int side = w.config.tile + 2;
  ConvPointers plane;
  for (int x = 0; x < side * side; x++) {
    plane.input = v + x * w.plane_v;
    plane.packed = at.packed + x * w.plane_u + s.first_channel * w.problem.in_c;
    plane.output = product + x * w.plane_p;
    run_conv(gemm, plane, 0, gemm.items);
  }
}

void transform_output(const Winograd& w, const ConvPointers& at, const Share& s,
                      const float* product) {
  const ConvProblem& p = w.problem;
  const int64_t tile = w.config.tile;
  WinogradOutputArgs args{};
  args.plane = w.plane_p;
  args.row = p.output.h, args.pixel = p.output.w;
  args.channels = s.channels;
  args.bias = at.bias != nullptr ? at.bias + s.first_channel : nullptr;
  args.addend_row = p.addend.h, args.addend_pixel = p.addend.w;
  args.lo = at.lo, args.hi = at.hi;
  for_each_tile(w, s, [&](int64_t n, int64_t ty, int64_t tx, int64_t t) {
    const int64_t y = ty * tile, x = tx * tile;
    args.p = product + t * w.ld_p;
    args.output = at.output + n * p.output.n + y * p.output.h + x * p.output.w + s.first_channel;
    if (at.addend != nullptr) {
      args.addend = at.addend + n * p.addend.n + y * p.addend.h + x * p.addend.w + s.first_channel;
    }
    args.rows = static_cast<int>(std::min(tile, p.out_h - y));
    args.columns = static_cast<int>(std::min(tile, p.out_w - x));
    w.table->output[tile / 4](args);
  });
}

void call_tail(const Winograd& w, const ConvPointers& at, const Share& s) {
  if (at.tail == nullptr) return;
  const ConvProblem& p = w.problem;
  const auto first_pixel = [&](int64_t row) {
    return (row / w.tiles_h * p.out_h + row % w.tiles_h * w.config.tile) * p.out_w;
  };
  const int64_t first = first_pixel(s.first_row), last = first_pixel(s.first_row + s.rows);
  at.tail(at.tail_user, first, last - first, s.first_channel, s.channels);
}

}  // namespace

bool winograd_can_run(const ConvProblem& p) {
  return valid(p) && p.kernel_h == 3 && p.kernel_w == 3 && p.stride_h == 1 && p.stride_w == 1 &&
         p.dilation_h == 1 && p.dilation_w == 1 && p.groups == 1;
}

Winograd prepare_winograd(const ConvProblem& problem, const WinogradConfig& config, Isa isa) {
  HONE_CHECK(winograd_can_run(problem) && (config.tile == 2 || config.tile == 4));
  Winograd w;
  w.problem = problem;
  w.config = config;
  w.table = &winograd_table(isa);
  const int64_t lanes = w.table->lanes, side = config.tile + 2;
  w.tiles_h = ceil_div(problem.out_h, config.tile);
  w.tiles_w = ceil_div(problem.out_w, config.tile);
  const int64_t rows = problem.batch * w.tiles_h, panel = config.vectors * lanes;
  const int64_t panels = ceil_div(problem.out_c, panel);
  if (rows == 0 || w.tiles_w == 0 || panels == 0) return w;
  w.config.tile_rows = std::clamp(config.tile_rows, int64_t{1}, rows);
  w.group_channels = ceil_div(panels, std::max<int64_t>(1, config.channel_groups)) * panel;
  w.config.channel_groups = ceil_div(problem.out_c, w.group_channels);
  w.blocks = ceil_div(rows, w.config.tile_rows);
  w.items = w.blocks * w.config.channel_groups;

  const int64_t tiles = w.config.tile_rows * w.tiles_w;
  w.ld_v = ceil_div(problem.in_c, lanes) * lanes;
  w.ld_p = std::min(w.group_channels, ceil_div(problem.out_c, lanes) * lanes);
  w.plane_v = tiles * w.ld_v + kSkew;
  w.plane_p = tiles * w.ld_p + kSkew;
  w.plane_u = winograd_weight_bytes(problem, config, isa) / 4 / (side * side);
  w.workspace_floats = side * side * (w.plane_v + w.plane_p);
  const int64_t last_rows = rows - (w.blocks - 1) * w.config.tile_rows;
  const int64_t last_channels = problem.out_c - (w.config.channel_groups - 1) * w.group_channels;
  for (bool last_block : {false, true}) {
    for (bool last_group : {false, true}) {
      const int64_t n = last_group ? ceil_div(last_channels, lanes) * lanes : w.group_channels;
      const GemmProblem gemm{(last_block ? last_rows : w.config.tile_rows) * w.tiles_w, n,
                             problem.in_c, w.ld_v, w.ld_p};
      w.products[last_block][last_group] = prepare_gemm(
          gemm,
          {config.rows, config.vectors, LoopOrder::kPanelsOutside, kSumLength, 0, config.prefetch},
          isa);
    }
  }
  return w;
}

void run_winograd(const Winograd& w, const ConvPointers& at, float* workspace, int64_t begin,
                  int64_t end) {
  const int64_t side = w.config.tile + 2;
  float* v = workspace;
  float* product = workspace + side * side * w.plane_v;
  for (int64_t item = begin; item < end; item++) {
    const Share s = share_of(w, item);
    transform_input(w, at, s, v);
    multiply_planes(w, at, s, v, product);
    transform_output(w, at, s, product);
    call_tail(w, at, s);
  }
}

}  // namespace hone::cpu
