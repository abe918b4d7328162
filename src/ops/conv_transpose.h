// Attributes of ConvTranspose and the arithmetic of its windows.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ops/spatial.h"

namespace hone {

// ConvTranspose(data [N, spatial..., C], weights [O, spatial..., C / groups], [size]): data element
// i times weight k is added to element i * stride - pad_begin + k * dilation of the result, along
// each spatial dimension. O counts the channels of all groups. The size of the result is the input
// `size` (its spatial dimensions) or else, with "same", data's size times the stride, and (data -
// 1) * stride + extent of the kernel - pads + output_padding otherwise. With "same" the pads are
// what makes that size, 0 where the kernel is too small for it.
struct ConvTransposeAttributes {
  std::vector<int64_t> strides;
  std::vector<int64_t> dilations;
  std::vector<int64_t> pads;
  std::vector<int64_t> output_padding;  // one entry per spatial dimension; empty = zeros
  int64_t groups = 1;
  std::string auto_pad = "explicit";  // as for Conv
  bool operator==(const ConvTransposeAttributes&) const = default;
  template <class V>
  void fields(V&& visit) {
    visit("strides", strides);
    visit("dilations", dilations);
    visit("pads", pads);
    visit("output_padding", output_padding);
    visit("groups", groups);
    visit("auto_pad", auto_pad);
  }
};

// The convolution whose gradient it is.
ConvAttributes forward_attributes(const ConvTransposeAttributes& attributes);

// The windows of ConvTranspose (a Window read from the result's side: its `pad_begin` is that of
// the formula above). `output_sizes` empty: pads of "same" are 0.
Result<std::vector<Window>> transposed_windows(const ConvTransposeAttributes& attributes,
                                               const std::vector<int64_t>& kernel,
                                               const std::vector<int64_t>& input_sizes,
                                               const std::vector<int64_t>& output_sizes);
// Result sizes of ConvTranspose without the input `size`. `windows`: of transposed_windows.
Dim transposed_output(const Dim& input, const Window& window, int64_t output_padding,
                      const std::string& auto_pad);

}  // namespace hone
