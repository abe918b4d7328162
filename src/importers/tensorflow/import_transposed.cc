// Transposed convolutions: Conv2DBackpropInput, Conv3DBackpropInputV2.
#include <fmt/core.h>

#include "importers/tensorflow/import_layout.h"
#include "ops/conv_transpose.h"

namespace hone::tf {
namespace {

// The spatial part of the first input, which gives the size of the result. All of its elements are
// known as expressions.
Result<Value*> result_sizes(NodeImporter& n, const DataLayout& layout) {
  HONE_ASSIGN_OR_RETURN(Value * sizes, n.input(0));
  const size_t given = sizes->values() ? sizes->values()->size() : 0;
  if (given != layout.rank && given != layout.rank - 2) {
    return NodeImporter::unsupported("the size of the result is not known");
  }
  std::vector<int64_t> places, numbers;
  for (size_t i = 0; i < given; ++i) {
    if (given == layout.rank && (i == 0 || i == layout.channel())) continue;
    const Dim& dim = (*sizes->values())[i];
    if (!dim.is_valid()) return NodeImporter::unsupported("the size of the result is not known");
    places.push_back(static_cast<int64_t>(i));
    if (dim.is_const()) numbers.push_back(dim.value());
  }
  if (numbers.size() == places.size()) return n.int_constant(std::move(numbers));
  return n.add("Gather", GatherAttributes{}, {sizes, n.int_constant(std::move(places))});
}

// The convolution whose gradient this is gives a tensor of data's size from one of the result's.
Status check_sizes(NodeImporter& n, const ConvTransposeAttributes& attributes, const Value* data,
                   const Value* filter, const Value* sizes) {
  const ConvAttributes forward = forward_attributes(attributes);
  std::vector<int64_t> kernel;
  for (size_t i = 1; i + 1 < filter->shape().size(); ++i) {
    if (!filter->shape()[i].is_const()) {
      return NodeImporter::unsupported("the size of the filter is not known");
    }
    kernel.push_back(filter->shape()[i].value());
  }
  HONE_ASSIGN_OR_RETURN(const auto windows, explicit_windows(forward, kernel));
  for (size_t i = 0; i < windows.size(); ++i) {
    const Dim& size = (*sizes->values())[i];
    const Dim& small = data->shape()[i + 1];
    const Dim expected = window_output(size, windows[i], forward.auto_pad, false);
    if (expected == small) continue;
    if (expected.is_const() && small.is_const()) {
      return Status(Code::kModel, fmt::format("a size of {} gives {}, not the {} of the data",
                                              size.text(), expected.text(), small.text()));
    }
    n.graph().symbols().must_be_equal.emplace_back(expected, small);
  }
  return ok();
}

// Filter [spatial..., O, C] -> [O, spatial..., C].
Result<Value*> filter_by_output(NodeImporter& n, Value* filter) {
  const auto spatial = static_cast<int64_t>(filter->shape().size()) - 2;
  std::vector<int64_t> perm = {spatial};
  for (int64_t i = 0; i < spatial; ++i) perm.push_back(i);
  perm.push_back(spatial + 1);
  return n.transpose(filter, std::move(perm));
}

Status import_transposed(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * filter, n.input(1));
  HONE_ASSIGN_OR_RETURN(Value * data, n.input(2));
  const size_t rank = data->shape().size();
  HONE_ASSIGN_OR_RETURN(const DataLayout layout, data_layout(n, rank));
  if (filter->shape().size() != rank) return Status(Code::kModel, "the filter has another rank");
  ConvTransposeAttributes attributes;
  HONE_ASSIGN_OR_RETURN(auto list, n.attr_ints("strides"));
  HONE_ASSIGN_OR_RETURN(attributes.strides, layout.spatial(list, "strides"));
  HONE_ASSIGN_OR_RETURN(list, n.attr_ints("dilations"));
  HONE_ASSIGN_OR_RETURN(attributes.dilations, layout.spatial(list, "dilations"));
  HONE_ASSIGN_OR_RETURN(Padding padding, read_padding(n, layout));
  attributes.auto_pad = std::move(padding.auto_pad);
  attributes.pads = std::move(padding.pads);
  HONE_ASSIGN_OR_RETURN(Value * sizes, result_sizes(n, layout));
  HONE_ASSIGN_OR_RETURN(data, to_last(n, layout, data));
  HONE_ASSIGN_OR_RETURN(filter, filter_by_output(n, filter));
  const Dim channels = filter->shape().back();
  if (channels.is_const() && channels.value() > 0 && data->shape().back().is_const() &&
      data->shape().back() != channels) {
    return NodeImporter::unsupported("a transposed convolution in groups");
  }
  HONE_RETURN_IF_ERROR(check_sizes(n, attributes, data, filter, sizes));
  HONE_ASSIGN_OR_RETURN(Value * result, n.add("ConvTranspose", attributes, {data, filter, sizes}));
  return output_from_last(n, layout, result);
}

constexpr const char* kLimits = "strides and dilations of 1 in batch and channels; no groups";

constexpr OpImporter kTable[] = {
    {"Conv2DBackpropInput", import_transposed, kLimits},
    {"Conv3DBackpropInputV2", import_transposed, kLimits},
};

}  // namespace

std::span<const OpImporter> transposed_importers() { return kTable; }

}  // namespace hone::tf
