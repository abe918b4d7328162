// Softmax and LogSoftmax. Before opset 13 they work on the input flattened to a matrix.
#include "importers/onnx/flatten.h"
#include "importers/onnx/importer_table.h"

namespace hone::onnx {
namespace {

Values softmax(Call& call) {
  Value* x = call.input(0);
  const bool flattens = call.opset() < 13;
  const size_t rank = x->shape().size();
  const int64_t axis = call.positive_axis(call.integer("axis", flattens ? 1 : -1), rank);
  if (!flattens || axis + 1 == static_cast<int64_t>(rank)) {
    return {call.emit(call.op_type(), {x}, SoftmaxAttributes{.axis = axis})};
  }
  Value* matrix = flatten_to_matrix(call, x, axis);
  Value* y = call.emit(call.op_type(), {matrix}, SoftmaxAttributes{.axis = 1});
  return {call.reshape_like(y, x)};
}

}  // namespace

std::vector<ImportRow> softmax_rows() {
  return {
      {"LogSoftmax", softmax},
      {"Softmax", softmax},
  };
}

}  // namespace hone::onnx
