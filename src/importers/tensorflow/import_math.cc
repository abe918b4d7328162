// Element-wise arithmetic, activations, matrix products.
#include <fmt/core.h>

#include "graph/einsum.h"
#include "importers/tensorflow/node_importer.h"

namespace hone::tf {
namespace {

Status import_clip(NodeImporter& n, Value* lo, Value* hi) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  HONE_ASSIGN_OR_RETURN(x, n.add("Max", {}, {x, lo}));
  HONE_ASSIGN_OR_RETURN(x, n.add("Min", {}, {x, hi}));
  n.output(x);
  return ok();
}
Status import_relu6(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(const Value* x, n.input(0));
  return import_clip(n, n.scalar(0, x->dtype()), n.scalar(6, x->dtype()));
}
// TensorFlow: min(x, max) first, then max with min.
Status import_clip_by_value(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  HONE_ASSIGN_OR_RETURN(Value * lo, n.input(1));
  HONE_ASSIGN_OR_RETURN(Value * hi, n.input(2));
  HONE_ASSIGN_OR_RETURN(x, n.add("Min", {}, {x, hi}));
  HONE_ASSIGN_OR_RETURN(x, n.add("Max", {}, {x, lo}));
  n.output(x);
  return ok();
}

Status import_with_scalar(NodeImporter& n, const char* op, double value) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  HONE_ASSIGN_OR_RETURN(Value * result, n.add(op, {}, {x, n.scalar(value, x->dtype())}));
  n.output(result);
  return ok();
}
Status import_elu(NodeImporter& n) { return import_with_scalar(n, "Elu", 1); }
Status import_leaky_relu(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(const double alpha, n.attr_float("alpha", 0.2));
  return import_with_scalar(n, "LeakyRelu", alpha);
}

Status import_add_n(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * sum, n.input(0));
  for (size_t i = 1; i < n.num_inputs(); ++i) {
    HONE_ASSIGN_OR_RETURN(Value * next, n.input(i));
    HONE_ASSIGN_OR_RETURN(sum, n.add("Add", {}, {sum, next}));
  }
  n.output(sum);
  return ok();
}

Status import_product(NodeImporter& n, const char* transpose_a, const char* transpose_b) {
  HONE_ASSIGN_OR_RETURN(Value * a, n.input(0));
  HONE_ASSIGN_OR_RETURN(Value * b, n.input(1));
  // Hone's MatMul takes vectors and mixed ranks too.
  if (a->shape().size() < 2 || b->shape().size() < 2) {
    return Status(Code::kModel, "an operand has fewer than 2 dimensions");
  }
  MatMulAttributes attributes;
  HONE_ASSIGN_OR_RETURN(attributes.transpose_a, n.attr_bool(transpose_a, false));
  HONE_ASSIGN_OR_RETURN(attributes.transpose_b, n.attr_bool(transpose_b, false));
  HONE_ASSIGN_OR_RETURN(Value * result, n.add("MatMul", attributes, {a, b}));
  n.output(result);
  return ok();
}
Status import_matmul(NodeImporter& n) { return import_product(n, "transpose_a", "transpose_b"); }
Status import_batch_matmul(NodeImporter& n) { return import_product(n, "adj_x", "adj_y"); }

Status import_einsum(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(const std::string equation, n.attr_string("equation", ""));
  if (equation.find("->") == std::string::npos) {
    return Status(Code::kModel, "the equation has no \"->\"");
  }
  std::vector<Value*> operands;
  for (size_t i = 0; i < n.num_inputs(); ++i) {
    HONE_ASSIGN_OR_RETURN(operands.emplace_back(), n.input(i));
  }
  const EmitNode emit = [&n](std::string_view op, Attributes attributes,
                             std::vector<Value*> inputs) {
    return n.add(op, std::move(attributes), std::move(inputs));
  };
  HONE_ASSIGN_OR_RETURN(Value * result, build_einsum(n.graph(), equation, operands, emit));
  n.output(result);
  return ok();
}

