// Pooling.
#include "importers/onnx/importer_table.h"
#include "importers/onnx/window.h"

namespace hone::onnx {
namespace {

PoolAttributes read_pool(Call& call) {
  PoolAttributes attributes;
  read_window(call, &attributes);
  attributes.kernel = call.integers("kernel_shape");
  attributes.ceil_mode = call.flag("ceil_mode", false);
  return attributes;
}

Values max_pool(Call& call) {
  Value* x = call.input(0);
  const PoolAttributes attributes = read_pool(call);
  call.ignore({"storage_order"});  // says how the second output counts
  return {call.channels_first(call.emit("MaxPool", {call.channels_last(x)}, attributes))};
}

Values average_pool(Call& call) {
  Value* x = call.input(0);
  PoolAttributes attributes = read_pool(call);
  attributes.count_include_pad = call.flag("count_include_pad", false);
  const bool is_same = attributes.auto_pad.starts_with("same");
  call.require(!(is_same && attributes.count_include_pad),
               "attribute 'count_include_pad' together with an auto_pad of SAME_*");
  return {call.channels_first(call.emit("AveragePool", {call.channels_last(x)}, attributes))};
}

// Over all spatial axes: needs no transposition.
Values global_pool(Call& call, const char* reduce) {
  Value* x = call.input(0);
  ReduceAttributes attributes;
  const auto rank = static_cast<int64_t>(x->shape().size());
  if (rank < 2) call.bad_model("the input has no channels");
  if (rank == 2) return {x};
  for (int64_t i = 2; i < rank; ++i) attributes.axes.push_back(i);
  return {call.emit(reduce, {x}, attributes)};
}

Values global_average_pool(Call& call) { return global_pool(call, "ReduceMean"); }
Values global_max_pool(Call& call) { return global_pool(call, "ReduceMax"); }

}  // namespace

std::vector<ImportRow> pool_rows() {
  return {
      {"AveragePool", average_pool, 1, 1, 1, "no count_include_pad with an auto_pad of SAME_*"},
      {"GlobalAveragePool", global_average_pool},
      {"GlobalMaxPool", global_max_pool},
      {"MaxPool", max_pool, 1, 1, 1, "without the second output (Indices)"},
  };
}

}  // namespace hone::onnx
