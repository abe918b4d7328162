// FP32 convolution of NHWC tensors by register tiles (tile.h): any kernel size, stride, dilation
// and number of groups, any strides. The padding must be physically present around the input.
//
// Use, in three steps:
//   once per model      config = candidates(problem, isa, l2)[0];
//                       pack_weights(problem, config, isa, weights, packed);
//   once per shape      conv = prepare_conv(problem, config, isa);
//   per run             run_conv(conv, pointers, begin, end) for all items 0 .. conv.items
//
// Items are independent of each other and may run on any threads in any order. Which sums are
// formed in which order depends on problem, config and instruction set only: same bits for any
// division of the items. run_conv touches no byte outside the tensors and allocates nothing.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/cpu/activation.h"
#include "kernels/cpu/isa.h"
#include "kernels/cpu/tile.h"
#include "kernels/cpu/tile_space.h"

namespace hone::cpu {

// Floats from one image, row, pixel to the next. Channels are contiguous.
struct Strides {
  int64_t n = 0, h = 0, w = 0;
};

inline Strides dense_strides(int64_t h, int64_t w, int64_t c) { return {h * w * c, w * c, c}; }

struct ConvProblem {
  int64_t batch = 1;
  int64_t in_h = 1, in_w = 1, in_c = 1;     // of the whole tensor, without padding
  int64_t out_h = 1, out_w = 1, out_c = 1;  // of the whole tensor
  int64_t kernel_h = 1, kernel_w = 1;
  int64_t stride_h = 1, stride_w = 1;
  int64_t dilation_h = 1, dilation_w = 1;
  int64_t groups = 1;  // divides in_c and out_c
  int64_t pad_top = 0, pad_left = 0, pad_bottom = 0, pad_right = 0;
  Strides input, output;
  bool has_addend = false;
  Strides addend;  // used only with has_addend
  // The taps of a third dimension, for one image: `batch` then counts its slices, `input.n` is the
  // step from the slices of one to those of the next, `input_d` from one slice to its neighbour.
  // Slices of padding must be there, too; nothing checks it.
  int64_t kernel_d = 1, dilation_d = 1, pad_front = 0, input_d = 0;

  int64_t num_taps() const { return kernel_d * kernel_h * kernel_w; }
};

// True if all sizes are possible and no output needs input beyond the padding.
bool valid(const ConvProblem& problem);

enum class LoopOrder {
  kTilesOutside,   // tile (m_block of them), then all channels: reads the input once
  kPanelsOutside,  // channels, then all tiles: reads the weights once
};

struct ConvConfig {
  int rows = 6, vectors = 2;  // register tile: pixels x vectors of channels
  LoopOrder order = LoopOrder::kTilesOutside;
  // Kernel positions x input channels per pass over the tiles, 0 for all. Partial sums are kept in
  // the output. Keeps rows x k_block of weights in cache when they are used by many tiles.
  int64_t k_block = 0;
  // kTilesOutside: tiles that share a pass over the weights. kPanelsOutside: tiles per item, 0 =
  // all.
  int64_t m_block = 1;
  bool prefetch = false;  // bring the next block of weights into L2 meanwhile

