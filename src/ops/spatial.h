// Attributes of the operators with a sliding window, and the window's arithmetic.
// Data is [N, spatial..., C] with 1 to 3 spatial dimensions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/dim.h"
#include "hone/status.h"

namespace hone {

// Conv(data [N, spatial..., C], weights [O, spatial..., C / groups], [bias [O]]). Lists have one
// entry per spatial dimension, `pads` two: begins, then ends. Empty lists mean ones (pads: zeros).
struct ConvAttributes {
  std::vector<int64_t> strides;
  std::vector<int64_t> dilations;
  std::vector<int64_t> pads;
  int64_t groups = 1;
  std::string auto_pad = "explicit";  // "explicit", "same_upper", "same_lower", "valid"
  bool operator==(const ConvAttributes&) const = default;
  template <class V>
  void fields(V&& visit) {
    visit("strides", strides);
    visit("dilations", dilations);
    visit("pads", pads);
    visit("groups", groups);
    visit("auto_pad", auto_pad);
  }
};

// MaxPool(data), AveragePool(data). Padding never wins a maximum; it counts in an average only with
// count_include_pad (explicit pads only: what ceil_mode adds at the end never counts).
struct PoolAttributes {
  std::vector<int64_t> kernel;
  std::vector<int64_t> strides;
  std::vector<int64_t> dilations;
  std::vector<int64_t> pads;
  std::string auto_pad = "explicit";
  bool ceil_mode = false;
  bool count_include_pad = false;  // AveragePool only
  bool operator==(const PoolAttributes&) const = default;
  template <class V>
  void fields(V&& visit) {
    visit("kernel", kernel);
    visit("strides", strides);
    visit("dilations", dilations);
    visit("pads", pads);
    visit("auto_pad", auto_pad);
    visit("ceil_mode", ceil_mode);
    visit("count_include_pad", count_include_pad);
  }
};

// One spatial dimension of a sliding window. Element `o` of the output reads the input positions
// o * stride - pad_begin + k * dilation for k in [0, kernel).
struct Window {
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t dilation = 1;
  int64_t pad_begin = 0;  // explicit pads, or resolved for a concrete input size
  int64_t pad_end = 0;
  int64_t extent() const { return (kernel - 1) * dilation + 1; }
};

// Checks the attributes and makes one Window per spatial dimension, "same" and "valid" resolved for
// `input_sizes` (concrete). Errors: kModel.
Result<std::vector<Window>> resolve_windows(const ConvAttributes& attributes,
                                            const std::vector<int64_t>& kernel,
                                            const std::vector<int64_t>& input_sizes);
Result<std::vector<Window>> resolve_windows(const PoolAttributes& attributes,
                                            const std::vector<int64_t>& input_sizes);

// The same without an input size: the pads of "same" are 0.
Result<std::vector<Window>> explicit_windows(const ConvAttributes& attributes,
                                             const std::vector<int64_t>& kernel);
Result<std::vector<Window>> explicit_windows(const PoolAttributes& attributes);

// Output size of one spatial dimension, symbolic sizes allowed; negative where the window does not
// fit, which is an error when shapes are bound. `window`: of explicit_windows.
Dim window_output(const Dim& input, const Window& window, const std::string& auto_pad,
                  bool ceil_mode);

}  // namespace hone
