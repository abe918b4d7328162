// Attributes of Resize, and where each element of its result comes from.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hone/status.h"

namespace hone {

// Resize(data, [sizes]): resampling along `axes`, one after the other; all axes if empty. `sizes`
// are the sizes of the result there; without it, the sizes of data times `scales`, rounded down.
//   coordinates: where element i of the result lies in data, with scale = `scales` or else
//     result / data:
//       "half_pixel"            (i + 0.5) / scale - 0.5
//       "half_pixel_symmetric"  the same, and the centers of data and result coincide
//       "pytorch_half_pixel"    the same as half_pixel; 0 for a result of size 1
//       "tf_half_pixel_for_nn"  (i + 0.5) / scale
//       "align_corners"         i * (data - 1) / (result - 1); 0 for a result of size 1
//       "asymmetric"            i / scale
//   rounding (nearest): "round_prefer_floor", "round_prefer_ceil", "floor", "ceil", or "simple",
//     which is ceil where scale < 1 and floor elsewhere.
//   tensorflow: places are i times the rounded data / result, as TensorFlow's kernels compute them,
//     and cubic weights those of the nearest 1/1024: the last bit may decide which element is read.
struct ResizeAttributes {
  std::string mode = "nearest";  // "nearest", "linear", "cubic"
  std::vector<int64_t> axes;
  std::vector<double> scales;
  std::string coordinates = "half_pixel";
  std::string rounding = "round_prefer_floor";
  double cubic_coefficient = -0.75;
  bool exclude_outside = false;  // cubic: elements outside have no weight, else those of the border
  bool tensorflow = false;
  bool operator==(const ResizeAttributes&) const = default;
  template <class V>
  void fields(V&& visit) {
    visit("mode", mode);
    visit("axes", axes);
    visit("scales", scales);
    visit("coordinates", coordinates);
    visit("rounding", rounding);
    visit("cubic_coefficient", cubic_coefficient);
    visit("exclude_outside", exclude_outside);
    visit("tensorflow", tensorflow);
  }
};

// The elements of data that one element of the result is made of, along one axis.
struct ResizeTaps {
  int64_t index[4];
  float weight[4];
};
// 1 (nearest), 2 (linear) or 4 (cubic).
int num_resize_taps(const ResizeAttributes& attributes);

// The taps of elements 0 .. out - 1 along axis number `k` of the attributes. Indices lie in
// [0, in). REQUIRES: inference took the attributes; in > 0.
std::vector<ResizeTaps> resize_taps(const ResizeAttributes& attributes, size_t k, int64_t in,
                                    int64_t out);

// `axes`, spelled out and counted from the front. Errors: kModel.
Result<std::vector<int>> resize_axes(const ResizeAttributes& attributes, size_t rank);

}  // namespace hone
