// Convolution. ONNX has channels second, Hone last: a Transpose goes on each side; passes cancel
// those of neighbouring layers and fold those of constant weights.
#include <fmt/format.h>

#include "base/text.h"
#include "importers/onnx/importer_table.h"
#include "importers/onnx/window.h"
#include "ops/conv_transpose.h"

namespace hone::onnx {

std::string read_auto_pad(Call& call) {
  const std::string auto_pad = call.text("auto_pad", "NOTSET");
  if (auto_pad == "NOTSET" || auto_pad.empty()) return "explicit";
  if (auto_pad == "SAME_UPPER") return "same_upper";
  if (auto_pad == "SAME_LOWER") return "same_lower";
  if (auto_pad == "VALID") return "valid";
  call.bad_model(fmt::format("attribute 'auto_pad' is '{}'", printable(auto_pad)));
}

namespace {

Values conv(Call& call) {
  Value* x = call.input(0);
  Value* w = call.input(1);
  Value* b = call.optional(2);
  ConvAttributes attributes;
  read_window(call, &attributes);
  attributes.groups = call.integer("group", 1);
  const std::vector<int64_t> kernel = call.integers("kernel_shape");

  const Shape& weights = w->shape();
  if (weights.size() != x->shape().size()) call.bad_model("data and weights differ in rank");
  if (!kernel.empty() &&
      (weights.size() < 2 || Shape(weights.begin() + 2, weights.end()) != to_shape(kernel))) {
    call.bad_model("attribute 'kernel_shape' contradicts the shape of the weights");
  }
  Value* y = call.emit("Conv", {call.channels_last(x), call.channels_last(w), b}, attributes);
  return {call.channels_first(y)};
}

// Weights [C, O / groups, spatial...] -> [O, spatial..., C / groups].
Value* transposed_weights(Call& call, Value* weights, int64_t groups) {
  const auto rank = static_cast<int64_t>(weights->shape().size());
  const auto shape = to_static(weights->shape());
  std::vector<int64_t> perm = {1};
  if (groups == 1) {
    for (int64_t i = 2; i < rank; ++i) perm.push_back(i);
    perm.push_back(0);
    return call.transpose(weights, perm);
  }
  call.require(shape.has_value(), "the shape of grouped weights is not known");
  if (groups < 1 || (*shape)[0] % groups != 0) call.bad_model("channels are not equal groups");
  std::vector<int64_t> split = {groups, (*shape)[0] / groups};
  split.insert(split.end(), shape->begin() + 1, shape->end());
  perm = {0, 2};
  for (int64_t i = 3; i <= rank; ++i) perm.push_back(i);
  perm.push_back(1);
  std::vector<int64_t> joined = {groups * (*shape)[1]};
  joined.insert(joined.end(), shape->begin() + 2, shape->end());
  joined.push_back((*shape)[0] / groups);
  const ReshapeAttributes exact{.allowzero = true};
  Value* parts = call.emit("Reshape", {weights, call.ints(split)}, exact);
  return call.emit("Reshape", {call.transpose(parts, perm), call.ints(joined)}, exact);
}

Values conv_transpose(Call& call) {
  Value* x = call.input(0);
  Value* w = call.input(1);
  Value* b = call.optional(2);
  ConvTransposeAttributes attributes;
  read_window(call, &attributes);
  attributes.groups = call.integer("group", 1);
  attributes.output_padding = call.integers("output_padding");
  const std::vector<int64_t> kernel = call.integers("kernel_shape");
  std::vector<int64_t> size = call.integers("output_shape");
  const Shape& weights = w->shape();
  const size_t rank = weights.size();
  if (rank < 3 || rank != x->shape().size()) call.bad_model("data and weights differ in rank");
  if (!kernel.empty() && Shape(weights.begin() + 2, weights.end()) != to_shape(kernel)) {
    call.bad_model("attribute 'kernel_shape' contradicts the shape of the weights");
  }
  if (size.size() == rank) size.erase(size.begin(), size.begin() + 2);
  Values inputs = {call.channels_last(x), transposed_weights(call, w, attributes.groups)};
  if (!size.empty()) {
    // The pads follow from the size; an odd one goes to the front unless it is SAME_UPPER.
    attributes.pads.clear();
    if (attributes.auto_pad != "same_upper") attributes.auto_pad = "same_lower";
    for (int64_t n : size) {
      if (n < 0) call.bad_model("attribute 'output_shape' has a negative element");
    }
    inputs.push_back(call.ints(size));
  }
  Value* y = call.emit("ConvTranspose", inputs, attributes);
  if (b) y = call.emit("Add", {y, b});
  return {call.channels_first(y)};
}

}  // namespace

std::vector<ImportRow> conv_rows() {
  return {
      {"Conv", conv, 2, 3, 1, "1 to 3 spatial dimensions; no negative pads"},
      {"ConvTranspose", conv_transpose, 2, 3, 1, "1 to 3 spatial dimensions; no negative pads"},
  };
}

}  // namespace hone::onnx
