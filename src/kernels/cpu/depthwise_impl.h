// Depthwise convolution:
//
//   for groups of up to 8 output rows        (so that the input lines of a channel block stay in
//   L1)
//     for blocks of one vector of channels
//       for rows, for steps of 4 to 7 output pixels (less for what is left)
//         for kernel rows inside the tensor, for kernel columns: load the weights once, FMA the
//         pixels (operands in memory) into their accumulators
//
// 7 chains of FMAs hide their latency: with 4 a 5x5 kernel takes 15 % longer. 8 loads per 7 FMAs:
// the two load ports allow 87 % of the FMA peak.
// Pixels whose window leaves the image left or right are done alone with a clipped range of taps.
#pragma once

#include <cstdint>

#include "kernels/cpu/depthwise.h"
#include "kernels/cpu/simd.h"

namespace hone::cpu {
namespace {

enum class DepthwiseLoad {
  kFull,     // a whole vector of channels
  kPartial,  // the last channels
  kExpand,   // multiplier > 1: every input channel feeds several lanes
};

// What all rows and blocks of one call share, so that no division is left in their loops: with them
// a row of 7 pixels took 5 times as long as its FMAs.
struct DepthwiseShape {
  const DepthwiseProblem& p;
  const DepthwisePointers& at;
  int64_t pixel_step, tap_step, line_step, weight_step;  // floats
  int64_t ring_step;                                     // of a whole ring of rows
  int64_t first, last;  // outputs [first, last) of a row see the whole kernel width
};

// One row of the output.
struct DepthwiseRow {
  const float* in;      // channel 0, first kernel row inside the tensor, kernel column 0 of pixel 0
  const float* addend;  // or null
  float* out;
  int64_t first_weight;  // of the first kernel row inside the tensor
  int64_t lines;         // kernel rows inside the tensor
  int64_t wrap;          // after so many of them the ring begins again; 0: it does not
};

// One vector of channels.
template <class V>
struct DepthwiseBlock {
  const float* weights;
  V bias, lo, hi;
  int64_t channel;  // the first one
  int channels;     // up to kLanes
  int64_t lane_channel[V::kLanes];
};

template <class V, DepthwiseLoad kLoad>
HONE_SIMD_INLINE V depthwise_load(const DepthwiseBlock<V>& block, const float* pixel) {
  if constexpr (kLoad == DepthwiseLoad::kFull) return V::load(pixel);
  if constexpr (kLoad == DepthwiseLoad::kPartial) return V::load_n(pixel, block.channels);
  float lanes[V::kLanes] = {};
  for (int i = 0; i < block.channels; ++i) lanes[i] = pixel[block.lane_channel[i]];
  return V::load(lanes);
}

// Writes the outputs x .. x + kPixels - 1.
template <class V, DepthwiseLoad kLoad, int kPixels>
HONE_SIMD_INLINE void depthwise_finish(const DepthwiseShape& shape, const DepthwiseBlock<V>& block,
                                       const DepthwiseRow& row, int64_t x, const V* sum) {
  constexpr bool kWhole = kLoad == DepthwiseLoad::kFull;
  // In registers: GCC would read the limits again after every store.
  const V lo = block.lo, hi = block.hi;
  const int64_t out_step = shape.p.out_strides[2], addend_step = shape.p.addend_strides[2];
  const int channels = block.channels;
  float* out = row.out + x * out_step + block.channel;
  const float* addend = row.addend;
  if (addend != nullptr) addend += x * addend_step + block.channel;
#pragma GCC unroll 7
  for (int i = 0; i < kPixels; ++i) {
    V y = sum[i];
    if (addend != nullptr) {
      y = y + (kWhole ? V::load(addend) : V::load_n(addend, channels));
      addend += addend_step;
    }
    y = min(hi, max(lo, y));  // keeps NaN
    if (kWhole) {
      y.store(out);
    } else {
      y.store_n(out, channels);
    }
    out += out_step;
  }
}

// Pointers to the pixels of a step: 0 to 2, 3 to 5 and 6 after each of three bases, so that the
// addresses of 7 pixels take 4 registers.
struct DepthwisePixels {
  const float *a, *b, *c;

