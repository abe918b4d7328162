// Tile(data, repeats): repetition along every axis.
#include <fmt/format.h>

#include "ops/eval.h"
#include "ops/infer.h"
#include "ops/op_list.h"

namespace hone {
namespace {

// The output seen as [repeat 0, dim 0, repeat 1, dim 1, ...], where repeats have stride 0.
Status evaluate_tile(EvalContext& context) {
  const Tensor& input = context.inputs[0];
  const auto repeats = context.inputs[1].as_int64s();
  HONE_ASSIGN_OR_RETURN(Tensor * output, context.allocate_output());
  const std::vector<int64_t> dense = dense_strides(input.shape());
  std::vector<int64_t> shape, strides;
  for (int i = 0; i < input.rank(); ++i) {
    if (!repeats || (*repeats)[i] * input.dim(i) != output->dim(i)) {
      return Status(Code::kShape, "the result has another shape");
    }
    shape.insert(shape.end(), {(*repeats)[i], input.dim(i)});
    strides.insert(strides.end(), {0, dense[i]});
  }
  const std::vector<int64_t> output_shape = output->shape();
  HONE_ASSIGN_OR_RETURN(Tensor tiled, Tensor::allocate(output->dtype(), std::move(shape)));
  HONE_RETURN_IF_ERROR(copy_strided(input, 0, strides, &tiled));
  *output = tiled.reshaped(output_shape);
  return ok();
}

Status infer_tile(InferContext& context) {
  HONE_ASSIGN_OR_RETURN(const std::vector<Dim> repeats, vector_dims(context, 1, "repeats"));
  TensorType type = context.inputs[0].type;
  if (repeats.size() != type.shape.size()) {
    return Status(Code::kModel, fmt::format("repeats has {} elements for rank {}", repeats.size(),
                                            type.shape.size()));
  }
  for (size_t i = 0; i < repeats.size(); ++i) {
    if (repeats[i].is_const() && repeats[i].value() < 0) {
      return Status(Code::kModel, "repeats has a negative element");
    }
    type.shape[i] = or_fresh(type.shape[i] * repeats[i], context);
  }
  DimValues values = moved_values(context, evaluate_tile, type);
  context.set_output(type.dtype, std::move(type.shape), std::move(values));
  return ok();
}

}  // namespace

std::vector<OpDef> tile_ops() {
  return {{.name = "Tile",
           .summary = "Repeats the data along every axis; inputs data, repeats",
           .min_inputs = 2,
           .max_inputs = 2,
           .infer = infer_tile,
           .evaluate = evaluate_tile}};
}

}  // namespace hone
