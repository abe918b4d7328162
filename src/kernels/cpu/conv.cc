#include "kernels/cpu/conv.h"

#include <algorithm>

#include "base/check.h"

namespace hone::cpu {
namespace {

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

bool covers(int64_t out, int64_t stride, int64_t kernel, int64_t dilation, int64_t padded_in) {
  return out == 0 || (out - 1) * stride + (kernel - 1) * dilation + 1 <= padded_in;
}

// A kernel row is one run of kernel_w * in_c floats when the pixels lie without gaps: the first
// layer (3 channels) then has 7 taps of 21 floats instead of 49 of 3.
bool rows_contiguous(const ConvProblem& p) {
  return p.groups == 1 && p.dilation_w == 1 && p.input.w == p.in_c;
}

void make_taps(Conv& conv) {
  const ConvProblem& p = conv.problem;
  const int64_t columns = rows_contiguous(p) ? 1 : p.kernel_w;
  for (int64_t d = 0; d < p.kernel_d; d++) {
    for (int64_t r = 0; r < p.kernel_h; r++) {
      for (int64_t s = 0; s < columns; s++) {
        conv.taps.push_back((d * p.dilation_d - p.pad_front) * p.input_d +
                            (r * p.dilation_h - p.pad_top) * p.input.h +
                            (s * p.dilation_w - p.pad_left) * p.input.w);
      }
    }
  }
}

// Divides taps x k into blocks of at most about config.k_block rows of weights, in packed order.
void make_k_blocks(Conv& conv) {
  const ConvProblem& p = conv.problem;
  const int64_t taps = static_cast<int64_t>(conv.taps.size());
  const int64_t k = p.in_c / p.groups * (rows_contiguous(p) ? p.kernel_w : 1);
  const int64_t limit = conv.config.k_block > 0 ? conv.config.k_block : taps * k;
  if (k <= limit) {
    const int64_t blocks = ceil_div(taps, std::max<int64_t>(1, limit / std::max<int64_t>(k, 1)));
    for (int64_t b = 0; b < blocks; b++) {
      const int64_t first = taps * b / blocks, last = taps * (b + 1) / blocks;
      conv.k_blocks.push_back({first, last - first, 0, k});
    }
    return;
  }
  const int64_t step = (ceil_div(k, ceil_div(k, limit)) + 3) & ~int64_t{3};  // unrolled by 4
  for (int64_t t = 0; t < taps; t++) {
    for (int64_t x = 0; x < k; x += step) {
      conv.k_blocks.push_back({t, 1, x, std::min(step, k - x)});
    }
  }
}

// How many items there are depends on the problem only: enough for 16 threads and more.
void make_items(Conv& conv) {
  constexpr int64_t kManyItems = 64, kEnoughItems = 16;
  const int64_t bands = conv.space.num_bands();
  const int64_t panels = static_cast<int64_t>(conv.panels.size());
  if (bands == 0 || panels == 0) return;
  if (conv.config.order == LoopOrder::kTilesOutside) {
    conv.bands_per_chunk = ceil_div(bands, kManyItems);
    conv.chunks = ceil_div(bands, conv.bands_per_chunk);
    const int64_t groups = std::min(panels, ceil_div(kEnoughItems, conv.chunks));
    conv.panels_per_group = ceil_div(panels, groups);
  } else {
    const int64_t tiles = static_cast<int64_t>(conv.space.last.size());
    const int64_t wanted = conv.config.m_block;
    conv.bands_per_chunk = wanted == 0 ? bands : std::clamp(wanted / tiles, int64_t{1}, bands);
    conv.chunks = ceil_div(bands, conv.bands_per_chunk);
    conv.bands_per_chunk = ceil_div(bands, conv.chunks);
    conv.panels_per_group = ceil_div(panels, kManyItems);
  }
  conv.chunks = ceil_div(bands, conv.bands_per_chunk);
  conv.panel_groups = ceil_div(panels, conv.panels_per_group);
  conv.items = conv.chunks * conv.panel_groups;
}

// A rectangle of work: tiles [first_tile, last_tile) of each of some bands, and some panels.
struct Block {
  int64_t first_band, last_band;
  int64_t first_tile, last_tile;  // last_tile is cut to the tiles of the band
  int64_t first_panel, last_panel;
};

// Runs all tiles of the block for one panel and one range of the summation.
void run_k_block(const Conv& conv, const ConvPointers& at, const Block& block,
                 const ConvPanel& panel, const ConvKBlock& k_block, TileArgs args) {
  const bool first = &k_block == &conv.k_blocks.front();
  const bool last = &k_block == &conv.k_blocks.back();
  const bool partial = !first;  // add to the sums in the output
  const float infinity = __builtin_inff();
  args.lo = last ? at.lo : -infinity;
  args.hi = last ? at.hi : infinity;
  args.bias = first && at.bias != nullptr ? at.bias + panel.out_channel : nullptr;
  args.taps = conv.taps.data() + k_block.first_tap;
  args.num_taps = k_block.taps;
  args.k = k_block.k;
  const int64_t width = panel.vectors * conv.table->lanes;
  const int64_t weight_rows = k_block.taps * k_block.k;
  const char* next = reinterpret_cast<const char*>(args.weights + weight_rows * width);
  const char* next_end = conv.config.prefetch ? next + weight_rows * width * 4 : next;
  const int64_t step = tile_prefetch_bytes(weight_rows, panel.vectors, conv.table->lanes);
  const TileFunction* functions = conv.table->tile[panel.vectors];
  const TileActivation activation = last ? at.activation : nullptr;
  for (int64_t band = block.first_band; band < block.last_band; band++) {
    const std::vector<TileRows>& tiles = conv.space.tiles(band);
    const PixelDim offset = conv.space.band_offset(band);
    args.input = at.input + offset.input + panel.in_channel + k_block.k_first;
    args.output = at.output + offset.output + panel.out_channel;
    if (partial) {
      args.addend = args.output;
    } else if (at.addend != nullptr) {
      args.addend = at.addend + offset.addend + panel.out_channel;
    }
    const int64_t end = std::min<int64_t>(block.last_tile, tiles.size());
    for (int64_t t = block.first_tile; t < end; t++) {
      args.rows = &tiles[t];
      args.addend_rows = partial ? args.rows->output : args.rows->addend;
      args.prefetch = next < next_end ? next : nullptr;
      functions[args.rows->rows](args);
      if (activation != nullptr) {
        activation(args.output, args.rows->output, args.rows->rows, args.channels);
      }
      next += step;
    }
  }
}

void run_block(const Conv& conv, const ConvPointers& at, const Block& block) {
  for (int64_t p = block.first_panel; p < block.last_panel; p++) {
    const ConvPanel& panel = conv.panels[p];
    TileArgs args{};
    args.channels = panel.channels;
    args.weights = at.packed + panel.weights;
    for (const ConvKBlock& k_block : conv.k_blocks) {
      run_k_block(conv, at, block, panel, k_block, args);
      args.weights += k_block.taps * k_block.k * panel.vectors * conv.table->lanes;
    }
  }
}

void call_tail(const Conv& conv, const ConvPointers& at, const Block& block) {
  if (at.tail == nullptr) return;
  const ConvPanel& first = conv.panels[block.first_panel];
  const ConvPanel& last = conv.panels[block.last_panel - 1];
  const int64_t pixel = conv.space.first_pixel(block.first_band);
  const int64_t end =
      conv.space.first_pixel(block.last_band - 1) + conv.space.pixels_in(block.last_band - 1);
  at.tail(at.tail_user, pixel, end - pixel, first.out_channel,
          last.out_channel + last.channels - first.out_channel);
}

void run_tiles_outside(const Conv& conv, const ConvPointers& at, Block block) {
  const int64_t last_band = block.last_band, step = std::max<int64_t>(1, conv.config.m_block);
  for (int64_t band = block.first_band; band < last_band; band++) {
    block.first_band = band;
    block.last_band = band + 1;
    const int64_t tiles = static_cast<int64_t>(conv.space.tiles(band).size());
    for (int64_t t = 0; t < tiles; t += step) {
      block.first_tile = t;
      block.last_tile = t + step;
      run_block(conv, at, block);
    }
    call_tail(conv, at, block);
  }
}

void run_panels_outside(const Conv& conv, const ConvPointers& at, Block block) {
  const int64_t last_panel = block.last_panel;
  for (int64_t p = block.first_panel; p < last_panel; p++) {
    block.first_panel = p;
    block.last_panel = p + 1;
    run_block(conv, at, block);
    call_tail(conv, at, block);
  }
}

}  // namespace

bool valid(const ConvProblem& p) {
  const bool sizes = p.batch >= 0 && p.in_h >= 0 && p.in_w >= 0 && p.in_c >= 0 && p.out_h >= 0 &&
                     p.out_w >= 0 && p.out_c >= 0 && p.kernel_h > 0 && p.kernel_w > 0 &&
                     p.stride_h > 0 && p.stride_w > 0 && p.dilation_h > 0 && p.dilation_w > 0 &&
                     p.groups > 0 && p.pad_top >= 0 && p.pad_left >= 0 && p.pad_bottom >= 0 &&
                     p.pad_right >= 0 && p.kernel_d > 0 && p.dilation_d > 0;
  return sizes && p.in_c % p.groups == 0 && p.out_c % p.groups == 0 &&
         covers(p.out_h, p.stride_h, p.kernel_h, p.dilation_h, p.in_h + p.pad_top + p.pad_bottom) &&
         covers(p.out_w, p.stride_w, p.kernel_w, p.dilation_w, p.in_w + p.pad_left + p.pad_right);
}

Conv prepare_conv(const ConvProblem& problem, const ConvConfig& config, Isa isa) {
  HONE_CHECK(valid(problem));
  Conv conv;
  conv.problem = problem;
  conv.config = config;
  conv.table = &tile_table(isa);
  HONE_CHECK(config.vectors >= 1 && config.vectors <= kMaxTileVectors && config.rows >= 1 &&
             config.rows <= kMaxTileRows && conv.table->tile[config.vectors][config.rows]);
  const Strides& in = problem.input;
  const Strides& out = problem.output;
  const Strides& add = problem.has_addend ? problem.addend : problem.output;
  conv.space = make_tile_space({problem.batch, in.n, out.n, add.n},
                               {problem.out_h, problem.stride_h * in.h, out.h, add.h},
                               {problem.out_w, problem.stride_w * in.w, out.w, add.w}, config.rows);
  conv.panels = make_panels(problem, config, conv.table->lanes);
  make_taps(conv);
  make_k_blocks(conv);
  make_items(conv);
  return conv;
}

void join_items(Conv* conv) {
  if (conv->items == 0) return;
  conv->bands_per_chunk = conv->space.num_bands();
  conv->panels_per_group = static_cast<int64_t>(conv->panels.size());
  conv->chunks = conv->panel_groups = conv->items = 1;
}

void run_conv(const Conv& conv, const ConvPointers& pointers, int64_t begin, int64_t end) {
  const bool tiles_outside = conv.config.order == LoopOrder::kTilesOutside;
  for (int64_t item = begin; item < end; item++) {
    // Neighbouring items share what the order reads once: the chunk of pixels, or the panels.
    const int64_t chunk = tiles_outside ? item / conv.panel_groups : item % conv.chunks;
    const int64_t group = tiles_outside ? item % conv.panel_groups : item / conv.chunks;
    Block block{};
    block.first_band = chunk * conv.bands_per_chunk;
    block.last_band = std::min(block.first_band + conv.bands_per_chunk, conv.space.num_bands());
    block.first_panel = group * conv.panels_per_group;
    block.last_panel = std::min<int64_t>(block.first_panel + conv.panels_per_group,
                                         static_cast<int64_t>(conv.panels.size()));
    block.last_tile = INT64_MAX;
    if (tiles_outside) {
      run_tiles_outside(conv, pointers, block);
    } else {
      run_panels_outside(conv, pointers, block);
    }
  }
}

}  // namespace hone::cpu