  HONE_SIMD_INLINE DepthwisePixels(const float* p, int64_t step)
      : a(p), b(p + 3 * step), c(p + 6 * step) {}
  HONE_SIMD_INLINE const float* at(int i, int64_t step) const {
    return i < 3 ? a + i * step : i < 6 ? b + (i - 3) * step : c;
  }
  // The barriers keep GCC from computing all addresses of an unrolled loop in advance: for 7x7
  // that is 49 of them, on the stack.
  HONE_SIMD_INLINE void advance(int64_t step) {
    a += step;
    b += step;
    c += step;
    asm("" : "+r"(a), "+r"(b), "+r"(c));
  }
};

// One kernel column of a step.
template <class V, DepthwiseLoad kLoad, int kPixels>
HONE_SIMD_INLINE void depthwise_tap(const DepthwiseBlock<V>& block, const DepthwisePixels& pixels,
                                    int64_t step, const float* weights, V* sum) {
  const V w = V::load(weights);
#pragma GCC unroll 7
  for (int i = 0; i < kPixels; ++i) {
    sum[i] = fma(depthwise_load<V, kLoad>(block, pixels.at(i, step)), w, sum[i]);
  }
}

// Outputs x .. x + kPixels - 1 with kernel columns [first_w, last_w), all inside the tensor.
// kWidth: last_w - first_w if known (3, 5, 7), else 0.
template <class V, DepthwiseLoad kLoad, int kWidth, int kPixels>
HONE_SIMD_INLINE void depthwise_step(const DepthwiseShape& shape, const DepthwiseBlock<V>& block,
                                     const DepthwiseRow& row, int64_t x, int64_t first_w,
                                     int64_t last_w) {
  const int64_t pixel_step = shape.pixel_step, tap_step = shape.tap_step;
  const float* line = row.in + x * pixel_step + first_w * tap_step;
  if constexpr (kLoad != DepthwiseLoad::kExpand) line += block.channel;
  const float* weights = block.weights + row.first_weight + first_w * V::kLanes;
  V sum[kPixels];
#pragma GCC unroll 7
  for (int i = 0; i < kPixels; ++i) sum[i] = block.bias;
  for (int64_t h = row.lines, wrap = row.wrap; h > 0; --h) {
    DepthwisePixels pixels(line, pixel_step);
    if constexpr (kWidth > 0) {
#pragma GCC unroll 7
      for (int k = 0; k < kWidth; ++k) {
        depthwise_tap<V, kLoad, kPixels>(block, pixels, pixel_step, weights + k * V::kLanes, sum);
        pixels.advance(tap_step);
      }
    } else {
      const float* w = weights;
      for (int64_t k = first_w; k < last_w; ++k, w += V::kLanes) {
        depthwise_tap<V, kLoad, kPixels>(block, pixels, pixel_step, w, sum);
        pixels.advance(tap_step);
      }
    }
    line += shape.line_step;
    if (--wrap == 0) line -= shape.ring_step;
    weights += shape.weight_step;
  }
  depthwise_finish<V, kLoad, kPixels>(shape, block, row, x, sum);
}

// Kernel positions [first, last) of output `out` inside an axis of `in` elements.
struct DepthwiseSpan {
  int64_t first, last;
};

inline DepthwiseSpan depthwise_span(int64_t out, int64_t stride, int64_t pad, int64_t dilation,
                                    int64_t kernel, int64_t in) {
  const int64_t start = out * stride - pad;
  DepthwiseSpan span{0, kernel};
  if (start < 0) span.first = (-start + dilation - 1) / dilation;
  const int64_t room = in - start;
  const int64_t count = room > 0 ? (room + dilation - 1) / dilation : 0;
  if (count < kernel) span.last = count;
  if (span.first > span.last) span.first = span.last;
  return span;
}

template <class V>
DepthwiseShape depthwise_shape(const DepthwiseProblem& p, const DepthwisePointers& at) {
  DepthwiseShape shape{p, at};
  shape.pixel_step = p.stride_w * p.in_strides[2];
  shape.tap_step = p.dilation_w * p.in_strides[2];
  shape.line_step = p.dilation_h * p.in_strides[1];
  shape.weight_step = p.kernel_w * V::kLanes;
  shape.ring_step = p.ring_rows * p.in_strides[1];
  shape.first = (p.pad_left + p.stride_w - 1) / p.stride_w;
  const int64_t room = p.in_w - 1 - (p.kernel_w - 1) * p.dilation_w + p.pad_left;
  shape.last = room < 0 ? 0 : room / p.stride_w + 1;
  if (shape.last > p.out_w) shape.last = p.out_w;
  if (shape.first > shape.last) shape.first = shape.last;
  return shape;
}

// `in`: kernel row 0 and column 0 of its pixel 0; may lie outside the tensor.
template <class V>
DepthwiseRow depthwise_make_row(const DepthwiseShape& shape, int64_t item, const float* in) {
  const DepthwiseProblem& p = shape.p;
  const int64_t n = item / p.out_h, y = item % p.out_h;
  const DepthwiseSpan h =
      depthwise_span(y, p.stride_h, p.pad_top, p.dilation_h, p.kernel_h, p.in_h);
  DepthwiseRow row;
  row.in = in + h.first * shape.line_step;
  row.first_weight = h.first * shape.weight_step;
  row.lines = h.last - h.first;
  row.wrap = 0;
  if (p.ring_rows > 0) {
    const int64_t first = y * p.stride_h - p.pad_top + h.first;  // dilation_h is 1
    const int64_t place = first % p.ring_rows;  // lines of none are nowhere: first may be < 0
    row.in += (place - first) * p.in_strides[1];
    row.wrap = p.ring_rows - place;
  }
  row.out = shape.at.output + n * p.out_strides[0] + y * p.out_strides[1];
  row.addend = shape.at.addend;
  if (row.addend != nullptr) row.addend += n * p.addend_strides[0] + y * p.addend_strides[1];
  return row;
}

// Pixels that are done one by one, with a clipped range of taps.
template <class V, DepthwiseLoad kLoad>
void depthwise_border(const DepthwiseShape& shape, const DepthwiseBlock<V>& block,
                      const DepthwiseRow& row, int64_t begin, int64_t end) {
  const DepthwiseProblem& p = shape.p;
  for (int64_t x = begin; x < end; ++x) {
    const DepthwiseSpan w =
        depthwise_span(x, p.stride_w, p.pad_left, p.dilation_w, p.kernel_w, p.in_w);
    depthwise_step<V, kLoad, 0, 1>(shape, block, row, x, w.first, w.last);
  }
}

// Pixels of the next of the steps that do `left` pixels: 7, 6, 5, 4 or 1, as few steps as possible.
inline int64_t depthwise_step_pixels(int64_t left) {
  if (left >= 14 || left == 7) return 7;
  return left > 7 ? (left + 1) / 2 : left >= 4 ? left : 1;
}

template <class V, DepthwiseLoad kLoad, int kWidth>
void depthwise_row(const DepthwiseShape& shape, const DepthwiseBlock<V>& block,
                   const DepthwiseRow& row) {
  const int64_t width = shape.p.kernel_w, last = shape.last;
  if (shape.first > 0) depthwise_border<V, kLoad>(shape, block, row, 0, shape.first);
  for (int64_t x = shape.first, pixels; x < last; x += pixels) {
    pixels = depthwise_step_pixels(last - x);
    switch (pixels) {
      case 7:
        depthwise_step<V, kLoad, kWidth, 7>(shape, block, row, x, 0, width);
        break;
      case 6:
        depthwise_step<V, kLoad, kWidth, 6>(shape, block, row, x, 0, width);
        break;
      case 5:
        depthwise_step<V, kLoad, kWidth, 5>(shape, block, row, x, 0, width);
        break;
      case 4:
        depthwise_step<V, kLoad, kWidth, 4>(shape, block, row, x, 0, width);
        break;
      default:
        depthwise_step<V, kLoad, kWidth, 1>(shape, block, row, x, 0, width);
    }
  }
  if (last < shape.p.out_w) depthwise_border<V, kLoad>(shape, block, row, last, shape.p.out_w);
}

// Rows [0, count) of the block at `channel`.
template <class V>
void depthwise_rows(const DepthwiseShape& shape, const DepthwiseRow* rows, int64_t count,
                    int64_t channel) {
  const DepthwiseProblem& p = shape.p;
  const int64_t left = p.channels * p.multiplier - channel;
  DepthwiseBlock<V> block;
  block.channel = channel;
  block.channels = static_cast<int>(left < V::kLanes ? left : V::kLanes);
  block.weights = shape.at.packed + channel * p.kernel_h * p.kernel_w;
  const float* bias = shape.at.bias;
  block.bias = bias == nullptr ? V::zero() : V::load_n(bias + channel, block.channels);
  block.lo = V::broadcast(shape.at.lo);
  block.hi = V::broadcast(shape.at.hi);
  const auto each = [&](auto row_function) {
    for (int64_t i = 0; i < count; ++i) row_function(shape, block, rows[i]);
  };
  if (p.multiplier > 1) {
    for (int i = 0; i < block.channels; ++i) {
      block.lane_channel[i] = (channel + i) / p.multiplier;
    }
    return each(depthwise_row<V, DepthwiseLoad::kExpand, 0>);
  }
  if (block.channels < V::kLanes) return each(depthwise_row<V, DepthwiseLoad::kPartial, 0>);
  switch (p.kernel_w) {
    case 3:
      return each(depthwise_row<V, DepthwiseLoad::kFull, 3>);
    case 5:
      return each(depthwise_row<V, DepthwiseLoad::kFull, 5>);
    case 7:
      return each(depthwise_row<V, DepthwiseLoad::kFull, 7>);
    default:
      return each(depthwise_row<V, DepthwiseLoad::kFull, 0>);
  }
}

// Small maps (7x7, 14x14): where half of the pixels are at the border, doing those alone leaves the
// FMA units waiting for one chain. The input of a channel block is copied into a patch with zeros
// on both sides instead, so that whole rows are done in steps of 7, all from the L1 cache: 2 to 3
// times as fast.
inline constexpr int64_t kDepthwisePatch = 256;  // vectors
inline constexpr int64_t kDepthwiseRows = 8;     // of the output, done together

// Input columns and rows that `rows` rows of the output read.
inline int64_t depthwise_patch_width(const DepthwiseProblem& p) {
  return (p.out_w - 1) * p.stride_w + (p.kernel_w - 1) * p.dilation_w + 1;
}
inline int64_t depthwise_patch_height(const DepthwiseProblem& p, int64_t rows) {
  return (rows - 1) * p.stride_h + (p.kernel_h - 1) * p.dilation_h + 1;
}
inline bool depthwise_is_small(const DepthwiseProblem& p) {
  const int64_t rows = p.out_h < kDepthwiseRows ? p.out_h : kDepthwiseRows;
  return p.multiplier == 1 && p.out_w > 0 && p.out_w <= 16 &&
         depthwise_patch_width(p) * depthwise_patch_height(p, rows) <= kDepthwisePatch;
}

// Copies what rows [begin, end) of one image read of one whole vector of channels.
template <class V>
void depthwise_fill_patch(const DepthwiseProblem& p, const DepthwisePointers& at, int64_t begin,
                          int64_t end, int64_t channel, float* patch) {
  const int64_t width = depthwise_patch_width(p), height = depthwise_patch_height(p, end - begin);
  const int64_t top = begin % p.out_h * p.stride_h - p.pad_top;
  const float* image = at.input + begin / p.out_h * p.in_strides[0] + channel;
  int64_t inside = p.in_w + p.pad_left;  // end of the columns inside the tensor
  if (inside > width) inside = width;
  for (int64_t r = 0; r < height; ++r) {
    const int64_t y = top + r;
    if (y < 0 || y >= p.in_h) continue;  // not read
    float* out = patch + r * width * V::kLanes;
    const int64_t place = p.ring_rows > 0 ? y % p.ring_rows : y;
    const float* in = image + place * p.in_strides[1];
    int64_t c = 0;
    for (; c < p.pad_left && c < width; ++c) V::zero().store(out + c * V::kLanes);
    for (; c < inside; ++c, in += p.in_strides[2]) V::load(in).store(out + c * V::kLanes);
    for (; c < width; ++c) V::zero().store(out + c * V::kLanes);
  }
}

// Rows [begin, end) of one image, at most kDepthwiseRows, channels [first_channel, last_channel).
// `patch`: null unless the map is small.
template <class V>
void depthwise_group(const DepthwiseShape& shape, const DepthwiseShape& patch_shape, int64_t begin,
                     int64_t end, int64_t first_channel, int64_t last_channel, float* patch) {
  const DepthwiseProblem& p = shape.p;
  DepthwiseRow rows[kDepthwiseRows], patch_rows[kDepthwiseRows];
  for (int64_t item = begin; item < end; ++item) {
    const int64_t start = item % p.out_h * p.stride_h - p.pad_top;
    const float* in = shape.at.input + item / p.out_h * p.in_strides[0] + start * p.in_strides[1] -
                      p.pad_left * p.in_strides[2];
    rows[item - begin] = depthwise_make_row<V>(shape, item, in);
    if (patch == nullptr) continue;
    in = patch + (item - begin) * p.stride_h * patch_shape.p.in_strides[1];
    patch_rows[item - begin] = depthwise_make_row<V>(patch_shape, item, in);
  }
  for (int64_t c = first_channel; c < last_channel; c += V::kLanes) {
    if (patch != nullptr && c + V::kLanes <= last_channel) {
      depthwise_fill_patch<V>(p, shape.at, begin, end, c, patch);
      for (int64_t i = 0; i < end - begin; ++i) patch_rows[i].in -= c;
      depthwise_rows<V>(patch_shape, patch_rows, end - begin, c);
      for (int64_t i = 0; i < end - begin; ++i) patch_rows[i].in += c;
    } else {
      depthwise_rows<V>(shape, rows, end - begin, c);
    }
  }
}

// The end of a group of rows: at most `rows`, of one image.
inline int64_t depthwise_group_end(const DepthwiseProblem& p, int64_t begin, int64_t last,
                                   int64_t rows) {
  int64_t end = begin / p.out_h * p.out_h + p.out_h;
  if (end > begin + rows) end = begin + rows;
  return end < last ? end : last;
}

template <class V>
void depthwise_impl(const DepthwiseProblem& p, const DepthwisePointers& at, int64_t first,
                    int64_t last) {
  const int64_t channels = p.channels * p.multiplier;
  alignas(64) float patch[kDepthwisePatch * V::kLanes];
  const bool small = depthwise_is_small(p);
  DepthwiseProblem in_patch = p;  // as if the patch were the tensor
  if (small) {
    in_patch.in_w = depthwise_patch_width(p);
    in_patch.pad_left = 0;
    in_patch.ring_rows = 0;
    in_patch.in_strides[1] = in_patch.in_w * V::kLanes;
    in_patch.in_strides[2] = V::kLanes;
  }
  const DepthwiseShape shape = depthwise_shape<V>(p, at);
  const DepthwiseShape patch_shape = depthwise_shape<V>(in_patch, at);
  // A tail wants outputs that are still in the L1 cache: a row, or some channels of a small map.
  const bool tail = at.tail != nullptr;
  const int64_t rows = tail && !small ? 1 : kDepthwiseRows;
  const int64_t step = tail && small ? 8 * V::kLanes : channels;
  for (int64_t begin = first, end = 0; begin < last; begin = end) {
    end = depthwise_group_end(p, begin, last, rows);
    for (int64_t c = 0; c < channels; c += step) {
      const int64_t until = c + step < channels ? c + step : channels;
      depthwise_group<V>(shape, patch_shape, begin, end, c, until, small ? patch : nullptr);
      if (tail) at.tail(at.tail_user, begin * p.out_w, (end - begin) * p.out_w, c, until - c);
    }
  }
}

}  // namespace
}  // namespace hone::cpu
