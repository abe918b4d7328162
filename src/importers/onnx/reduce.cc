// Reductions along axes.
#include "importers/onnx/importer_table.h"

namespace hone::onnx {
namespace {

// `axes` is an attribute before opset `since`, an input from then on. `op`: Hone's operator.
Values reduce(Call& call, const char* op, int64_t since) {
  Value* x = call.input(0);
  const auto axes = call.ints_of("axes", 1, since);
  const bool keepdims = call.flag("keepdims", true);
  const bool noop = call.opset() >= since && call.flag("noop_with_empty_axes", false);
  const bool all = !axes || axes->empty();
  if (all && noop) return {call.emit("Identity", {x})};
  ReduceAttributes attributes{.axes = axes.value_or(std::vector<int64_t>()), .keepdims = keepdims};
  return {call.emit(op, {x}, std::move(attributes))};
}

Values reduce_sum(Call& call) { return reduce(call, "ReduceSum", 13); }
Values reduce_mean(Call& call) { return reduce(call, "ReduceMean", 18); }
Values reduce_max(Call& call) { return reduce(call, "ReduceMax", 18); }
Values reduce_min(Call& call) { return reduce(call, "ReduceMin", 18); }
Values reduce_prod(Call& call) { return reduce(call, "ReduceProd", 18); }

// Of no axes: the function of each element, or the element, depending on whom one asks.
Values reduce_function(Call& call) {
  call.require(!call.flag("noop_with_empty_axes", false),
               "attribute 'noop_with_empty_axes' is set");
  const std::string op(call.op_type());
  if (op == "ReduceLogSum") return {call.emit("Log", reduce(call, "ReduceSum", 18))};
  return reduce(call, op.c_str(), 18);
}

Values arg_extreme(Call& call) {
  Value* x = call.input(0);
  ArgAttributes attributes;
  attributes.axis = call.integer("axis", 0);
  attributes.keepdims = call.flag("keepdims", true);
  attributes.select_last = call.opset() >= 12 && call.flag("select_last_index", false);
  return {call.emit(call.op_type(), {x}, attributes)};
}

}  // namespace

std::vector<ImportRow> reduce_rows() {
  constexpr const char* kConstantAxes = "axes must be constant";
  constexpr const char* kNoNoop = "axes must be constant; no noop_with_empty_axes";
  return {
      {"ArgMax", arg_extreme},
      {"ArgMin", arg_extreme},
      {"ReduceL1", reduce_function, 1, 2, 1, kNoNoop},
      {"ReduceL2", reduce_function, 1, 2, 1, kNoNoop},
      {"ReduceLogSum", reduce_function, 1, 2, 1, kNoNoop},
      {"ReduceLogSumExp", reduce_function, 1, 2, 1, kNoNoop},
      {"ReduceMax", reduce_max, 1, 2, 1, kConstantAxes},
      {"ReduceMean", reduce_mean, 1, 2, 1, kConstantAxes},
      {"ReduceMin", reduce_min, 1, 2, 1, kConstantAxes},
      {"ReduceProd", reduce_prod, 1, 2, 1, kConstantAxes},
      {"ReduceSum", reduce_sum, 1, 2, 1, kConstantAxes},
      {"ReduceSumSquare", reduce_function, 1, 2, 1, kNoNoop},
  };
}

}  // namespace hone::onnx
