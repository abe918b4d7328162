#include "ops/spatial.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"

namespace hone {
namespace {

// Keeps (kernel - 1) * dilation and the like far from overflow.
constexpr int64_t kMaxWindowNumber = int64_t{1} << 30;

Status check_list(const std::vector<int64_t>& list, size_t size, int64_t low, const char* what) {
  if (list.empty()) return ok();
  if (list.size() != size) {
    return Status(Code::kModel,
                  fmt::format("{} has {} entries instead of {}", what, list.size(), size));
  }
  for (int64_t value : list) {
    if (value < low || value > kMaxWindowNumber) {
      return Status(Code::kModel, fmt::format("{} has the entry {}", what, value));
    }
  }
  return ok();
}

Result<std::vector<Window>> explicit_windows(const std::vector<int64_t>& kernel,
                                             const std::vector<int64_t>& strides,
                                             const std::vector<int64_t>& dilations,
                                             const std::vector<int64_t>& pads,
                                             const std::string& auto_pad) {
  const size_t rank = kernel.size();
  if (rank < 1 || rank > 3) {
    return Status(Code::kUnsupported, fmt::format("{} spatial dimensions", rank))
        .because("there must be 1 to 3");
  }
  HONE_RETURN_IF_ERROR(check_list(kernel, rank, 1, "kernel"));
  HONE_RETURN_IF_ERROR(check_list(strides, rank, 1, "strides"));
  HONE_RETURN_IF_ERROR(check_list(dilations, rank, 1, "dilations"));
  HONE_RETURN_IF_ERROR(check_list(pads, 2 * rank, 0, "pads"));
  if (auto_pad != "explicit" && auto_pad != "same_upper" && auto_pad != "same_lower" &&
      auto_pad != "valid") {
    return Status(Code::kModel, fmt::format("there is no auto_pad \"{}\"", auto_pad));
  }
  std::vector<Window> windows(rank);
  for (size_t i = 0; i < rank; ++i) {
    windows[i].kernel = kernel[i];
    if (!strides.empty()) windows[i].stride = strides[i];
    if (!dilations.empty()) windows[i].dilation = dilations[i];
    if (!pads.empty() && auto_pad == "explicit") {
      windows[i].pad_begin = pads[i];
      windows[i].pad_end = pads[i + rank];
    }
  }
  return windows;
}

}  // namespace

Result<std::vector<Window>> explicit_windows(const ConvAttributes& attributes,
                                             const std::vector<int64_t>& kernel) {
  return explicit_windows(kernel, attributes.strides, attributes.dilations, attributes.pads,
                          attributes.auto_pad);
}

Result<std::vector<Window>> explicit_windows(const PoolAttributes& attributes) {
  return explicit_windows(attributes.kernel, attributes.strides, attributes.dilations,
                          attributes.pads, attributes.auto_pad);
}

namespace {

Result<std::vector<Window>> resolve(std::vector<Window> windows, const std::string& auto_pad,
                                    const std::vector<int64_t>& input_sizes) {
  HONE_CHECK(input_sizes.size() == windows.size());
  if (auto_pad != "same_upper" && auto_pad != "same_lower") return windows;
  for (size_t i = 0; i < windows.size(); ++i) {
    Window& window = windows[i];
    const int64_t output = input_sizes[i] / window.stride + (input_sizes[i] % window.stride != 0);
    const int64_t total =
        std::max<int64_t>((output - 1) * window.stride + window.extent() - input_sizes[i], 0);
    window.pad_begin = auto_pad == "same_upper" ? total / 2 : total - total / 2;
    window.pad_end = total - window.pad_begin;
  }
  return windows;
}

}  // namespace

Result<std::vector<Window>> resolve_windows(const ConvAttributes& attributes,
                                            const std::vector<int64_t>& kernel,
                                            const std::vector<int64_t>& input_sizes) {
  HONE_ASSIGN_OR_RETURN(auto windows, explicit_windows(attributes, kernel));
  return resolve(std::move(windows), attributes.auto_pad, input_sizes);
}

Result<std::vector<Window>> resolve_windows(const PoolAttributes& attributes,
                                            const std::vector<int64_t>& input_sizes) {
  HONE_ASSIGN_OR_RETURN(auto windows, explicit_windows(attributes));
  return resolve(std::move(windows), attributes.auto_pad, input_sizes);
}

Dim window_output(const Dim& input, const Window& window, const std::string& auto_pad,
                  bool ceil_mode) {
  const Dim stride(window.stride);
  if (auto_pad == "same_upper" || auto_pad == "same_lower") return ceil_div(input, stride);
  const Dim padded = input + Dim(window.pad_begin + window.pad_end);
  const Dim room = padded - Dim(window.extent());
  if (!ceil_mode) return floor_div(room, stride) + Dim(1);
  // A window that would begin behind the data, in the padding, is left out.
  return min(ceil_div(room, stride) + Dim(1), ceil_div(input + Dim(window.pad_begin), stride));
}

}  // namespace hone
