// Comparisons, logic, selection by conditions, and arithmetic with guarded cases.
#include <fmt/core.h>

#include <algorithm>
#include <limits>
#include <tuple>

#include "importers/tensorflow/node_importer.h"

namespace hone::tf {
namespace {

// |x| < infinity: false for NaN.
Status import_is_finite(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  if (!is_float(x->dtype())) return Status(Code::kModel, "the input is not floating point");
  Value* infinity = n.scalar(std::numeric_limits<double>::infinity(), x->dtype());
  HONE_ASSIGN_OR_RETURN(x, n.add("Abs", {}, {x}));
  HONE_ASSIGN_OR_RETURN(x, n.add("Less", {}, {x, infinity}));
  n.output(x);
  return ok();
}

Status import_approximate_equal(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  HONE_ASSIGN_OR_RETURN(Value * y, n.input(1));
  HONE_ASSIGN_OR_RETURN(const double tolerance, n.attr_float("tolerance", 1e-5));
  HONE_ASSIGN_OR_RETURN(x, n.add("Sub", {}, {x, y}));
  HONE_ASSIGN_OR_RETURN(x, n.add("Abs", {}, {x}));
  HONE_ASSIGN_OR_RETURN(x, n.add("Less", {}, {x, n.scalar(tolerance, x->dtype())}));
  n.output(x);
  return ok();
}

// Select: a condition of rank 1 chooses along dimension 0, whatever the rank of the others.
Status import_select(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * condition, n.input(0));
  HONE_ASSIGN_OR_RETURN(Value * a, n.input(1));
  HONE_ASSIGN_OR_RETURN(Value * b, n.input(2));
  const size_t rank = a->shape().size();
  if (b->shape().size() != rank) return Status(Code::kModel, "the inputs have different ranks");
  if (condition->shape().size() == 1 && rank > 1) {
    AxesAttributes attributes;
    for (size_t i = 1; i < rank; ++i) attributes.axes.push_back(static_cast<int64_t>(i));
    HONE_ASSIGN_OR_RETURN(condition, n.add("Unsqueeze", attributes, {condition}));
  }
  HONE_ASSIGN_OR_RETURN(Value * result, n.add("Where", {}, {condition, a, b}));
  n.output(result);
  return ok();
}

// `guard` is the input whose zeros give 0; otherwise op(x, function(y)).
Status guarded(NodeImporter& n, size_t guard, const char* op, const char* function) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  HONE_ASSIGN_OR_RETURN(Value * y, n.input(1));
  HONE_ASSIGN_OR_RETURN(Value * guarded, n.input(guard));
  Value* zero = n.scalar(0, x->dtype());
  HONE_ASSIGN_OR_RETURN(Value * is_zero, n.add("Equal", {}, {guarded, zero}));
  if (function) {
    HONE_ASSIGN_OR_RETURN(y, n.add(function, {}, {y}));
  }
  HONE_ASSIGN_OR_RETURN(Value * result, n.add(op, {}, {x, y}));
  HONE_ASSIGN_OR_RETURN(result, n.add("Where", {}, {is_zero, zero, result}));
  n.output(result);
  return ok();
}
Status import_div_no_nan(NodeImporter& n) { return guarded(n, 1, "Div", nullptr); }
Status import_mul_no_nan(NodeImporter& n) { return guarded(n, 1, "Mul", nullptr); }
Status import_xdivy(NodeImporter& n) { return guarded(n, 0, "Div", nullptr); }
Status import_xlogy(NodeImporter& n) { return guarded(n, 0, "Mul", "Log"); }
Status import_xlog1py(NodeImporter& n) { return guarded(n, 0, "Mul", "Log1p"); }

