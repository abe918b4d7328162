// Transposed convolutions: Conv2DBackpropInput, Conv3DBackpropInputV2.
#include <fmt/core.h>

#include "importers/tensorflow/import_layout.h"

namespace hone::tf {
namespace {

// One spatial dimension of the forward convolution whose gradient this is.
struct Axis {
  int64_t small = 0;  // the data of this operator: the forward result
  int64_t large = 0;  // the result of this operator: the forward data
  int64_t kernel = 1, stride = 1, dilation = 1;
  int64_t pad_begin = 0;
  int64_t extent() const { return (kernel - 1) * dilation + 1; }
};

constexpr int64_t kMaxSize = int64_t{1} << 24;  // keeps the arithmetic far from overflow

Status check(const Axis& axis) {
  for (int64_t size : {axis.small, axis.large, axis.kernel, axis.stride, axis.dilation}) {
    if (size < 1 || size > kMaxSize) return Status(Code::kModel, fmt::format("the size {}", size));
  }
  return ok();
}

// The sizes of the result that the first input gives, for the spatial dimensions.
Result<std::vector<int64_t>> result_sizes(NodeImporter& n, const DataLayout& layout) {
  HONE_ASSIGN_OR_RETURN(const Value* sizes, n.input(0));
  if (!sizes->values() || sizes->values()->size() != layout.rank) {
    return NodeImporter::unsupported("the size of the result is not known");
  }
  std::vector<int64_t> result;
  for (size_t i = 1; i < layout.rank; ++i) {
    if (i == layout.channel()) continue;
    const Dim& dim = (*sizes->values())[i];
    if (!dim.is_const()) return NodeImporter::unsupported("the size of the result is not known");
    result.push_back(dim.value());
  }
  return result;
}

Result<std::vector<Axis>> read_axes(NodeImporter& n, const DataLayout& layout, const Value* data,
                                    const Value* filter) {
  HONE_ASSIGN_OR_RETURN(const auto sizes, result_sizes(n, layout));
  HONE_ASSIGN_OR_RETURN(auto list, n.attr_ints("strides"));
  HONE_ASSIGN_OR_RETURN(const auto strides, layout.spatial(list, "strides"));
  HONE_ASSIGN_OR_RETURN(list, n.attr_ints("dilations"));
  HONE_ASSIGN_OR_RETURN(const auto dilations, layout.spatial(list, "dilations"));
  HONE_ASSIGN_OR_RETURN(const Padding padding, read_padding(n, layout));
  std::vector<Axis> axes(sizes.size());
  for (size_t i = 0; i < axes.size(); ++i) {
    Axis& axis = axes[i];
    const Dim small = data->shape()[i + 1], kernel = filter->shape()[i];
    if (!small.is_const() || !kernel.is_const()) {
      return NodeImporter::unsupported("a spatial size is not known");
    }
    axis = {small.value(), sizes[i], kernel.value()};
    if (!strides.empty()) axis.stride = strides[i];
    if (!dilations.empty()) axis.dilation = dilations[i];
    HONE_RETURN_IF_ERROR(check(axis));
    if (padding.auto_pad == "same_upper") {
      const int64_t total = (axis.small - 1) * axis.stride + axis.extent() - axis.large;
      axis.pad_begin = std::max<int64_t>(total, 0) / 2;
    } else if (padding.auto_pad == "explicit") {
      axis.pad_begin = padding.pads[i];
      if (axis.pad_begin < 0 || axis.pad_begin > kMaxSize) {
        return Status(Code::kModel, fmt::format("explicit_paddings has {}", axis.pad_begin));
      }
    }
  }
  return axes;
}

Result<Value*> pad(NodeImporter& n, Value* x, std::vector<int64_t> begins,
                   const std::vector<int64_t>& ends) {
  begins.insert(begins.end(), ends.begin(), ends.end());
  return n.add("Pad", PadAttributes{}, {x, n.int_constant(std::move(begins))});
}

// Puts stride - 1 zeros after each element: [N, H, W, C] -> [N, H * stride, W * stride, C].
Result<Value*> spread_out(NodeImporter& n, Value* data, const std::vector<Axis>& axes) {
  AxesAttributes inserted;
  std::vector<int64_t> ends = {0};
  std::string shape = "[d0";
  for (size_t i = 0; i < axes.size(); ++i) {
    inserted.axes.push_back(static_cast<int64_t>(2 * i + 2));
    ends.push_back(0);
    ends.push_back(axes[i].stride - 1);
    shape += fmt::format(",{}", axes[i].small * axes[i].stride);
  }
  ends.push_back(0);
  shape += fmt::format(",d{}]", 2 * axes.size() + 1);
  HONE_ASSIGN_OR_RETURN(data, n.add("Unsqueeze", inserted, {data}));
  HONE_ASSIGN_OR_RETURN(data, pad(n, data, std::vector<int64_t>(ends.size(), 0), ends));
  return n.add("Reshape", ReshapeAttributes{false, std::move(shape)}, {data});
}

// Filter [spatial..., result channels, data channels] mirrored in space -> [result, spatial, data].
Result<Value*> mirrored_filter(NodeImporter& n, Value* filter, size_t spatial) {
  std::vector<int64_t> axes, perm = {static_cast<int64_t>(spatial)};
  for (size_t i = 0; i < spatial; ++i) {
    axes.push_back(static_cast<int64_t>(i));
    perm.push_back(static_cast<int64_t>(i));
  }
  perm.push_back(static_cast<int64_t>(spatial) + 1);
  HONE_ASSIGN_OR_RETURN(filter, n.reverse(filter, axes));
  return n.transpose(filter, std::move(perm));
}

// A convolution of the spread-out data with the mirrored filter.
Status import_transposed(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * filter, n.input(1));
  HONE_ASSIGN_OR_RETURN(Value * data, n.input(2));
  const size_t rank = data->shape().size();
  HONE_ASSIGN_OR_RETURN(const DataLayout layout, data_layout(n, rank));
  if (filter->shape().size() != rank) return Status(Code::kModel, "the filter has another rank");
  HONE_ASSIGN_OR_RETURN(data, to_last(n, layout, data));
  HONE_ASSIGN_OR_RETURN(const auto axes, read_axes(n, layout, data, filter));
  std::vector<int64_t> begins = {0}, ends = {0};
  ConvAttributes attributes;
  bool spread = false;
  for (const Axis& axis : axes) {
    spread |= axis.stride > 1;
    const int64_t begin = axis.extent() - 1 - axis.pad_begin;
    begins.push_back(begin);
    ends.push_back(axis.large + axis.extent() - 1 - axis.small * axis.stride - begin);
    attributes.dilations.push_back(axis.dilation);
  }
  begins.push_back(0);
  ends.push_back(0);
  if (spread) {
    HONE_ASSIGN_OR_RETURN(data, spread_out(n, data, axes));
  }
  HONE_ASSIGN_OR_RETURN(data, pad(n, data, std::move(begins), ends));
  HONE_ASSIGN_OR_RETURN(filter, mirrored_filter(n, filter, axes.size()));
  HONE_ASSIGN_OR_RETURN(Value * result, n.add("Conv", attributes, {data, filter}));
  return output_from_last(n, layout, result);
}

constexpr const char* kLimits =
    "known spatial sizes; strides and dilations of 1 in batch and "
    "channels; computed as a convolution of spread-out data";

constexpr OpImporter kTable[] = {
    {"Conv2DBackpropInput", import_transposed, kLimits},
    {"Conv3DBackpropInputV2", import_transposed, kLimits},
};

}  // namespace

std::span<const OpImporter> transposed_importers() { return kTable; }

}  // namespace hone::tf
