// All in float, in the order of operations of ONNX Runtime and TensorFlow: which element is the
// nearest may depend on the last bit.
#include <algorithm>
#include <cmath>

#include "ops/resize.h"

namespace hone {
namespace {

struct Axis {
  int64_t in = 0, out = 0;
  float scale = 1;  // result / data; with `tensorflow` data / result
};

Axis make_axis(const ResizeAttributes& a, size_t k, int64_t in, int64_t out) {
  Axis axis{in, out};
  const auto n = static_cast<float>(in), m = static_cast<float>(out);
  if (a.tensorflow) {
    const bool aligned = a.coordinates == "align_corners" && out > 1;
    axis.scale = aligned ? static_cast<float>(in - 1) / static_cast<float>(out - 1) : n / m;
  } else {
    axis.scale = k < a.scales.size() ? static_cast<float>(a.scales[k]) : m / n;
  }
  return axis;
}

float tensorflow_place(const ResizeAttributes& a, const Axis& axis, float i) {
  if (a.coordinates == "half_pixel") return (i + 0.5f) * axis.scale - 0.5f;
  if (a.coordinates == "tf_half_pixel_for_nn") return (i + 0.5f) * axis.scale;
  return i * axis.scale;
}

float place(const ResizeAttributes& a, const Axis& axis, int64_t index) {
  const auto i = static_cast<float>(index), scale = axis.scale;
  const auto in = static_cast<float>(axis.in), out = static_cast<float>(axis.out);
  if (a.tensorflow) return tensorflow_place(a, axis, i);
  if (a.coordinates == "asymmetric") return i / scale;
  if (a.coordinates == "align_corners") return axis.out == 1 ? 0 : i * (in - 1) / (out - 1);
  if (a.coordinates == "tf_half_pixel_for_nn") return (i + 0.5f) / scale;
  if (a.coordinates == "pytorch_half_pixel" && axis.out == 1) return 0;
  if (a.coordinates == "half_pixel_symmetric") {
    const float adjustment = out / (scale * in);
    return in / 2 * (1 - adjustment) + (i + 0.5f) / scale - 0.5f;
  }
  return (i + 0.5f) / scale - 0.5f;
}

float nearest(const ResizeAttributes& a, const Axis& axis, float x) {
  if (a.rounding == "floor") return std::floor(x);
  if (a.rounding == "ceil") return std::ceil(x);
  if (a.rounding == "simple") return axis.scale < 1 ? std::ceil(x) : std::floor(x);
  if (a.rounding == "round_prefer_floor" && x - std::floor(x) == 0.5f) return std::floor(x);
  return std::round(x);
}

// Keys' convolution kernel at `distance`, below and above 1.
float near_weight(float a, float x) { return ((a + 2) * x - (a + 3)) * x * x + 1; }
float far_weight(float a, float x) { return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a; }

void set_cubic(const ResizeAttributes& attributes, const Axis& axis, float x, ResizeTaps* taps) {
  const auto a = static_cast<float>(attributes.cubic_coefficient);
  const float low = std::floor(x);
  float part = x - low;
  if (attributes.tensorflow) part = std::nearbyint(part * 1024) / 1024;
  const float weights[] = {far_weight(a, part + 1), near_weight(a, part), near_weight(a, 1 - part),
                           far_weight(a, 2 - part)};
  float sum = 0;
  for (int t = 0; t < 4; ++t) {
    const int64_t index = static_cast<int64_t>(low) - 1 + t;
    const bool outside = index < 0 || index >= axis.in;
    taps->index[t] = std::clamp<int64_t>(index, 0, axis.in - 1);
    taps->weight[t] = attributes.exclude_outside && outside ? 0 : weights[t];
    sum += taps->weight[t];
  }
  if (!attributes.exclude_outside || std::abs(sum) < 1e-30f) return;
  for (float& weight : taps->weight) weight /= sum;
}

void set_linear(const Axis& axis, float x, ResizeTaps* taps) {
  x = std::clamp(x, 0.0f, static_cast<float>(axis.in - 1));
  const float low = std::floor(x);
  taps->index[0] = static_cast<int64_t>(low);
  taps->index[1] = std::min(taps->index[0] + 1, axis.in - 1);
  taps->weight[1] = x - low;
  taps->weight[0] = 1 - taps->weight[1];
}

}  // namespace

int num_resize_taps(const ResizeAttributes& attributes) {
  return attributes.mode == "nearest" ? 1 : attributes.mode == "linear" ? 2 : 4;
}

std::vector<ResizeTaps> resize_taps(const ResizeAttributes& attributes, size_t k, int64_t in,
                                    int64_t out) {
  const Axis axis = make_axis(attributes, k, in, out);
  std::vector<ResizeTaps> result(static_cast<size_t>(out));
  for (int64_t i = 0; i < out; ++i) {
    ResizeTaps& taps = result[static_cast<size_t>(i)];
    const float x = place(attributes, axis, i);
    if (attributes.mode == "nearest") {
      const auto last = static_cast<float>(in - 1);
      taps.index[0] = static_cast<int64_t>(std::clamp(nearest(attributes, axis, x), 0.0f, last));
      taps.index[0] = std::min(taps.index[0], in - 1);  // `last` is rounded above 2^24
      taps.weight[0] = 1;
    } else if (attributes.mode == "linear") {
      set_linear(axis, x, &taps);
      taps.index[0] = std::min(taps.index[0], in - 1);
    } else {
      set_cubic(attributes, axis, x, &taps);
    }
  }
  return result;
}

}  // namespace hone
