// Resize and Upsample. Hone resizes the dimensions in front of the channels; those that keep their
// size are left out.
#include "ops/resize.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "importers/onnx/importer_table.h"

namespace hone::onnx {
namespace {

// The scales that input i or the attribute gives; nothing if it is absent or empty.
std::vector<double> read_scales(Call& call, size_t i) {
  if (call.has("scales")) return call.reals("scales");
  Value* value = i < call.num_inputs() ? call.optional(i) : nullptr;
  if (!value || value->shape() == Shape{Dim(0)}) return {};
  call.require(value->is_constant(), "the scales are not constant");
  const auto scales = value->constant()->as_doubles();
  if (!scales) call.bad_model("the scales are not numbers");
  return *scales;
}

std::string lower_case(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  return text;
}

// "tf_crop_and_resize" and names that ONNX does not have are refused by inference or here.
void read_mode(Call& call, ResizeAttributes* attributes) {
  attributes->mode = lower_case(call.text("mode", "nearest"));
  if (call.opset() < 11 || call.op_type() == "Upsample") {
    attributes->coordinates = "asymmetric";
    attributes->rounding = "simple";
    return;
  }
  attributes->coordinates = call.text("coordinate_transformation_mode", "half_pixel");
  attributes->rounding = call.text("nearest_mode", "round_prefer_floor");
  attributes->cubic_coefficient = call.real("cubic_coeff_a", -0.75);
  attributes->exclude_outside = call.flag("exclude_outside", false);
  call.require(!call.flag("antialias", false), "attribute 'antialias'");
  call.require(attributes->coordinates != "tf_crop_and_resize", "tf_crop_and_resize");
  call.require(call.text("keep_aspect_ratio_policy", "stretch") == "stretch",
               "attribute 'keep_aspect_ratio_policy'");
  call.ignore({"extrapolation_value"});  // of tf_crop_and_resize
}

// Drops the axes with a scale of 1, or with the size that data has.
struct Target {
  std::vector<int64_t> axes;  // of data, channels second
  std::vector<double> scales;
  Value* sizes = nullptr;
};

Target scaled_target(const std::vector<int64_t>& axes, const std::vector<double>& scales) {
  Target target;
  for (size_t k = 0; k < axes.size(); ++k) {
    if (scales[k] == 1) continue;
    target.axes.push_back(axes[k]);
    target.scales.push_back(scales[k]);
  }
  return target;
}

Target sized_target(Call& call, const Value* x, const std::vector<int64_t>& axes, Value* sizes) {
  Target target;
  const auto& values = sizes->values();
  const bool known = values && values->size() == axes.size();
  std::vector<int64_t> places, numbers;
  for (size_t k = 0; k < axes.size(); ++k) {
    const Dim size = known ? (*values)[k] : Dim::invalid();
    if (size.is_valid() && size == x->shape()[axes[k]]) continue;
    call.require(size.is_valid(), "the sizes are not known");
    target.axes.push_back(axes[k]);
    places.push_back(static_cast<int64_t>(k));
    if (size.is_const()) numbers.push_back(size.value());
  }
  if (places.empty()) return target;
  target.sizes = numbers.size() == places.size() ? call.ints(numbers)
                                                 : call.emit("Gather", {sizes, call.ints(places)});
  return target;
}

Values resize_to(Call& call, Value* x, ResizeAttributes attributes, const Target& target) {
  if (target.axes.empty()) return {x};
  attributes.scales = target.scales;
  const auto rank = static_cast<int64_t>(x->shape().size());
  // Channels last, unless batch or channels change, too (which the reference does).
  const bool spatial = rank > 2 && *std::min_element(target.axes.begin(), target.axes.end()) >= 2;
  for (int64_t axis : target.axes) attributes.axes.push_back(spatial ? axis - 1 : axis);
  Values inputs = {spatial ? call.channels_last(x) : x};
  if (target.sizes) inputs.push_back(target.sizes);
  Value* y = call.emit("Resize", inputs, attributes);
  return {spatial ? call.channels_first(y) : y};
}

std::vector<int64_t> all_axes(const Value* x) {
  std::vector<int64_t> axes;
  for (size_t i = 0; i < x->shape().size(); ++i) axes.push_back(static_cast<int64_t>(i));
  return axes;
}

Values resize(Call& call) {
  Value* x = call.input(0);
  ResizeAttributes attributes;
  read_mode(call, &attributes);
  std::vector<int64_t> axes = call.integers("axes");  // opset 18
  for (int64_t& axis : axes) axis = call.positive_axis(axis, x->shape().size());
  if (axes.empty()) axes = all_axes(x);
  const std::vector<double> scales = read_scales(call, call.opset() < 11 ? 1 : 2);
  Value* sizes = call.opset() >= 11 && call.num_inputs() > 3 ? call.optional(3) : nullptr;
  if (!sizes) {
    if (scales.size() != axes.size()) call.bad_model("there is not one scale per axis");
    return resize_to(call, x, attributes, scaled_target(axes, scales));
  }
  const Shape& shape = sizes->shape();
  if (!scales.empty() || shape != Shape{Dim(static_cast<int64_t>(axes.size()))}) {
    call.bad_model("there is not one size per axis, or there are scales, too");
  }
  return resize_to(call, x, attributes, sized_target(call, x, axes, sizes));
}

Values upsample(Call& call) {
  Value* x = call.input(0);
  ResizeAttributes attributes;
  read_mode(call, &attributes);
  const std::vector<double> scales = read_scales(call, 1);
  const std::vector<int64_t> axes = all_axes(x);
  if (scales.size() != axes.size()) call.bad_model("there is not one scale per axis");
  return resize_to(call, x, attributes, scaled_target(axes, scales));
}

}  // namespace

std::vector<ImportRow> resize_rows() {
  return {
      {"Resize", resize, 1, 4, 10,
       "no antialias, no tf_crop_and_resize, aspect ratio policy 'stretch'; scales constant; only "
       "sizes of which the expression is known"},
      {"Upsample", upsample, 1, 2, 7, "constant scales"},
  };
}

}  // namespace hone::onnx
