// Gather(data, indices): slices of data along one axis, chosen by index.
#include <fmt/format.h>

#include "ops/eval.h"
#include "ops/infer.h"
#include "ops/movement.h"
#include "ops/op_list.h"

namespace hone {
namespace {

struct GatherAxes {
  int axis = 0;
  int batch_dims = 0;
};

Result<GatherAxes> gather_axes(const GatherAttributes& attributes, size_t data_rank,
                               size_t indices_rank) {
  GatherAxes axes;
  HONE_ASSIGN_OR_RETURN(axes.axis, resolve_axis(attributes.axis, data_rank));
  const auto rank = static_cast<int64_t>(indices_rank);
  const int64_t batch =
      attributes.batch_dims < 0 ? attributes.batch_dims + rank : attributes.batch_dims;
  if (batch < 0 || batch > rank || batch > axes.axis) {
    return Status(Code::kModel, fmt::format("batch_dims {} does not fit axis {} and indices of "
                                            "rank {}",
                                            attributes.batch_dims, axes.axis, rank));
  }
  axes.batch_dims = static_cast<int>(batch);
  return axes;
}

// Data is [batch, outer, dim, inner], indices are [batch, count], output is [batch, outer, count,
// inner].
template <class T, class Index>
Status gather(const Tensor& data, const Tensor& indices, const GatherAxes& axes, Tensor* output) {
  int64_t batch = 1, outer = 1, inner = 1, count = 1;
  for (int i = 0; i < axes.batch_dims; ++i) batch *= data.dim(i);
  for (int i = axes.batch_dims; i < axes.axis; ++i) outer *= data.dim(i);
  for (int i = axes.axis + 1; i < data.rank(); ++i) inner *= data.dim(i);
  for (int i = axes.batch_dims; i < indices.rank(); ++i) count *= indices.dim(i);
  const int64_t dim = data.dim(axes.axis);
  const T* from = elements<T>(data);
  T* to = mutable_elements<T>(output);
  if (output->num_elements() == 0) return ok();
  for (int64_t b = 0; b < batch; ++b) {
    const Index* list = elements<Index>(indices) + b * count;
    for (int64_t o = 0; o < outer; ++o) {
      const T* slices = from + (b * outer + o) * dim * inner;
      for (int64_t i = 0; i < count; ++i) {
        const auto named = static_cast<int64_t>(list[i]);
        const int64_t index = named < 0 ? named + dim : named;
        if (index < 0 || index >= dim) {
          return Status(Code::kShape,
                        fmt::format("index {} is out of range for a dimension of {}", named, dim));
        }
        to = std::copy_n(slices + index * inner, inner, to);
      }
    }
  }
  return ok();
}

Status evaluate_gather(EvalContext& context) {
  const Tensor& data = context.inputs[0];
  const Tensor& indices = context.inputs[1];
  HONE_ASSIGN_OR_RETURN(
      const GatherAxes axes,
      gather_axes(context.attr<GatherAttributes>(), data.shape().size(), indices.shape().size()));
  HONE_ASSIGN_OR_RETURN(Tensor * output, context.allocate_output());
  return with_storage(data.dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    return with_type(indices.dtype(), [&](auto index_type) -> Status {
      using Index = typename decltype(index_type)::type;
      if constexpr (std::is_integral_v<Index>) {
        return gather<T, Index>(data, indices, axes, output);
      }
      return Status(Code::kInternal, "the indices are not integers");
    });
  });
}

Status infer_gather(InferContext& context) {
  const Shape& data = context.shape(0);
  const Shape& indices = context.shape(1);
  HONE_RETURN_IF_ERROR(require_dtype(context, 1, is_integer, "an integer type"));
  HONE_ASSIGN_OR_RETURN(const GatherAxes axes,
                        gather_axes(context.attr<GatherAttributes>(), data.size(), indices.size()));
  for (int i = 0; i < axes.batch_dims; ++i) {
    HONE_RETURN_IF_ERROR(context.require_equal(data[i], indices[i], "batch sizes differ"));
  }
  TensorType type{context.dtype(0), {data.begin(), data.begin() + axes.axis}};
  type.shape.insert(type.shape.end(), indices.begin() + axes.batch_dims, indices.end());
  type.shape.insert(type.shape.end(), data.begin() + axes.axis + 1, data.end());
  DimValues values = moved_values(context, evaluate_gather, type);
  context.set_output(type.dtype, std::move(type.shape), std::move(values));
  return ok();
}

}  // namespace

std::vector<OpDef> gather_ops() {
  return {{.name = "Gather",
           .summary = "Slices along an axis, chosen by index; inputs data, indices (negative: from "
                      "the end)",
           .min_inputs = 2,
           .max_inputs = 2,
           .defaults = GatherAttributes{},
           .infer = infer_gather,
           .evaluate = evaluate_gather}};
}

}  // namespace hone
