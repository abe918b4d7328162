// Transpose: permuted dimensions.
#include <fmt/format.h>

#include "ops/eval.h"
#include "ops/infer.h"
#include "ops/movement.h"
#include "ops/op_list.h"

namespace hone {
namespace {

Result<std::vector<int>> permutation(const TransposeAttributes& attributes, size_t rank) {
  std::vector<int> perm;
  for (int64_t axis : attributes.perm) {
    HONE_ASSIGN_OR_RETURN(int positive, resolve_axis(axis, rank));
    perm.push_back(positive);
  }
  if (attributes.perm.empty()) {
    for (size_t i = rank; i-- > 0;) perm.push_back(static_cast<int>(i));
  }
  HONE_ASSIGN_OR_RETURN(auto sorted, resolve_axes(attributes.perm, rank));
  if (perm.size() != rank) {
    return Status(Code::kModel, fmt::format("perm has {} entries for rank {}", perm.size(), rank));
  }
  return perm;
}

Status evaluate_transpose(EvalContext& context) {
  const Tensor& input = context.inputs[0];
  HONE_ASSIGN_OR_RETURN(const auto perm,
                        permutation(context.attr<TransposeAttributes>(), input.shape().size()));
  HONE_ASSIGN_OR_RETURN(Tensor * output, context.allocate_output());
  const std::vector<int64_t> dense = dense_strides(input.shape());
  std::vector<int64_t> strides;
  for (int axis : perm) strides.push_back(dense[axis]);
  return copy_strided(input, 0, strides, output);
}

Status infer_transpose(InferContext& context) {
  HONE_ASSIGN_OR_RETURN(const auto perm,
                        permutation(context.attr<TransposeAttributes>(), context.shape(0).size()));
  TensorType type{context.dtype(0), {}};
  for (int axis : perm) type.shape.push_back(context.shape(0)[axis]);
  DimValues values = moved_values(context, evaluate_transpose, type);
  context.set_output(type.dtype, std::move(type.shape), std::move(values));
  return ok();
}

}  // namespace

std::vector<OpDef> transpose_ops() {
  return {
      {.name = "Transpose",
       .summary = "Dimension i of the result is dimension perm[i] of the input; empty: reversed",
       .defaults = TransposeAttributes{},
       .infer = infer_transpose,
       .evaluate = evaluate_transpose}};
}

}  // namespace hone
