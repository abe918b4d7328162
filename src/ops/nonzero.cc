// NonZero(data): the places of the elements that are not zero, one column each, in row-major order;
// Compress(data, condition): the slices along an axis (or the elements) for which it holds;
// Unique(data): the different elements of a vector.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "ops/eval.h"
#include "ops/infer.h"
#include "ops/movement.h"
#include "ops/op_list.h"
#include "ops/selection.h"

namespace hone {
namespace {

Status infer_nonzero(InferContext& context) {
  if (context.dtype(0) == DataType::string) return Status(Code::kModel, "the input has strings");
  const auto rank = static_cast<int64_t>(context.shape(0).size());
  context.set_output(DataType::i64, {Dim(rank), context.symbols->fresh()});
  return ok();
}

Status evaluate_nonzero(EvalContext& context) {
  const Tensor& data = context.inputs[0];
  std::vector<int64_t> places;
  HONE_RETURN_IF_ERROR(with_type(data.dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    for (int64_t i = 0; i < data.num_elements(); ++i) {
      if (widen(elements<T>(data)[i]) != 0) places.push_back(i);
    }
    return ok();
  }));
  const auto count = static_cast<int64_t>(places.size());
  std::vector<int64_t> columns(places.size() * data.shape().size());
  const std::vector<int64_t> strides = dense_strides(data.shape());
  for (int64_t d = 0; d < data.rank(); ++d) {
    for (int64_t i = 0; i < count; ++i) {
      columns[d * count + i] = places[i] / strides[d] % data.dim(static_cast<int>(d));
    }
  }
  context.outputs[0] = Tensor::from({data.rank(), count}, columns);
  return ok();
}

Status infer_compress(InferContext& context) {
  Shape shape = context.shape(0);
  HONE_ASSIGN_OR_RETURN(const int axis,
                        resolve_axis(context.attr<CompressAttributes>().axis, shape.size()));
  if (context.dtype(1) != DataType::boolean) {
    return Status(Code::kModel, "the condition is not boolean");
  }
  HONE_RETURN_IF_ERROR(require_rank(context, 1, 1));
  if (always_lt(shape[axis], context.shape(1)[0])) {
    return Status(Code::kShape, "the condition is longer than the axis");
  }
  shape[axis] = context.symbols->fresh();
  context.set_output(context.dtype(0), std::move(shape));
  return ok();
}

Status evaluate_compress(EvalContext& context) {
  const Tensor& data = context.inputs[0];
  const Tensor& condition = context.inputs[1];
  HONE_ASSIGN_OR_RETURN(const int axis,
                        resolve_axis(context.attr<CompressAttributes>().axis, data.shape().size()));
  const int64_t size = data.dim(axis);
  if (condition.dim(0) > size) {
    return Status(Code::kShape, fmt::format("a condition of {} elements for a dimension of {}",
                                            condition.dim(0), size));
  }
  std::vector<int64_t> shape = data.shape();
  const bool* flags = condition.data<bool>();
  shape[axis] = std::count(flags, flags + condition.dim(0), true);
  context.types[0].shape = to_shape(shape);
  HONE_ASSIGN_OR_RETURN(Tensor * output, context.allocate_output());
  if (output->num_elements() == 0) return ok();
  int64_t inner = 1;
  for (int i = axis + 1; i < data.rank(); ++i) inner *= data.dim(i);
  return with_storage(data.dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    T* to = mutable_elements<T>(output);
    for (int64_t o = 0; o < data.num_elements() / (size * inner); ++o) {
      for (int64_t k = 0; k < condition.dim(0); ++k) {
        if (flags[k]) to = std::copy_n(elements<T>(data) + (o * size + k) * inner, inner, to);
      }
    }
    return ok();
  });
}

// --- Unique: values, first places, inverse (the place in values of each element), counts.

Status infer_unique(InferContext& context) {
  HONE_RETURN_IF_ERROR(require_dtype(context, 0, is_number, "a number"));
  HONE_RETURN_IF_ERROR(require_rank(context, 0, 1));
  const Dim count = context.symbols->fresh();
  context.set_output(context.dtype(0), {count});
  context.set_output(DataType::i64, {count});
  context.set_output(DataType::i64, context.shape(0));
  context.set_output(DataType::i64, {count});
  return ok();
}

template <class T>
void unique(const Tensor& data, bool sorted, EvalContext& context) {
  const T* from = elements<T>(data);
  const int64_t size = data.num_elements();
  std::vector<int64_t> order(static_cast<size_t>(size));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    const auto x = widen(from[a]), y = widen(from[b]);
    return y != y ? x == x : x < y;
  });
  // Groups of equal elements, each in order; a NaN equals none.
  std::vector<std::vector<int64_t>> groups;
  for (int64_t i : order) {
    if (groups.empty() || widen(from[groups.back()[0]]) != widen(from[i])) groups.emplace_back();
    groups.back().push_back(i);
  }
  if (!sorted) {
    std::sort(groups.begin(), groups.end(), [](auto& a, auto& b) { return a[0] < b[0]; });
  }
  const auto count = static_cast<int64_t>(groups.size());
  std::vector<int64_t> first, inverse(static_cast<size_t>(size)), counts;
  Tensor values = Tensor::empty(data.dtype(), {count});
  for (int64_t g = 0; g < count; ++g) {
    mutable_elements<T>(&values)[g] = from[groups[g][0]];
    first.push_back(groups[g][0]);
    counts.push_back(static_cast<int64_t>(groups[g].size()));
    for (int64_t i : groups[g]) inverse[i] = g;
  }
  context.outputs = {values, Tensor::from({count}, first), Tensor::from({size}, inverse),
                     Tensor::from({count}, counts)};
}

Status evaluate_unique(EvalContext& context) {
  const bool sorted = context.attr<UniqueAttributes>().sorted;
  return with_type(context.inputs[0].dtype(), [&](auto type) {
    unique<typename decltype(type)::type>(context.inputs[0], sorted, context);
    return ok();
  });
}

}  // namespace

std::vector<OpDef> nonzero_ops() {
  return {{.name = "NonZero",
           .summary = "Places of the elements that are not zero, one column each",
           .infer = infer_nonzero,
           .evaluate = evaluate_nonzero},
          {.name = "Compress",
           .summary = "Slices along an axis for which a condition holds; inputs data, condition",
           .min_inputs = 2,
           .max_inputs = 2,
           .defaults = CompressAttributes{},
           .infer = infer_compress,
           .evaluate = evaluate_compress},
          {.name = "Unique",
           .summary = "The different elements of a vector, their first places, the place among "
                      "them of each element, and how often they occur",
           .num_outputs = 4,
           .defaults = UniqueAttributes{},
           .infer = infer_unique,
           .evaluate = evaluate_unique}};
}

}  // namespace hone
