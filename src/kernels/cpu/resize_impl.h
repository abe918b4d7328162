// For each pixel, for blocks of 2 vectors of channels: all places, one accumulator per vector. The
// places of neighbouring pixels overlap, so that loads hit the L1 cache; 2x bilinear of 64 channels
// or more is limited by the stores.
#pragma once

#include <cstdint>

#include "kernels/cpu/resize.h"
#include "kernels/cpu/simd.h"

namespace hone::cpu {
namespace {

// The places of one pixel.
struct ResizePlaces {
  int count;
  const float* place[kMaxResizeLines * kMaxResizeColumns];
  float weight[kMaxResizeLines * kMaxResizeColumns];
};

template <class V, int kVectors, bool kPartial>
HONE_SIMD_INLINE void resize_block(const ResizePlaces& p, int64_t channel, int n, float* out) {
  V sum[kVectors];
  for (V& v : sum) v = V::zero();
  for (int t = 0; t < p.count; ++t) {
    const V weight = V::broadcast(p.weight[t]);
    const float* x = p.place[t] + channel;
    for (int v = 0; v < kVectors; ++v) {
      sum[v] = fma(kPartial ? V::load_n(x, n) : V::load(x + v * V::kLanes), weight, sum[v]);
    }
  }
  for (int v = 0; v < kVectors; ++v) {
    if (kPartial) {
      sum[v].store_n(out + channel, n);
    } else {
      sum[v].store(out + channel + v * V::kLanes);
    }
  }
}

template <class V>
void resize_impl(const ResizeLine& line) {
  constexpr int kLanes = V::kLanes;
  ResizePlaces p;
  p.count = line.lines * line.columns;
  for (int64_t x = 0; x < line.pixels; ++x) {
    const int64_t* column = line.column + x * line.columns;
    const float* weight = line.column_weight + x * line.columns;
    int t = 0;
    for (int r = 0; r < line.lines; ++r) {
      for (int k = 0; k < line.columns; ++k, ++t) {
        p.place[t] = line.line[r] + column[k];
        p.weight[t] = line.line_weight[r] * weight[k];
      }
    }
    float* out = line.out + x * line.out_step;
    int64_t c = 0;
    for (; c + 2 * kLanes <= line.channels; c += 2 * kLanes) {
      resize_block<V, 2, false>(p, c, 0, out);
    }
    for (; c + kLanes <= line.channels; c += kLanes) resize_block<V, 1, false>(p, c, 0, out);
    if (c < line.channels) {
      resize_block<V, 1, true>(p, c, static_cast<int>(line.channels - c), out);
    }
  }
}

}  // namespace
}  // namespace hone::cpu
