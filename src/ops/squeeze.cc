// Squeeze and Unsqueeze: dimensions of size 1 vanish and appear.
#include <fmt/format.h>

#include <algorithm>

#include "ops/infer.h"
#include "ops/movement.h"
#include "ops/op_list.h"

namespace hone {

Status evaluate_reshape(EvalContext& context);  // reshape.cc

namespace {

Result<std::vector<int>> squeezed_axes(const InferContext& context) {
  const Shape& shape = context.shape(0);
  const std::vector<int64_t>& named = context.attr<AxesAttributes>().axes;
  if (!named.empty()) return resolve_axes(named, shape.size());
  std::vector<int> axes;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == Dim(1)) axes.push_back(static_cast<int>(i));
    if (shape[i].is_const() || shape[i].lower_bound().value_or(0) > 1) continue;
    return Status(Code::kUnsupported,
                  fmt::format("no axes are named and the shape is {}", shape_text(shape)))
        .because("the rank of the result would depend on sizes at run time");
  }
  return axes;
}

Status infer_squeeze(InferContext& context) {
  HONE_ASSIGN_OR_RETURN(const std::vector<int> axes, squeezed_axes(context));
  Shape shape;
  for (size_t i = 0; i < context.shape(0).size(); ++i) {
    const Dim& dim = context.shape(0)[i];
    if (std::find(axes.begin(), axes.end(), static_cast<int>(i)) == axes.end()) {
      shape.push_back(dim);
    } else {
      HONE_RETURN_IF_ERROR(context.require_equal(dim, Dim(1), "a squeezed dimension is not 1"));
    }
  }
  context.set_output(context.dtype(0), std::move(shape), context.inputs[0].values);
  return ok();
}

Status infer_unsqueeze(InferContext& context) {
  const std::vector<int64_t>& named = context.attr<AxesAttributes>().axes;
  HONE_ASSIGN_OR_RETURN(const std::vector<int> axes,
                        resolve_axes(named, context.shape(0).size() + named.size()));
  Shape shape = context.shape(0);
  for (int axis : axes) shape.insert(shape.begin() + axis, Dim(1));
  context.set_output(context.dtype(0), std::move(shape), context.inputs[0].values);
  return ok();
}

}  // namespace

std::vector<OpDef> squeeze_ops() {
  return {{.name = "Squeeze",
           .summary = "Removes dimensions of size 1; no axes: all of them",
           .defaults = AxesAttributes{},
           .infer = infer_squeeze,
           .evaluate = evaluate_reshape},
          {.name = "Unsqueeze",
           .summary = "Inserts dimensions of size 1 at these places of the result",
           .defaults = AxesAttributes{},
           .infer = infer_unsqueeze,
           .evaluate = evaluate_reshape}};
}

}  // namespace hone
