// Convolution. ONNX has channels second, Hone last: a Transpose goes on each side; passes cancel
// those of neighbouring layers and fold those of constant weights.
#include <fmt/format.h>

#include "base/text.h"
#include "importers/onnx/importer_table.h"
#include "importers/onnx/window.h"

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

}  // namespace

std::vector<ImportRow> conv_rows() {
  return {
      {"Conv", conv, 2, 3, 1, "1 to 3 spatial dimensions; no negative pads"},
  };
}

}  // namespace hone::onnx
