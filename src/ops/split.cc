// Split: the reverse of Concat; one output for each of `sizes`.
#include <fmt/format.h>

#include "ops/eval.h"
#include "ops/infer.h"
#include "ops/movement.h"
#include "ops/op_list.h"

namespace hone {
namespace {

constexpr size_t kMaxOutputs = 4096;

Status infer_split(InferContext& context) {
  const auto& attributes = context.attr<SplitAttributes>();
  const Shape& shape = context.shape(0);
  HONE_ASSIGN_OR_RETURN(const int axis, resolve_axis(attributes.axis, shape.size()));
  if (attributes.sizes.empty() || attributes.sizes.size() > kMaxOutputs) {
    return Status(Code::kModel, fmt::format("it has {} sizes", attributes.sizes.size()));
  }
  Dim total(0);
  for (int64_t size : attributes.sizes) {
    if (size < 0) return Status(Code::kModel, fmt::format("it has the size {}", size));
    total += Dim(size);
  }
  if (!total.is_valid()) return Status(Code::kModel, "the sizes are too large");
  HONE_RETURN_IF_ERROR(
      context.require_equal(shape[axis], total, "the sizes do not add up to the dimension"));
  const auto elements = shape.size() == 1 ? element_dims(context, 0) : std::nullopt;
  int64_t begin = 0;
  for (int64_t size : attributes.sizes) {
    Shape part = shape;
    part[axis] = Dim(size);
    DimValues values;
    if (elements && begin + size <= static_cast<int64_t>(elements->size())) {
      values = keep_values(context.dtype(0),
                           {elements->begin() + begin, elements->begin() + begin + size});
    }
    context.set_output(context.dtype(0), std::move(part), std::move(values));
    begin += size;
  }
  return ok();
}

Status evaluate_split(EvalContext& context) {
  const auto& attributes = context.attr<SplitAttributes>();
  const Tensor& input = context.inputs[0];
  HONE_ASSIGN_OR_RETURN(const int axis, resolve_axis(attributes.axis, input.shape().size()));
  const std::vector<int64_t> strides = dense_strides(input.shape());
  int64_t begin = 0;
  for (size_t i = 0; i < attributes.sizes.size(); ++i) {
    HONE_ASSIGN_OR_RETURN(Tensor * output, context.allocate_output(i));
    HONE_RETURN_IF_ERROR(copy_strided(input, begin * strides[axis], strides, output));
    begin += attributes.sizes[i];
  }
  return ok();
}

}  // namespace

std::vector<OpDef> split_ops() {
  return {{.name = "Split",
           .summary = "Parts of these sizes along one axis, one output each",
           .num_outputs = -1,
           .defaults = SplitAttributes{},
           .infer = infer_split,
           .evaluate = evaluate_split}};
}

}  // namespace hone
