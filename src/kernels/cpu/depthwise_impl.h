// Depthwise convolution:
//
//   for groups of up to 8 output rows        (so that the input lines of a channel block stay in
//   L1)
//     for blocks of one vector of channels
//       for rows, for steps of 7, 4 or 1 output pixels
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

// One row of outputs of one block of channels.
template <class V>
struct DepthwiseRow {
  const DepthwiseProblem& p;
  const DepthwisePointers& at;
  int64_t first_h, last_h;  // kernel rows inside the tensor
  const float* in;          // kernel row 0, input column 0; may lie outside the tensor
  const float* weights;     // of the block
  const float* addend;      // or null
  float* out;
  int64_t channel;  // first output channel of the block
  int channels;     // of the block, up to kLanes
  int64_t lane_channel[V::kLanes];
};

template <class V, DepthwiseLoad kLoad>
HONE_SIMD_INLINE V depthwise_load(const DepthwiseRow<V>& row, const float* pixel) {
  if constexpr (kLoad == DepthwiseLoad::kFull) return V::load(pixel + row.channel);
  if constexpr (kLoad == DepthwiseLoad::kPartial) {
    return V::load_n(pixel + row.channel, row.channels);
  }
  float lanes[V::kLanes] = {};
  for (int i = 0; i < row.channels; ++i) lanes[i] = pixel[row.lane_channel[i]];
  return V::load(lanes);
}

