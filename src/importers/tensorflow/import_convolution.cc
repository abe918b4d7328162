// Convolutions and pooling.
#include <fmt/core.h>

#include "importers/tensorflow/import_layout.h"

namespace hone::tf {
namespace {

Result<ConvAttributes> conv_attributes(NodeImporter& n, const DataLayout& layout) {
  ConvAttributes attributes;
  HONE_ASSIGN_OR_RETURN(const auto strides, n.attr_ints("strides"));
  HONE_ASSIGN_OR_RETURN(attributes.strides, layout.spatial(strides, "strides"));
  HONE_ASSIGN_OR_RETURN(const auto dilations, n.attr_ints("dilations"));
  HONE_ASSIGN_OR_RETURN(attributes.dilations, layout.spatial(dilations, "dilations"));
  HONE_ASSIGN_OR_RETURN(Padding padding, read_padding(n, layout));
  attributes.auto_pad = std::move(padding.auto_pad);
  attributes.pads = std::move(padding.pads);
  return attributes;
}

// Filter [spatial..., I / groups, O] -> [O, spatial..., I / groups].
Status import_conv(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * data, n.input(0));
  HONE_ASSIGN_OR_RETURN(Value * filter, n.input(1));
  const size_t rank = filter->shape().size();
  HONE_ASSIGN_OR_RETURN(const DataLayout layout, data_layout(n, rank));
  if (data->shape().size() != rank)
    return Status(Code::kModel, "filter and data have different ranks");
  HONE_ASSIGN_OR_RETURN(ConvAttributes attributes, conv_attributes(n, layout));
  HONE_ASSIGN_OR_RETURN(data, to_last(n, layout, data));
  const Dim channels = data->shape().back(), per_group = filter->shape()[rank - 2];
  if (!channels.is_const() || !per_group.is_const()) {
    return NodeImporter::unsupported("the number of channels is not known");
  }
  if (per_group.value() < 1 || channels.value() % per_group.value() != 0) {
    return Status(Code::kModel, fmt::format("data with {} channels, a filter for {}",
                                            channels.value(), per_group.value()));
  }
  attributes.groups = channels.value() / per_group.value();
  std::vector<int64_t> perm = {static_cast<int64_t>(rank) - 1};
  for (size_t i = 0; i + 1 < rank; ++i) perm.push_back(static_cast<int64_t>(i));
  HONE_ASSIGN_OR_RETURN(filter, n.transpose(filter, std::move(perm)));
  HONE_ASSIGN_OR_RETURN(Value * result, n.add("Conv", attributes, {data, filter}));
  return output_from_last(n, layout, result);
}

// Filter [H, W, C, M] -> [C * M, H, W, 1] in C groups.
Status import_depthwise_conv(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * data, n.input(0));
  HONE_ASSIGN_OR_RETURN(Value * filter, n.input(1));
  HONE_ASSIGN_OR_RETURN(const DataLayout layout, data_layout(n, 4));
  HONE_ASSIGN_OR_RETURN(ConvAttributes attributes, conv_attributes(n, layout));
  const auto shape = to_static(filter->shape());
  if (!shape) return NodeImporter::unsupported("the filter's shape is not known");
  if (shape->size() != 4 || data->shape().size() != 4) {
    return Status(Code::kModel, "data or filter does not have rank 4");
  }
  attributes.groups = (*shape)[2];
  int64_t outputs = 0;
  if (__builtin_mul_overflow((*shape)[2], (*shape)[3], &outputs)) {
    return Status(Code::kModel, "the filter is too large");
  }
  HONE_ASSIGN_OR_RETURN(filter, n.transpose(filter, {2, 3, 0, 1}));
  Value* wanted = n.int_constant({outputs, (*shape)[0], (*shape)[1], 1});
  HONE_ASSIGN_OR_RETURN(filter, n.add("Reshape", ReshapeAttributes{true, ""}, {filter, wanted}));
  HONE_ASSIGN_OR_RETURN(data, to_last(n, layout, data));
  HONE_ASSIGN_OR_RETURN(Value * result, n.add("Conv", attributes, {data, filter}));
  return output_from_last(n, layout, result);
}

Status import_pool(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * data, n.input(0));
  HONE_ASSIGN_OR_RETURN(const DataLayout layout, data_layout(n, data->shape().size()));
  PoolAttributes attributes;
  HONE_ASSIGN_OR_RETURN(const auto kernel, n.attr_ints("ksize"));
  HONE_ASSIGN_OR_RETURN(attributes.kernel, layout.spatial(kernel, "ksize"));
  HONE_ASSIGN_OR_RETURN(const auto strides, n.attr_ints("strides"));
  HONE_ASSIGN_OR_RETURN(attributes.strides, layout.spatial(strides, "strides"));
  HONE_ASSIGN_OR_RETURN(Padding padding, read_padding(n, layout));
  attributes.auto_pad = std::move(padding.auto_pad);
  attributes.pads = std::move(padding.pads);
  HONE_ASSIGN_OR_RETURN(data, to_last(n, layout, data));
  HONE_ASSIGN_OR_RETURN(Value * result, n.add(n.target(), attributes, {data}));
  return output_from_last(n, layout, result);
}

constexpr const char* kOnes = "strides and dilations of 1 in batch and channels";

constexpr OpImporter kTable[] = {
    {"AvgPool", import_pool, "batch and channel windows of 1", "AveragePool"},
    {"AvgPool3D", import_pool, "batch and channel windows of 1", "AveragePool"},
    {"Conv2D", import_conv, kOnes},
    {"Conv3D", import_conv, kOnes},
    {"DepthwiseConv2dNative", import_depthwise_conv, kOnes},
    {"MaxPool", import_pool, "batch and channel windows of 1", "MaxPool"},
    {"MaxPool3D", import_pool, "batch and channel windows of 1", "MaxPool"},
};

}  // namespace

std::span<const OpImporter> convolution_importers() { return kTable; }

}  // namespace hone::tf