  bool operator==(const ConvConfig&) const = default;
};

// Between 1 and 8 sensible configurations, the best guess first. `l2_bytes`: L2 cache of one core.
std::vector<ConvConfig> candidates(const ConvProblem& problem, Isa isa, int64_t l2_bytes);

// Packed weights depend on channels, groups, kernel size and config (vectors) only, never on batch,
// height or width. They may lie anywhere; 64-byte alignment is faster.
int64_t packed_weight_bytes(const ConvProblem& problem, const ConvConfig& config, Isa isa);
// `weights`: dense [out_c][kernel_d][kernel_h][kernel_w][in_c / groups].
void pack_weights(const ConvProblem& problem, const ConvConfig& config, Isa isa,
                  const float* weights, float* packed);

// A run of output channels that share register tiles: `vectors` vectors wide.
struct ConvPanel {
  int64_t in_channel, out_channel;  // first channels in the tensors
  int64_t weights;                  // offset in the packed weights
  int channels, vectors;            // channels <= vectors * lanes
};
std::vector<ConvPanel> make_panels(const ConvProblem& problem, const ConvConfig& config, int lanes);

// Distances in floats between elements of unpacked weights, for other orders than the dense one.
struct WeightStrides {
  int64_t o, h, w, i, d = 0;
};
WeightStrides dense_weight_strides(const ConvProblem& problem);
// Packs one panel, so that callers can divide the packing between threads.
void pack_panel(const ConvProblem& problem, const ConvPanel& panel, int lanes, const float* weights,
                WeightStrides strides, float* packed);

// A range of the summation: taps [first_tap, first_tap + taps), floats [k_first, k_first + k) of
// each.
struct ConvKBlock {
  int64_t first_tap, taps, k_first, k;
};

// A convolution ready to run; plain data, freely copied, valid for any pointers.
struct Conv {
  ConvProblem problem;
  ConvConfig config;
  const TileTable* table = nullptr;
  TileSpace space;
  std::vector<int64_t> taps;
  std::vector<ConvKBlock> k_blocks;
  std::vector<ConvPanel> panels;
  int64_t bands_per_chunk = 1, chunks = 0;
  int64_t panels_per_group = 1, panel_groups = 0;
  int64_t items = 0;  // chunks * panel_groups; 0 if the output is empty
};

// REQUIRES: valid(problem), config from candidates() or alike. Allocates.
Conv prepare_conv(const ConvProblem& problem, const ConvConfig& config, Isa isa);

// Makes all of it one item, for callers that divide the work themselves: items that are a few
// channels wide hand these to `tail` in short runs.
void join_items(Conv* conv);

// Called when the given outputs are complete, on the thread that made them. `pixel` counts output
// pixels in row-major order over (n, h, w).
using ConvTail = void (*)(void* user, int64_t pixel, int64_t pixels, int64_t channel,
                          int64_t channels);

// output = activation(clamp(convolution + bias + addend, lo, hi)); NaN stays NaN.
struct ConvPointers {
  const float* input = nullptr;   // pixel (0, 0) of image 0; the padding lies before and behind
  const float* packed = nullptr;  // from pack_weights
  const float* bias = nullptr;    // [out_c], or null
  const float* addend =
      nullptr;              // pixel (0, 0) of image 0; may be the output; with has_addend only
  float* output = nullptr;  // pixel (0, 0) of image 0; must not overlap the input
  float lo = -__builtin_inff(), hi = __builtin_inff();
  TileActivation activation = nullptr;  // null: none
  ConvTail tail = nullptr;
  void* tail_user = nullptr;
};

// Runs items [begin, end).
void run_conv(const Conv& conv, const ConvPointers& pointers, int64_t begin, int64_t end);

// ---- padding

// Shape of a tensor with its padding: `image` holds H x W pixels of C floats.
struct PaddedImage {
  int64_t batch, h, w, c;
  int64_t pad_top, pad_left, pad_bottom, pad_right;
  Strides strides;  // of the padded tensor; the gaps between its rows are never written
};

// Strides and size in floats of a dense tensor that has room for the padding.
Strides padded_strides(const ConvProblem& problem);
int64_t padded_floats(const ConvProblem& problem);
// Floats before pixel (0, 0) of image 0 in such a tensor.
int64_t padded_origin(const ConvProblem& problem);

// Sets the padding around the images to `value`; `origin` is pixel (0, 0) of image 0.
void fill_padding(const PaddedImage& image, float* origin, float value = 0.0f);
// Copies images [n_begin, n_end) into a padded tensor and fills their padding.
void copy_padded(const PaddedImage& image, const float* input, Strides input_strides, float* origin,
                 int64_t n_begin, int64_t n_end, float value = 0.0f);

}  // namespace hone::cpu
