// Operators that choose elements by value or by lists of indices.
#include "ops/selection.h"

#include <fmt/format.h>

#include "base/text.h"
#include "importers/onnx/importer_table.h"

namespace hone::onnx {
namespace {

// k is an attribute before opset 10, an input of one element from then on.
Values top_k(Call& call) {
  Value* x = call.input(0);
  Value* k = call.opset() < 10 ? call.ints({call.integer("k")}) : call.input(1);
  TopKAttributes attributes;
  attributes.axis = call.integer("axis", -1);
  if (call.opset() >= 11) {
    attributes.largest = call.flag("largest", true);
    call.ignore({"sorted"});  // not sorted: any order is right, and so is this one
  }
  return call.node("TopK", {x, k}, attributes)->outputs();
}

Values gather_nd(Call& call) {
  const GatherNdAttributes attributes{.batch_dims = call.integer("batch_dims", 0)};
  return {call.emit("GatherND", {call.input(0), call.input(1)}, attributes)};
}

Values gather_elements(Call& call) {
  const GatherElementsAttributes attributes{.axis = call.integer("axis", 0)};
  return {call.emit("GatherElements", {call.input(0), call.input(1)}, attributes)};
}

Values scatter_nd(Call& call) {
  ScatterNdAttributes attributes;
  attributes.reduction = call.text("reduction", "none");
  return {call.emit("ScatterND", {call.input(0), call.input(1), call.input(2)}, attributes)};
}

Values scatter_elements(Call& call) {
  ScatterElementsAttributes attributes;
  attributes.axis = call.integer("axis", 0);
  attributes.reduction = call.text("reduction", "none");
  return {call.emit("ScatterElements", {call.input(0), call.input(1), call.input(2)}, attributes)};
}

Values cumulative(Call& call) {
  Value* x = call.input(0);
  const auto axis = call.constant_ints(1, "the axis");
  if (!axis || axis->size() != 1) call.bad_model("the axis is not a single number");
  CumulativeAttributes attributes;
  attributes.axis = call.positive_axis(axis->front(), x->shape().size());
  attributes.exclusive = call.flag("exclusive", false);
  attributes.reverse = call.flag("reverse", false);
  return {call.emit("CumSum", {x}, attributes)};
}

// 0, 1, ... along dimension `axis` of `x`, as i64[size, 1, ... (`after` times)].
Value* places(Call& call, Value* x, int64_t axis, int64_t after) {
  Value* shape = call.emit("Shape", {x});
  Value* size = call.emit("Slice", {shape, call.ints({axis}), call.ints({axis + 1})});
  size = call.emit("Squeeze", {size}, AxesAttributes{{0}});
  Value* numbers =
      call.emit("Range", {call.scalar(DataType::i64, 0), size, call.scalar(DataType::i64, 1)});
  AxesAttributes axes;
  for (int64_t i = 0; i < after; ++i) axes.axes.push_back(i + 1);
  return after > 0 ? call.emit("Unsqueeze", {numbers}, axes) : numbers;
}

// values = (off, on). An index below 0 counts from the end; one out of range gives off everywhere.
Values one_hot(Call& call) {
  Value* indices = call.cast(call.input(0), DataType::i64);
  const auto depth = call.constant_ints(1, "the depth");
  Value* values = call.input(2);
  const auto rank = static_cast<int64_t>(indices->shape().size()) + 1;
  const int64_t axis = call.positive_axis(call.integer("axis", -1), static_cast<size_t>(rank));
  if (!depth || depth->size() != 1) call.bad_model("the depth is not a single number");
  if (depth->front() < 0 || depth->front() > (1 << 20)) {
    call.unsupported(fmt::format("a depth of {}", depth->front()));
  }
  std::vector<int64_t> numbers, shape(static_cast<size_t>(rank - axis), 1);
  for (int64_t i = 0; i < depth->front(); ++i) numbers.push_back(i);
  shape[0] = depth->front();
  Value* zero = call.scalar(DataType::i64, 0);
  Value* from_end = call.emit("Add", {indices, call.constant(Tensor::scalar(depth->front()))});
  indices = call.emit("Where", {call.emit("Less", {indices, zero}), from_end, indices});
  indices = call.emit("Unsqueeze", {indices}, AxesAttributes{{axis}});
  Value* hot = call.emit("Equal", {indices, call.constant(Tensor::from(shape, numbers))});
  const auto pick = [&](int64_t i) {
    Value* one = call.emit("Slice", {values, call.ints({i}), call.ints({i + 1})});
    return call.emit("Squeeze", {one}, AxesAttributes{{0}});
  };
  return {call.emit("Where", {hot, pick(1), pick(0)})};
}

// row + k <= column, or the other way round.
Values trilu(Call& call) {
  Value* x = call.input(0);
  Value* k = call.optional(1);
  const bool upper = call.flag("upper", true);
  const auto rank = static_cast<int64_t>(x->shape().size());
  if (rank < 2) call.bad_model("the input has a rank below 2");
  Value* rows = places(call, x, rank - 2, 1);
  Value* columns = places(call, x, rank - 1, 0);
  if (k) {
    k = call.emit("Reshape", {k, call.ints({1})});
    rows = call.emit("Add", {rows, call.cast(k, DataType::i64)});
  }
  Value* kept =
      upper ? call.emit("LessOrEqual", {rows, columns}) : call.emit("LessOrEqual", {columns, rows});
  return {call.emit("Where", {kept, x, call.scalar_like(x, 0)})};
}

Values eye_like(Call& call) {
  Value* x = call.input(0);
  const int64_t k = call.integer("k", 0);
  std::optional<DataType> dtype = x->dtype();
  if (call.has("dtype")) dtype = to_dtype(call.integer("dtype"));
  if (!dtype) call.unsupported("attribute 'dtype' is no type of Hone");
  if (x->shape().size() != 2) call.bad_model("the input has another rank than 2");
  Value* rows = places(call, x, 0, 1);
  Value* columns = places(call, x, 1, 0);
  if (k != 0) rows = call.emit("Add", {rows, call.constant(Tensor::scalar(k))});
  Value* hot = call.emit("Equal", {rows, columns});
  return {call.cast(hot, *dtype)};
}

// time t of an entry of length n shows time n - 1 - t where t < n.
Values reverse_sequence(Call& call) {
  Value* x = call.input(0);
  Value* lengths = call.cast(call.input(1), DataType::i64);
  const int64_t batch_axis = call.integer("batch_axis", 1);
  const int64_t time_axis = call.integer("time_axis", 0);
  if (batch_axis + time_axis != 1 || batch_axis * time_axis != 0) {
    call.bad_model("batch_axis and time_axis are not 0 and 1");
  }
  std::vector<int64_t> swap;
  for (size_t i = 0; i < x->shape().size(); ++i) swap.push_back(static_cast<int64_t>(i));
  if (swap.size() < 2) call.bad_model("the input has a rank below 2");
  std::swap(swap[0], swap[1]);
  if (batch_axis == 1) x = call.transpose(x, swap);
  Value* times = places(call, x, 1, 0);
  lengths = call.emit("Unsqueeze", {lengths}, AxesAttributes{{1}});
  Value* last = call.emit("Sub", {lengths, call.scalar(DataType::i64, 1)});
  Value* shown = call.emit(
      "Where", {call.emit("Less", {times, lengths}), call.emit("Sub", {last, times}), times});
  Value* result = call.emit("Gather", {x, shown}, GatherAttributes{.axis = 1, .batch_dims = 1});
  return {batch_axis == 1 ? call.transpose(result, swap) : result};
}

Values nonzero(Call& call) { return {call.emit("NonZero", {call.input(0)})}; }

// Without an axis: of all elements in order.
Values compress(Call& call) {
  Value* x = call.input(0);
  Value* condition = call.input(1);
  CompressAttributes attributes;
  if (call.has("axis")) {
    attributes.axis = call.positive_axis(call.integer("axis"), x->shape().size());
  } else {
    x = call.reshape(x, {-1});
  }
  return {call.emit("Compress", {x, condition}, attributes)};
}

// Of a vector, or of all elements.
Values unique(Call& call) {
  Value* x = call.input(0);
  const UniqueAttributes attributes{.sorted = call.flag("sorted", true)};
  if (call.has("axis")) {
    call.require(x->shape().size() == 1, "attribute 'axis' is set for an input of rank over 1");
    call.positive_axis(call.integer("axis"), 1);
  } else if (x->shape().size() != 1) {
    x = call.reshape(x, {-1});
  }
  return call.node("Unique", {x}, attributes)->outputs();
}

Values nms(Call& call) {
  Value* boxes = call.input(0);
  Value* scores = call.input(1);
  Value* limit = call.optional(2);
  Value* iou = call.optional(3);
  Value* score = call.optional(4);
  const NmsAttributes attributes{.center_point_box = call.flag("center_point_box", false)};
  if (!limit) limit = call.ints({0});
  Values inputs = {boxes, scores, limit};
  if (iou || score) inputs.push_back(iou ? iou : call.scalar(DataType::f32, 0));
  if (score) inputs.push_back(score);
  return {call.emit("NonMaxSuppression", std::move(inputs), attributes)};
}

}  // namespace

std::vector<ImportRow> selection_rows() {
  return {
      {"Compress", compress, 2, 2, 9},
      {"CumSum", cumulative, 2, 2, 11, "the axis must be constant"},
      {"EyeLike", eye_like, 1, 1, 9},
      {"GatherElements", gather_elements, 2, 2, 11},
      {"GatherND", gather_nd, 2, 2, 11, "the length of the index tuples must be known"},
      {"NonMaxSuppression", nms, 2, 5, 10},
      {"NonZero", nonzero, 1, 1, 9},
      {"OneHot", one_hot, 3, 3, 9, "the depth must be constant"},
      {"ReverseSequence", reverse_sequence, 2, 2, 10},
      {"Scatter", scatter_elements, 3, 3, 9},
      {"ScatterElements", scatter_elements, 3, 3, 11},
      {"ScatterND", scatter_nd, 3, 3, 11, "the length of the index tuples must be known"},
      {"TopK", top_k, 1, 2},
      {"Trilu", trilu, 1, 2, 14},
      {"Unique", unique, 1, 1, 11, "all elements, or along the axis of a vector"},
  };
}

}  // namespace hone::onnx
