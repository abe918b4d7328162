// Concat: inputs side by side along one axis.
#include <fmt/format.h>

#include "ops/eval.h"
#include "ops/infer.h"
#include "ops/movement.h"
#include "ops/op_list.h"

namespace hone {
namespace {

// Vectors only: what Shape -> Concat -> Reshape chains need. Unknown parts give unknown elements.
DimValues joined_values(const InferContext& context) {
  std::vector<Dim> values;
  if (!is_integer(context.dtype(0)) || context.shape(0).size() != 1) return std::nullopt;
  for (size_t i = 0; i < context.inputs.size(); ++i) {
    const Dim& size = context.shape(i)[0];
    if (!size.is_const() || size.value() > static_cast<int64_t>(kMaxDimValues)) return std::nullopt;
    auto part = element_dims(context, i);
    if (!part || static_cast<int64_t>(part->size()) != size.value()) {
      part.emplace(size.value(), Dim::invalid());
    }
    values.insert(values.end(), part->begin(), part->end());
  }
  return keep_values(context.dtype(0), std::move(values));
}

Status infer_concat(InferContext& context) {
  Shape shape = context.shape(0);
  HONE_ASSIGN_OR_RETURN(const int axis,
                        resolve_axis(context.attr<ConcatAttributes>().axis, shape.size()));
  for (size_t i = 1; i < context.inputs.size(); ++i) {
    const Shape& other = context.shape(i);
    if (other.size() != shape.size() || context.dtype(i) != context.dtype(0)) {
      return Status(Code::kModel, fmt::format("input 0 is {} and input {} is {}",
                                              type_text(context.inputs[0].type), i,
                                              type_text(context.inputs[i].type)))
          .because("rank and dtype must be the same");
    }
    for (size_t k = 0; k < shape.size(); ++k) {
      if (static_cast<int>(k) == axis) {
        shape[k] += other[k];
      } else {
        HONE_RETURN_IF_ERROR(context.require_equal(shape[k], other[k], "inputs differ in size"));
        if (other[k].is_const()) shape[k] = other[k];
      }
    }
  }
  context.set_output(context.dtype(0), std::move(shape), joined_values(context));
  return ok();
}

Status evaluate_concat(EvalContext& context) {
  HONE_ASSIGN_OR_RETURN(Tensor * output, context.allocate_output());
  const std::vector<int64_t>& shape = output->shape();
  HONE_ASSIGN_OR_RETURN(const int axis,
                        resolve_axis(context.attr<ConcatAttributes>().axis, shape.size()));
  int64_t outer = 1, inner = 1;
  for (int i = 0; i < axis; ++i) outer *= shape[i];
  for (size_t i = axis + 1; i < shape.size(); ++i) inner *= shape[i];
  return with_storage(output->dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    T* to = mutable_elements<T>(output);
    for (int64_t row = 0; row < outer; ++row) {
      for (const Tensor& input : context.inputs) {
        const int64_t count = input.dim(axis) * inner;
        const T* from = elements<T>(input) + row * count;
        to = std::copy(from, from + count, to);
      }
    }
    return ok();
  });
}

}  // namespace

std::vector<OpDef> concat_ops() {
  return {{.name = "Concat",
           .summary = "The inputs side by side along one axis",
           .min_inputs = 1,
           .max_inputs = -1,
           .defaults = ConcatAttributes{},
           .infer = infer_concat,
           .evaluate = evaluate_concat}};
}

}  // namespace hone
