// Operators that change shapes, or that give them.
#include "importers/onnx/flatten.h"
#include "importers/onnx/importer_table.h"

namespace hone::onnx {

Value* flatten_to_matrix(Call& call, Value* value, int64_t axis) {
  const Shape& shape = value->shape();
  const Dim rows = num_elements(Shape(shape.begin(), shape.begin() + axis));
  const Dim columns = num_elements(Shape(shape.begin() + axis, shape.end()));
  const ReshapeAttributes exact{.allowzero = true};
  if (rows.is_const() && columns.is_const()) {
    Value* target = call.ints({rows.value(), columns.value()});
    return call.emit("Reshape", {value, target}, exact);
  }
  // At most one -1, and none where another dimension may be 0.
  if (axis == 1 && columns.is_const() && columns != Dim(0)) {
    return call.reshape(value, {0, columns.value()});
  }
  if (rows.is_const() && rows != Dim(0)) return call.reshape(value, {rows.value(), -1});
  if (columns.is_const() && columns != Dim(0)) return call.reshape(value, {-1, columns.value()});
  Value* sizes = call.emit("Shape", {value});
  auto product = [&](int64_t from, int64_t to) {
    Value* part = call.emit("Slice", {sizes, call.ints({from}), call.ints({to})});
    return call.emit("ReduceProd", {part}, ReduceAttributes{.axes = {0}});
  };
  const auto rank = static_cast<int64_t>(shape.size());
  Value* target = call.emit("Concat", {product(0, axis), product(axis, rank)}, ConcatAttributes{});
  return call.emit("Reshape", {value, target}, exact);
}

namespace {

Values flatten(Call& call) {
  Value* x = call.input(0);
  const int64_t axis = call.integer("axis", 1);
  const auto rank = static_cast<int64_t>(x->shape().size());
  // Unlike elsewhere, rank itself is an axis.
  const int64_t positive = axis == rank ? rank : call.positive_axis(axis, x->shape().size());
  return {flatten_to_matrix(call, x, positive)};
}

Values reshape(Call& call) {
  Value* x = call.input(0);
  Value* shape = call.input(1);
  const bool allowzero = call.opset() >= 14 && call.flag("allowzero", false);
  return {call.emit("Reshape", {x, shape}, ReshapeAttributes{.allowzero = allowzero})};
}

Values squeeze(Call& call) {
  Value* x = call.input(0);
  const auto axes = call.ints_of("axes", 1, 13);
  return {call.emit("Squeeze", {x}, AxesAttributes{.axes = axes.value_or(std::vector<int64_t>())})};
}

Values unsqueeze(Call& call) {
  Value* x = call.input(0);
  const auto axes = call.ints_of("axes", 1, 13);
  if (!axes) call.bad_model("the axes are missing");
  return {call.emit("Unsqueeze", {x}, AxesAttributes{.axes = *axes})};
}

Values transpose(Call& call) {
  Value* x = call.input(0);
  return {call.transpose(x, call.integers("perm"))};
}

Values expand(Call& call) { return {call.emit("Expand", {call.input(0), call.input(1)})}; }

// The shape, or the dimensions from start to end of it, which are cut to the rank.
Values shape(Call& call) {
  Value* x = call.input(0);
  const int64_t start = call.opset() >= 15 ? call.integer("start", 0) : 0;
  const bool has_end = call.opset() >= 15 && call.has("end");
  const int64_t end = has_end ? call.integer("end") : INT64_MAX;
  Value* whole = call.emit("Shape", {x});
  if (start == 0 && !has_end) return {whole};
  return {call.emit("Slice", {whole, call.ints({start}), call.ints({end})})};
}

}  // namespace

std::vector<ImportRow> shape_rows() {
  return {
      {"Expand", expand, 2, 2, 8},
      {"Flatten", flatten},
      {"Reshape", reshape, 2, 2, 1, "the rank of the result must be known"},
      {"Shape", shape},
      {"Size", same_operator},
      {"Squeeze", squeeze, 1, 2, 1, "axes must be constant"},
      {"Transpose", transpose},
      {"Unsqueeze", unsqueeze, 1, 2, 1, "axes must be constant"},
  };
}

}  // namespace hone::onnx
