// Helpers for the tests of convolution kernels: guarded memory, strided tensors, a reference in
// double precision with an error bound, random problems.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "kernels/cpu/conv.h"
#include "kernels/cpu/kernel_test_util.h"

namespace hone::cpu {

// Floats that end at a page that faults (kEnd) or begin behind one (kStart).
class Guarded : public GuardedBuffer<float> {
 public:
  enum Side { kEnd, kStart };
  Guarded(int64_t floats, Side side) : GuardedBuffer<float>(floats, side == kEnd) {}
  template <class Rng>
  void randomize(Rng& rng) {
    std::uniform_real_distribution<float> uniform(-1.0f, 1.0f);
    for (int64_t i = 0; i < size(); i++) data()[i] = uniform(rng);
  }
};

inline bool same_bits(const float* a, const float* b, int64_t floats) {
  return floats == 0 || std::memcmp(a, b, floats * sizeof(float)) == 0;
}

// The memory of an NHWC tensor with given strides, without a byte more than its pixels need.
struct Image {
  int64_t n, h, w, c;
  int64_t top, left, bottom, right;  // padding
  Strides strides;

  int64_t origin() const { return top * strides.h + left * strides.w; }
  int64_t floats() const {
    if (n * (h + top + bottom) * (w + left + right) == 0) return 0;
    return (n - 1) * strides.n + (h + top + bottom - 1) * strides.h +
           (w + left + right - 1) * strides.w + c;
  }
};

// Strides with the given gaps (floats) behind each pixel, row and image.
inline Image make_image(int64_t n, int64_t h, int64_t w, int64_t c, std::array<int64_t, 4> pad,
                        std::array<int64_t, 3> gaps) {
  Image image{n, h, w, c, pad[0], pad[1], pad[2], pad[3], {}};
  image.strides.w = c + gaps[0];
  image.strides.h = (w + pad[1] + pad[3]) * image.strides.w + gaps[1];
  image.strides.n = (h + pad[0] + pad[2]) * image.strides.h + gaps[2];
  return image;
}

inline std::string describe(const ConvProblem& p) {
  return fmt::format(
      "n{} in {}x{}x{} out {}x{}x{} kernel {}x{} stride {}x{} dilation {}x{} groups {} pad "
      "{},{},{},{} in strides {},{},{} out strides {},{},{} addend {}",
      p.batch, p.in_h, p.in_w, p.in_c, p.out_h, p.out_w, p.out_c, p.kernel_h, p.kernel_w,
      p.stride_h, p.stride_w, p.dilation_h, p.dilation_w, p.groups, p.pad_top, p.pad_left,
      p.pad_bottom, p.pad_right, p.input.n, p.input.h, p.input.w, p.output.n, p.output.h,
      p.output.w, p.has_addend);
}

inline std::string describe(const ConvConfig& c) {
  return fmt::format("tile {}x{} order {} k_block {} m_block {} prefetch {}", c.rows, c.vectors,
                     static_cast<int>(c.order), c.k_block, c.m_block, c.prefetch);
}

// The exact result of one output (before the clamp), and the sum of the sizes of its terms.
struct Exact {
  double value, size;
};

inline Exact exact_conv(const ConvProblem& p, const float* input, const float* weights,
                        const float* bias, const float* addend, int64_t n, int64_t y, int64_t x,
                        int64_t o) {
  const int64_t in_c = p.in_c / p.groups, group = o / (p.out_c / p.groups);
  Exact e{0, 0};
  const auto add = [&](double term) { e.value += term, e.size += std::fabs(term); };
  for (int64_t r = 0; r < p.kernel_h; r++) {
    for (int64_t s = 0; s < p.kernel_w; s++) {
      const int64_t iy = y * p.stride_h + r * p.dilation_h - p.pad_top;
      const int64_t ix = x * p.stride_w + s * p.dilation_w - p.pad_left;
      if (iy < 0 || iy >= p.in_h || ix < 0 || ix >= p.in_w) continue;
      const float* a = input + n * p.input.n + iy * p.input.h + ix * p.input.w + group * in_c;
      const float* b = weights + ((o * p.kernel_h + r) * p.kernel_w + s) * in_c;
      for (int64_t i = 0; i < in_c; i++) add(static_cast<double>(a[i]) * b[i]);
    }
  }
  if (bias != nullptr) add(bias[o]);
  if (addend != nullptr) add(addend[n * p.addend.n + y * p.addend.h + x * p.addend.w + o]);
  return e;
}

// |computed - exact| of a sum of `terms` products, in any order: terms x 2^-24 x sum of sizes,
// first order; one per cent for the higher orders and the reference.
inline double sum_bound(const ConvProblem& p, const Exact& e) {
  const double terms = p.kernel_h * p.kernel_w * (p.in_c / p.groups) + 2;
  return terms * std::ldexp(1.01, -24) * e.size;
}

}  // namespace hone::cpu
