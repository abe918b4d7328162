// Matrix products.
#include "graph/einsum.h"
#include "importers/onnx/importer_table.h"
#include "importers/onnx/proto.h"

namespace hone::onnx {
namespace {

Value* scaled(Call& call, Value* value, double factor) {
  return factor == 1 ? value : call.emit("Mul", {value, call.scalar_like(value, factor)});
}

// alpha * a * b + beta * c.
Values gemm(Call& call) {
  Value* a = call.input(0);
  Value* b = call.input(1);
  Value* c = call.optional(2);
  const double alpha = call.real("alpha", 1.0);
  const double beta = call.real("beta", 1.0);
  const bool trans_a = call.flag("transA", false);
  const bool trans_b = call.flag("transB", false);
  if (a->shape().size() != 2 || b->shape().size() != 2) call.bad_model("an input is no matrix");
  Value* product =
      call.emit("MatMul", {a, b}, MatMulAttributes{.transpose_a = trans_a, .transpose_b = trans_b});
  product = scaled(call, product, alpha);
  if (!c) return {product};
  if (c->shape().size() > 2) call.bad_model("input 2 has more than two dimensions");
  return {call.emit("Add", {product, scaled(call, c, beta)})};
}

Values matmul(Call& call) { return {call.emit("MatMul", {call.input(0), call.input(1)})}; }

Values einsum(Call& call) {
  const std::string equation = call.text("equation");
  for (size_t i = 0; i < call.num_inputs(); ++i) call.input(i);
  const EmitNode emit = [&call](std::string_view op, Attributes attributes, Values inputs) {
    return Result<Value*>(call.emit(op, std::move(inputs), std::move(attributes)));
  };
  return {value_or_throw(build_einsum(call.graph(), equation, call.inputs(), emit))};
}

}  // namespace

std::vector<ImportRow> matmul_rows() {
  return {
      {"Einsum", einsum, 1, -1, 12, "no label twice in one operand, no sum over the ellipsis"},
      {"Gemm", gemm, 2, 3},
      {"MatMul", matmul, 2, 2},
  };
}

}  // namespace hone::onnx