Status import_softmax(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  HONE_ASSIGN_OR_RETURN(Value * result, n.add(n.target(), SoftmaxAttributes{}, {x}));
  n.output(result);
  return ok();
}

constexpr OpImporter kTable[] = {
    {"Abs", import_same, "", "Abs"},
    {"Acos", import_same, "", "Acos"},
    {"Acosh", import_same, "", "Acosh"},
    {"Add", import_same, "no strings", "Add"},
    {"AddN", import_add_n, ""},
    {"AddV2", import_same, "", "Add"},
    {"Asin", import_same, "", "Asin"},
    {"Asinh", import_same, "", "Asinh"},
    {"Atan", import_same, "", "Atan"},
    {"Atanh", import_same, "", "Atanh"},
    {"BatchMatMul", import_batch_matmul, "real numbers"},
    {"BatchMatMulV2", import_batch_matmul, "real numbers"},
    {"BatchMatMulV3", import_batch_matmul, "real numbers"},
    {"Ceil", import_same, "", "Ceil"},
    {"ClipByValue", import_clip_by_value, ""},
    {"Cos", import_same, "", "Cos"},
    {"Cosh", import_same, "", "Cosh"},
    {"Div", import_same, "", "Div"},
    {"Einsum", import_einsum, "no label twice in one operand, no sum over the ellipsis"},
    {"Elu", import_elu, ""},
    {"Erf", import_same, "", "Erf"},
    {"Erfc", import_same, "", "Erfc"},
    {"Exp", import_same, "", "Exp"},
    {"Expm1", import_same, "", "Expm1"},
    {"Floor", import_same, "", "Floor"},
    {"FloorDiv", import_same, "", "FloorDiv"},
    {"FloorMod", import_same, "", "FloorMod"},
    {"Inv", import_same, "", "Reciprocal"},
    {"LeakyRelu", import_leaky_relu, ""},
    {"Lgamma", import_same, "", "Lgamma"},
    {"Log", import_same, "", "Log"},
    {"Log1p", import_same, "", "Log1p"},
    {"LogSoftmax", import_softmax, "", "LogSoftmax"},
    {"MatMul", import_matmul, ""},
    {"Maximum", import_same, "", "Max"},
    {"Minimum", import_same, "", "Min"},
    {"Mod", import_same, "", "TruncateMod"},
    {"Mul", import_same, "", "Mul"},
    {"Neg", import_same, "", "Neg"},
    {"Pow", import_same, "", "Pow"},
    {"RealDiv", import_same, "", "Div"},
    {"Reciprocal", import_same, "", "Reciprocal"},
    {"Relu", import_same, "", "Relu"},
    {"Relu6", import_relu6, ""},
    {"Rint", import_same, "", "Round"},
    {"Round", import_same, "floating point", "Round"},
    {"Rsqrt", import_same, "", "Rsqrt"},
    {"Selu", import_same, "", "Selu"},
    {"Sigmoid", import_same, "", "Sigmoid"},
    {"Sign", import_same, "", "Sign"},
    {"Sin", import_same, "", "Sin"},
    {"Sinh", import_same, "", "Sinh"},
    {"Softmax", import_softmax, "", "Softmax"},
    {"Softplus", import_same, "", "Softplus"},
    {"Softsign", import_same, "", "Softsign"},
    {"Sqrt", import_same, "", "Sqrt"},
    {"Square", import_same, "", "Square"},
    {"SquaredDifference", import_same, "", "SquaredDifference"},
    {"Sub", import_same, "", "Sub"},
    {"Tan", import_same, "", "Tan"},
    {"Tanh", import_same, "", "Tanh"},
    {"TruncateDiv", import_same, "", "Div"},
    {"TruncateMod", import_same, "", "TruncateMod"},
};

}  // namespace

std::span<const OpImporter> math_importers() { return kTable; }

}  // namespace hone::tf