// Writes the outputs x .. x + kPixels - 1.
template <class V, DepthwiseLoad kLoad, int kPixels>
HONE_SIMD_INLINE void depthwise_finish(const DepthwiseRow<V>& row, int64_t x, const V* sum) {
  constexpr bool kWhole = kLoad == DepthwiseLoad::kFull;
  // In registers: GCC would read the limits again after every store.
  const V lo = V::broadcast(row.at.lo), hi = V::broadcast(row.at.hi);
  const int64_t out_step = row.p.out_strides[2], addend_step = row.p.addend_strides[2];
  const int channels = row.channels;
  float* out = row.out + x * out_step + row.channel;
  const float* addend = row.addend;
  if (addend != nullptr) addend += x * addend_step + row.channel;
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

template <class V, DepthwiseLoad kLoad>
HONE_SIMD_INLINE V depthwise_bias(const DepthwiseRow<V>& row) {
  if (row.at.bias == nullptr) return V::zero();
  const float* bias = row.at.bias + row.channel;
  return kLoad == DepthwiseLoad::kFull ? V::load(bias) : V::load_n(bias, row.channels);
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
HONE_SIMD_INLINE void depthwise_tap(const DepthwiseRow<V>& row, const DepthwisePixels& pixels,
                                    int64_t step, const float* weights, V* sum) {
  const V w = V::load(weights);
#pragma GCC unroll 7
  for (int i = 0; i < kPixels; ++i) {
    sum[i] = fma(depthwise_load<V, kLoad>(row, pixels.at(i, step)), w, sum[i]);
  }
}

// Outputs x .. x + kPixels - 1 with kernel columns [first_w, last_w), all inside the tensor.
// kWidth: last_w - first_w if known (3, 5, 7), else 0.
template <class V, DepthwiseLoad kLoad, int kWidth, int kPixels>
HONE_SIMD_INLINE void depthwise_step(const DepthwiseRow<V>& row, int64_t x, int64_t first_w,
                                     int64_t last_w) {
  const DepthwiseProblem& p = row.p;
  const int64_t pixel_step = p.stride_w * p.in_strides[2];
  const int64_t tap_step = p.dilation_w * p.in_strides[2];
  const int64_t line_step = p.dilation_h * p.in_strides[1];
  const int64_t weight_step = p.kernel_w * V::kLanes;
  const int64_t start = x * p.stride_w - p.pad_left + first_w * p.dilation_w;
  const float* line = row.in + start * p.in_strides[2] + row.first_h * line_step;
  const float* weights = row.weights + row.first_h * weight_step + first_w * V::kLanes;
  V sum[kPixels];
  const V bias = depthwise_bias<V, kLoad>(row);
#pragma GCC unroll 7
  for (int i = 0; i < kPixels; ++i) sum[i] = bias;
  for (int64_t h = row.first_h; h < row.last_h; ++h) {
    DepthwisePixels pixels(line, pixel_step);
    if constexpr (kWidth > 0) {
#pragma GCC unroll 7
      for (int k = 0; k < kWidth; ++k) {
        depthwise_tap<V, kLoad, kPixels>(row, pixels, pixel_step, weights + k * V::kLanes, sum);
        pixels.advance(tap_step);
      }
    } else {
      const float* w = weights;
      for (int64_t k = first_w; k < last_w; ++k, w += V::kLanes) {
        depthwise_tap<V, kLoad, kPixels>(row, pixels, pixel_step, w, sum);
        pixels.advance(tap_step);
      }
    }
    line += line_step;
    weights += weight_step;
  }
  depthwise_finish<V, kLoad, kPixels>(row, x, sum);
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

template <class V, DepthwiseLoad kLoad, int kWidth>
void depthwise_row(const DepthwiseRow<V>& row) {
  const DepthwiseProblem& p = row.p;
  // Outputs [first, last) see the whole kernel width.
  int64_t first = (p.pad_left + p.stride_w - 1) / p.stride_w;
  const int64_t room = p.in_w - 1 - (p.kernel_w - 1) * p.dilation_w + p.pad_left;
  int64_t last = room < 0 ? 0 : room / p.stride_w + 1;
  if (last > p.out_w) last = p.out_w;
  if (first > last) first = last;
  const auto border = [&](int64_t begin, int64_t end) {
    for (int64_t x = begin; x < end; ++x) {
      const DepthwiseSpan w =
          depthwise_span(x, p.stride_w, p.pad_left, p.dilation_w, p.kernel_w, p.in_w);
      depthwise_step<V, kLoad, 0, 1>(row, x, w.first, w.last);
    }
  };
  border(0, first);
  int64_t x = first;
  for (; x + 7 <= last; x += 7) depthwise_step<V, kLoad, kWidth, 7>(row, x, 0, p.kernel_w);
  for (; x + 4 <= last; x += 4) depthwise_step<V, kLoad, kWidth, 4>(row, x, 0, p.kernel_w);
  for (; x < last; ++x) depthwise_step<V, kLoad, kWidth, 1>(row, x, 0, p.kernel_w);
  border(last, p.out_w);
}

template <class V>
void depthwise_any_row(DepthwiseRow<V>& row) {
  if (row.p.multiplier > 1) {
    for (int i = 0; i < row.channels; ++i) {
      row.lane_channel[i] = (row.channel + i) / row.p.multiplier;
    }
    return depthwise_row<V, DepthwiseLoad::kExpand, 0>(row);
  }
  if (row.channels < V::kLanes) return depthwise_row<V, DepthwiseLoad::kPartial, 0>(row);
  switch (row.p.kernel_w) {
    case 3:
      return depthwise_row<V, DepthwiseLoad::kFull, 3>(row);
    case 5:
      return depthwise_row<V, DepthwiseLoad::kFull, 5>(row);
    case 7:
      return depthwise_row<V, DepthwiseLoad::kFull, 7>(row);
    default:
      return depthwise_row<V, DepthwiseLoad::kFull, 0>(row);
  }
}

// One row of one block. `in`: kernel row 0, column 0 - pad_left being `p`'s.
template <class V>
void depthwise_channels(const DepthwiseProblem& p, const DepthwisePointers& at, int64_t item,
                        int64_t channel, const float* in) {
  const int64_t channels = p.channels * p.multiplier, n = item / p.out_h, y = item % p.out_h;
  const DepthwiseSpan h =
      depthwise_span(y, p.stride_h, p.pad_top, p.dilation_h, p.kernel_h, p.in_h);
  const int64_t left = channels - channel;
  DepthwiseRow<V> row{p, at, h.first, h.last};
  row.in = in;
  row.weights = at.packed + channel * p.kernel_h * p.kernel_w;
  row.addend = at.addend == nullptr ? nullptr
                                    : at.addend + n * p.addend_strides[0] + y * p.addend_strides[1];
  row.out = at.output + n * p.out_strides[0] + y * p.out_strides[1];
  row.channel = channel;
  row.channels = static_cast<int>(left < V::kLanes ? left : V::kLanes);
  depthwise_any_row<V>(row);
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

template <class V>
struct DepthwisePatch {
  DepthwiseProblem problem;  // as if the patch were the tensor
  float data[kDepthwisePatch * V::kLanes];
};

// Rows [begin, end) of one image, one whole vector of channels.
template <class V>
void depthwise_small(const DepthwiseProblem& p, const DepthwisePointers& at, int64_t begin,
                     int64_t end, int64_t channel, DepthwisePatch<V>* patch) {
  const int64_t width = depthwise_patch_width(p), height = depthwise_patch_height(p, end - begin);
  const int64_t top = begin % p.out_h * p.stride_h - p.pad_top;
  const float* image = at.input + begin / p.out_h * p.in_strides[0] + channel;
  for (int64_t r = 0; r < height; ++r) {
    const int64_t y = top + r;
    if (y < 0 || y >= p.in_h) continue;  // not read
    float* out = patch->data + r * width * V::kLanes;
    const float* in = image + y * p.in_strides[1];
    for (int64_t c = 0; c < width; ++c, out += V::kLanes) {
      const int64_t x = c - p.pad_left;
      const V v = x >= 0 && x < p.in_w ? V::load(in + x * p.in_strides[2]) : V::zero();
      v.store(out);
    }
  }
  for (int64_t item = begin; item < end; ++item) {
    const float* in = patch->data + (item - begin) * p.stride_h * width * V::kLanes;
    depthwise_channels<V>(patch->problem, at, item, channel, in - channel);
  }
}

// Rows [begin, end) of one image, channels [first_channel, last_channel).
template <class V>
void depthwise_block(const DepthwiseProblem& p, const DepthwisePointers& at, int64_t begin,
                     int64_t end, int64_t first_channel, int64_t last_channel,
                     DepthwisePatch<V>* patch) {
  for (int64_t c = first_channel; c < last_channel; c += V::kLanes) {
    if (patch != nullptr && c + V::kLanes <= last_channel) {
      depthwise_small<V>(p, at, begin, end, c, patch);
      continue;
    }
    for (int64_t item = begin; item < end; ++item) {
      const int64_t start = item % p.out_h * p.stride_h - p.pad_top;
      const float* in = at.input + item / p.out_h * p.in_strides[0] + start * p.in_strides[1];
      depthwise_channels<V>(p, at, item, c, in);
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
  DepthwisePatch<V> patch;
  const bool small = depthwise_is_small(p);
  if (small) {
    patch.problem = p;
    patch.problem.in_w = depthwise_patch_width(p);
    patch.problem.pad_left = 0;
    patch.problem.in_strides[1] = patch.problem.in_w * V::kLanes;
    patch.problem.in_strides[2] = V::kLanes;
  }
  // A tail wants outputs that are still in the L1 cache: a row, or some channels of a small map.
  const bool tail = at.tail != nullptr;
  const int64_t rows = tail && !small ? 1 : kDepthwiseRows;
  const int64_t step = tail && small ? 8 * V::kLanes : channels;
  for (int64_t begin = first, end = 0; begin < last; begin = end) {
    end = depthwise_group_end(p, begin, last, rows);
    for (int64_t c = 0; c < channels; c += step) {
      const int64_t until = c + step < channels ? c + step : channels;
      depthwise_block<V>(p, at, begin, end, c, until, small ? &patch : nullptr);
      if (tail) at.tail(at.tail_user, begin * p.out_w, (end - begin) * p.out_w, c, until - c);
    }
  }
}

}  // namespace
}  // namespace hone::cpu
