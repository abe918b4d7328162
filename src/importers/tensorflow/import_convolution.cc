// Convolution, pooling, bias, batch normalization.
#include <fmt/core.h>

#include "importers/tensorflow/node_importer.h"

namespace hone::tf {
namespace {

// "NHWC" or "NCHW" (also NDHWC ...): Hone works channels-last, so NC... data is transposed on both sides.
struct DataLayout {
  bool channels_first = false;
  size_t rank = 4;

  std::vector<int64_t> to_last() const {
    std::vector<int64_t> perm = {0};
    for (size_t i = 2; i < rank; ++i) perm.push_back(static_cast<int64_t>(i));
    perm.push_back(1);
    return perm;
  }
  std::vector<int64_t> to_first() const {
    std::vector<int64_t> perm = {0, static_cast<int64_t>(rank) - 1};
    for (size_t i = 1; i + 1 < rank; ++i) perm.push_back(static_cast<int64_t>(i));
    return perm;
  }
  // The spatial part of a list with one entry per dimension of the data.
  Result<std::vector<int64_t>> spatial(const std::vector<int64_t>& list, const char* what) const {
    if (list.empty()) return std::vector<int64_t>();
    if (list.size() != rank) return Status(Code::kModel, fmt::format("{} has {} entries", what, list.size()));
    const size_t channel = channels_first ? 1 : rank - 1;
    if (list[0] != 1 || list[channel] != 1) {
      return NodeImporter::unsupported(fmt::format("{} of the batch or channel dimension is not 1", what));
    }
    std::vector<int64_t> spatial;
    for (size_t i = 1; i < rank; ++i) {
      if (i != channel) spatial.push_back(list[i]);
    }
    return spatial;
  }
};

Result<DataLayout> data_layout(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(const Value* data, n.input(0));
  HONE_ASSIGN_OR_RETURN(const std::string format, n.attr_string("data_format", "NHWC"));
  DataLayout layout;
  layout.rank = data->shape().size();
  layout.channels_first = format.starts_with("NC");
  if (format.size() != layout.rank) {
    return Status(Code::kModel, fmt::format("data_format {} for an input of rank {}", format, layout.rank));
  }
  return layout;
}

// Hone's auto_pad and pads for TensorFlow's padding and explicit_paddings.
Status read_padding(NodeImporter& n, const DataLayout& layout, std::string* auto_pad, std::vector<int64_t>* pads) {
  HONE_ASSIGN_OR_RETURN(const std::string padding, n.attr_string("padding", ""));
  if (padding == "SAME" || padding == "VALID") {
    *auto_pad = padding == "SAME" ? "same_upper" : "valid";
    return ok();
  }
  if (padding != "EXPLICIT") return Status(Code::kModel, fmt::format("padding '{}'", padding));
  HONE_ASSIGN_OR_RETURN(const std::vector<int64_t> list, n.attr_ints("explicit_paddings"));
  if (list.size() != 2 * layout.rank) return Status(Code::kModel, "explicit_paddings has the wrong length");
  const size_t channel = layout.channels_first ? 1 : layout.rank - 1;
  std::vector<int64_t> end;
  for (size_t i = 1; i < layout.rank; ++i) {
    if (i == channel) continue;
    pads->push_back(list[2 * i]);
    end.push_back(list[2 * i + 1]);
  }
  pads->insert(pads->end(), end.begin(), end.end());
  return ok();
}

Result<Value*> to_last(NodeImporter& n, const DataLayout& layout, Value* data) {
  if (!layout.channels_first) return data;
  return n.transpose(data, layout.to_last());
}
Status output_from_last(NodeImporter& n, const DataLayout& layout, Value* value) {
  if (layout.channels_first) {
    HONE_ASSIGN_OR_RETURN(value, n.transpose(value, layout.to_first()));
  }
  n.output(value);
  return ok();
}

Result<ConvAttributes> conv_attributes(NodeImporter& n, const DataLayout& layout) {
  ConvAttributes attributes;
  HONE_ASSIGN_OR_RETURN(const auto strides, n.attr_ints("strides"));
  HONE_ASSIGN_OR_RETURN(attributes.strides, layout.spatial(strides, "strides"));
  HONE_ASSIGN_OR_RETURN(const auto dilations, n.attr_ints("dilations"));
  HONE_ASSIGN_OR_RETURN(attributes.dilations, layout.spatial(dilations, "dilations"));
  HONE_RETURN_IF_ERROR(read_padding(n, layout, &attributes.auto_pad, &attributes.pads));
  return attributes;
}

// Filter [spatial..., I / groups, O] -> [O, spatial..., I / groups].
Status import_conv(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(const DataLayout layout, data_layout(n));
  HONE_ASSIGN_OR_RETURN(Value * data, n.input(0));
  HONE_ASSIGN_OR_RETURN(Value * filter, n.input(1));
  HONE_ASSIGN_OR_RETURN(ConvAttributes attributes, conv_attributes(n, layout));
  const size_t rank = filter->shape().size();
  if (rank != layout.rank) return Status(Code::kModel, "filter and data have different ranks");
  HONE_ASSIGN_OR_RETURN(data, to_last(n, layout, data));
  const Dim channels = data->shape().back(), per_group = filter->shape()[rank - 2];
  if (!channels.is_const() || !per_group.is_const() || per_group.value() < 1) {
    return NodeImporter::unsupported("the number of channels is not known");
  }
  if (channels.value() % per_group.value() != 0) return Status(Code::kModel, "channels do not divide into groups");
  attributes.groups = channels.value() / per_group.value();
  std::vector<int64_t> perm = {static_cast<int64_t>(rank) - 1};
  for (size_t i = 0; i + 1 < rank; ++i) perm.push_back(static_cast<int64_t>(i));
  HONE_ASSIGN_OR_RETURN(filter, n.transpose(filter, std::move(perm)));
  HONE_ASSIGN_OR_RETURN(Value * result, n.add("Conv", attributes, {data, filter}));
  return output_from_last(n, layout, result);
}

// Filter [H, W, C, M] -> [C * M, H, W, 1] in C groups.
Status import_depthwise_conv(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(const DataLayout layout, data_layout(n));
  HONE_ASSIGN_OR_RETURN(Value * data, n.input(0));
  HONE_ASSIGN_OR_RETURN(Value * filter, n.input(1));
  HONE_ASSIGN_OR_RETURN(ConvAttributes attributes, conv_attributes(n, layout));
  const auto shape = to_static(filter->shape());
  if (!shape || shape->size() != 4) return NodeImporter::unsupported("the filter's shape is not known");
  attributes.groups = (*shape)[2];
  HONE_ASSIGN_OR_RETURN(filter, n.transpose(filter, {2, 3, 0, 1}));
  Value* wanted = n.int_constant({(*shape)[2] * (*shape)[3], (*shape)[0], (*shape)[1], 1});
  HONE_ASSIGN_OR_RETURN(filter, n.add("Reshape", ReshapeAttributes{}, {filter, wanted}));
  HONE_ASSIGN_OR_RETURN(data, to_last(n, layout, data));
  HONE_ASSIGN_OR_RETURN(Value * result, n.add("Conv", attributes, {data, filter}));
  return output_from_last(n, layout, result);
}

Status import_pool(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(const DataLayout layout, data_layout(n));
  HONE_ASSIGN_OR_RETURN(Value * data, n.input(0));
  PoolAttributes attributes;
  HONE_ASSIGN_OR_RETURN(const auto kernel, n.attr_ints("ksize"));
  HONE_ASSIGN_OR_RETURN(attributes.kernel, layout.spatial(kernel, "ksize"));
  HONE_ASSIGN_OR_RETURN(const auto strides, n.attr_ints("strides"));
  HONE_ASSIGN_OR_RETURN(attributes.strides, layout.spatial(strides, "strides"));
  HONE_RETURN_IF_ERROR(read_padding(n, layout, &attributes.auto_pad, &attributes.pads));
  HONE_ASSIGN_OR_RETURN(data, to_last(n, layout, data));
  HONE_ASSIGN_OR_RETURN(Value * result, n.add(n.target(), attributes, {data}));
  return output_from_last(n, layout, result);
}

// A vector per channel, shaped so that it broadcasts over data of this layout.
Result<Value*> per_channel(NodeImporter& n, const DataLayout& layout, Value* vector) {
  if (!layout.channels_first) return vector;
  std::vector<int64_t> axes;
  for (size_t i = 2; i < layout.rank; ++i) axes.push_back(static_cast<int64_t>(i) - 1);
  return n.add("Unsqueeze", AxesAttributes{std::move(axes)}, {vector});
}

Status import_bias_add(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * data, n.input(0));
  HONE_ASSIGN_OR_RETURN(Value * bias, n.input(1));
  HONE_ASSIGN_OR_RETURN(const std::string format, n.attr_string("data_format", "NHWC"));
  DataLayout layout{format.starts_with("NC"), data->shape().size()};
  HONE_ASSIGN_OR_RETURN(bias, per_channel(n, layout, bias));
  HONE_ASSIGN_OR_RETURN(Value * sum, n.add("Add", {}, {data, bias}));
  n.output(sum);
  return ok();
}

// y = (x - mean) * scale * rsqrt(variance + epsilon) + offset
Status import_batch_norm(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(const bool training, n.attr_bool("is_training", true));
  if (training) return NodeImporter::unsupported("is_training = true: statistics of the batch");
  HONE_ASSIGN_OR_RETURN(const DataLayout layout, data_layout(n));
  HONE_ASSIGN_OR_RETURN(const double epsilon, n.attr_float("epsilon", 0.0001));
  Value* in[5];
  for (size_t i = 0; i < 5; ++i) {
    HONE_ASSIGN_OR_RETURN(in[i], n.input(i));
  }
  HONE_ASSIGN_OR_RETURN(Value * variance, n.add("Add", {}, {in[4], n.scalar(epsilon, in[4]->dtype())}));
  HONE_ASSIGN_OR_RETURN(Value * rsqrt, n.add("Rsqrt", {}, {variance}));
  HONE_ASSIGN_OR_RETURN(Value * scale, n.add("Mul", {}, {in[1], rsqrt}));
  HONE_ASSIGN_OR_RETURN(Value * shift, n.add("Mul", {}, {in[3], scale}));
  HONE_ASSIGN_OR_RETURN(shift, n.add("Sub", {}, {in[2], shift}));
  HONE_ASSIGN_OR_RETURN(scale, per_channel(n, layout, scale));
  HONE_ASSIGN_OR_RETURN(shift, per_channel(n, layout, shift));
  HONE_ASSIGN_OR_RETURN(Value * product, n.add("Mul", {}, {in[0], scale}));
  HONE_ASSIGN_OR_RETURN(Value * sum, n.add("Add", {}, {product, shift}));
  n.output(sum);
  return ok();
}

constexpr OpImporter kTable[] = {
    {"AvgPool", import_pool, "batch and channel windows of 1", "AveragePool"},
    {"AvgPool3D", import_pool, "batch and channel windows of 1", "AveragePool"},
    {"BiasAdd", import_bias_add, ""},
    {"Conv2D", import_conv, "strides and dilations of 1 in batch and channels"},
    {"Conv3D", import_conv, "strides and dilations of 1 in batch and channels"},
    {"DepthwiseConv2dNative", import_depthwise_conv, "strides and dilations of 1 in batch and channels"},
    {"FusedBatchNorm", import_batch_norm, "is_training = false; output 0"},
    {"FusedBatchNormV2", import_batch_norm, "is_training = false; output 0"},
    {"FusedBatchNormV3", import_batch_norm, "is_training = false; output 0"},
    {"MaxPool", import_pool, "batch and channel windows of 1", "MaxPool"},
    {"MaxPool3D", import_pool, "batch and channel windows of 1", "MaxPool"},
};

}  // namespace

std::span<const OpImporter> convolution_importers() { return kTable; }

}  // namespace hone::tf