// 0, 1, 2 ... below the size of dimension `axis` of x.
Result<Value*> indices_of(NodeImporter& n, Value* x, size_t axis) {
  const Dim& dim = x->shape()[axis];
  Value* size = nullptr;
  if (dim.is_const()) {
    size = n.constant(Tensor::scalar<int64_t>(dim.value()));
  } else {
    const auto begin = static_cast<int64_t>(axis);
    HONE_ASSIGN_OR_RETURN(size, n.add("Shape", {}, {x}));
    HONE_ASSIGN_OR_RETURN(
        size, n.add("Slice", {}, {size, n.int_constant({begin}), n.int_constant({begin + 1})}));
    HONE_ASSIGN_OR_RETURN(size, n.add("Squeeze", AxesAttributes{{0}}, {size}));
  }
  Value* zero = n.constant(Tensor::scalar<int64_t>(0));
  return n.add("Range", {}, {zero, size, n.constant(Tensor::scalar<int64_t>(1))});
}

// What lies at most num_lower below and num_upper above the diagonal of the last two dimensions;
// the rest is 0. A negative number is no limit. Keras makes causal masks with it.
Status import_matrix_band_part(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  HONE_ASSIGN_OR_RETURN(const int64_t lower, n.scalar_int(1, "num_lower"));
  HONE_ASSIGN_OR_RETURN(const int64_t upper, n.scalar_int(2, "num_upper"));
  const size_t rank = x->shape().size();
  if (rank < 2) return Status(Code::kModel, "the data has fewer than 2 dimensions");
  if (x->dtype() == DataType::string) return NodeImporter::unsupported("strings");
  HONE_ASSIGN_OR_RETURN(Value * row, indices_of(n, x, rank - 2));
  HONE_ASSIGN_OR_RETURN(Value * column, indices_of(n, x, rank - 1));
  HONE_ASSIGN_OR_RETURN(row, n.add("Unsqueeze", AxesAttributes{{1}}, {row}));
  HONE_ASSIGN_OR_RETURN(Value * distance, n.add("Sub", {}, {column, row}));
  const bool boolean = x->dtype() == DataType::boolean;
  Value* zero = n.scalar(0, x->dtype());
  for (const auto& [op, limit, bound] :
       {std::tuple("GreaterOrEqual", lower, -std::max<int64_t>(lower, 0)),
        std::tuple("LessOrEqual", upper, upper)}) {
    if (limit < 0) continue;
    HONE_ASSIGN_OR_RETURN(Value * keep,
                          n.add(op, {}, {distance, n.constant(Tensor::scalar<int64_t>(bound))}));
    HONE_ASSIGN_OR_RETURN(
        x, boolean ? n.add("And", {}, {x, keep}) : n.add("Where", {}, {keep, x, zero}));
  }
  if (lower < 0 && upper < 0) {
    HONE_ASSIGN_OR_RETURN(x, n.add("Identity", {}, {x}));
  }
  n.output(x);
  return ok();
}

constexpr OpImporter kTable[] = {
    {"ApproximateEqual", import_approximate_equal, ""},
    {"DivNoNan", import_div_no_nan, ""},
    {"Equal", import_same, "no strings", "Equal"},
    {"Greater", import_same, "", "Greater"},
    {"GreaterEqual", import_same, "", "GreaterOrEqual"},
    {"IsFinite", import_is_finite, ""},
    {"IsInf", import_same, "", "IsInf"},
    {"IsNan", import_same, "", "IsNaN"},
    {"Less", import_same, "", "Less"},
    {"LessEqual", import_same, "", "LessOrEqual"},
    {"LogicalAnd", import_same, "", "And"},
    {"LogicalNot", import_same, "", "Not"},
    {"LogicalOr", import_same, "", "Or"},
    {"MatrixBandPart", import_matrix_band_part, "constant bounds, no strings"},
    {"MulNoNan", import_mul_no_nan, ""},
    {"NotEqual", import_same, "no strings", "NotEqual"},
    {"Select", import_select, ""},
    {"SelectV2", import_same, "", "Where"},
    {"Xdivy", import_xdivy, ""},
    {"Xlog1py", import_xlog1py, ""},
    {"Xlogy", import_xlogy, ""},
};

}  // namespace

std::span<const OpImporter> logic_importers() { return kTable; }

}  // namespace hone::tf
