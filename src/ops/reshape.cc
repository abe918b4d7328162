// Reshape(data, shape): the same elements under another shape.
#include <fmt/format.h>

#include <map>
#include <set>

#include "ops/eval.h"
#include "ops/infer.h"
#include "ops/movement.h"
#include "ops/op_list.h"

namespace hone {
namespace {

constexpr size_t kNowhere = SIZE_MAX;

// The dimension that makes the number of elements right.
Result<Dim> missing_dim(const Dim& total, const Dim& others, InferContext& context) {
  if (others == Dim(0)) {
    return Status(Code::kShape, "the dimension -1 is not determined, for another one is 0");
  }
  if (auto quotient = divide_exact(total, others)) return *quotient;
  const Dim quotient = or_fresh(floor_div(total, others), context);
  HONE_RETURN_IF_ERROR(
      context.require_equal(quotient * others, total, "the number of elements changes"));
  return quotient;
}

// The wanted shape, from the attribute or the second input.
Result<Shape> wanted_dims(InferContext& context) {
  const std::string& text = context.attr<ReshapeAttributes>().shape;
  if (text.empty() == (context.inputs.size() < 2)) {
    return Status(Code::kModel, "it needs an input shape or an attribute shape, not both");
  }
  if (text.empty()) return vector_dims(context, 1, "the shape");
  HONE_ASSIGN_OR_RETURN(const Shape dims, parse_shape(text));
  std::map<std::string, Dim> values;
  for (size_t i = 0; i < context.shape(0).size(); ++i) {
    values.emplace(fmt::format("d{}", i), context.shape(0)[i]);
  }
  std::set<std::string> symbols;
  collect_symbols(dims, &symbols);
  for (const std::string& symbol : symbols) {
    if (values.contains(symbol)) continue;
    return Status(Code::kModel, fmt::format("there is no dimension {} in the data", symbol));
  }
  return substitute(dims, values);
}

// Puts input dimensions in place of zeros; finds the place of -1, if any. A single element that is
// not known is as good as -1.
Status read_target(Shape& dims, InferContext& context, size_t* missing) {
  const auto& attributes = context.attr<ReshapeAttributes>();
  const bool allow_zero = attributes.allowzero || !attributes.shape.empty();
  const Shape& input = context.shape(0);
  size_t unknown = kNowhere;
  int num_unknown = 0;
  *missing = kNowhere;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (!dims[i].is_valid()) {
      unknown = i;
      ++num_unknown;
    } else if (dims[i] == Dim(0) && !allow_zero) {
      if (i >= input.size()) {
        return Status(Code::kModel, fmt::format("element {} of the shape is 0, but the input has "
                                                "only {} dimensions",
                                                i, input.size()));
      }
      dims[i] = input[i];
    } else if (dims[i] == Dim(-1)) {
      if (*missing != kNowhere) return Status(Code::kModel, "the shape has more than one -1");
      *missing = i;
    } else if (dims[i].is_const() && dims[i].value() < -1) {
      return Status(Code::kModel, fmt::format("the shape has the element {}", dims[i].value()));
    }
  }
  if (*missing == kNowhere && num_unknown == 1) *missing = unknown;
  return ok();
}

Status infer_reshape(InferContext& context) {
  HONE_ASSIGN_OR_RETURN(Shape dims, wanted_dims(context));
  size_t missing = kNowhere;
  HONE_RETURN_IF_ERROR(read_target(dims, context, &missing));
  Dim others(1);
  for (size_t i = 0; i < dims.size(); ++i) {
    if (i == missing) continue;
    dims[i] = or_fresh(dims[i], context);
    others *= dims[i];
  }
  const Dim total = num_elements(context.shape(0));
  if (missing != kNowhere) {
    HONE_ASSIGN_OR_RETURN(dims[missing], missing_dim(total, others, context));
  } else {
    HONE_RETURN_IF_ERROR(context.require_equal(others, total, "the number of elements changes"));
  }
  context.set_output(context.dtype(0), std::move(dims), context.inputs[0].values);
  return ok();
}

}  // namespace

// Also what Squeeze and Unsqueeze do.
Status evaluate_reshape(EvalContext& context) {
  const auto shape = to_static(context.types[0].shape);
  if (!shape) return Status(Code::kInternal, "the shape is not known at evaluation");
  HONE_ASSIGN_OR_RETURN(int64_t size, checked_num_elements(*shape));
  if (size != context.inputs[0].num_elements()) {
    return Status(Code::kShape, "the number of elements changes");
  }
  context.outputs[0] = context.inputs[0].reshaped(*shape);
  return ok();
}

std::vector<OpDef> reshape_ops() {
  return {{.name = "Reshape",
           .summary = "The elements under another shape; inputs data, shape (0 copies a dimension, "
                      "-1 is computed) unless it is an attribute",
           .min_inputs = 1,
           .max_inputs = 2,
           .defaults = ReshapeAttributes{},
           .infer = infer_reshape,
           .evaluate = evaluate_reshape}};
}

}  // namespace hone
