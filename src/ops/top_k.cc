// TopK(data, k): the largest or smallest elements along an axis and their places.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "ops/eval.h"
#include "ops/infer.h"
#include "ops/op_list.h"
#include "ops/selection.h"

namespace hone {
namespace {

Status infer_top_k(InferContext& context) {
  const auto& attributes = context.attr<TopKAttributes>();
  HONE_RETURN_IF_ERROR(require_dtype(context, 0, is_number, "a number"));
  HONE_RETURN_IF_ERROR(require_dtype(context, 1, is_integer, "an integer type"));
  if (attributes.indices != DataType::i64 && attributes.indices != DataType::i32) {
    return Status(Code::kModel, "the indices are neither i64 nor i32");
  }
  Shape shape = context.shape(0);
  HONE_ASSIGN_OR_RETURN(const int axis, resolve_axis(attributes.axis, shape.size()));
  HONE_RETURN_IF_ERROR(
      context.require_equal(num_elements(context.shape(1)), Dim(1), "k is not a single number"));
  const auto values = element_dims(context, 1);
  const Dim k = or_fresh(values && values->size() == 1 ? values->front() : Dim::invalid(), context);
  if (k.is_const() && k.value() < 0) {
    return Status(Code::kModel, fmt::format("k is {}", k.value()));
  }
  if (always_lt(shape[axis], k)) {
    return Status(Code::kShape,
                  fmt::format("k is {}, the dimension {}", k.text(), shape[axis].text()));
  }
  shape[axis] = k;
  context.set_output(context.dtype(0), shape);
  context.set_output(attributes.indices, std::move(shape));
  return ok();
}

// A total order in which NaN is the largest.
template <class W>
bool is_less(W a, W b) {
  if (b != b) return a == a;
  return a < b;
}

template <class T, class Index>
void top_k(const Tensor& data, int axis, bool largest, int64_t k, Tensor* values, Tensor* indices) {
  const int64_t size = data.dim(axis);
  int64_t outer = 1, inner = 1;
  for (int i = 0; i < axis; ++i) outer *= data.dim(i);
  for (int i = axis + 1; i < data.rank(); ++i) inner *= data.dim(i);
  std::vector<int64_t> order(static_cast<size_t>(size));
  for (int64_t line = 0; line < outer * inner; ++line) {
    const int64_t o = line / inner, i = line % inner;
    const T* from = elements<T>(data) + o * size * inner + i;
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
      const auto x = widen(from[a * inner]), y = widen(from[b * inner]);
      return largest ? is_less(y, x) : is_less(x, y);
    });
    for (int64_t j = 0; j < k; ++j) {
      const int64_t to = (o * k + j) * inner + i;
      mutable_elements<T>(values)[to] = from[order[j] * inner];
      mutable_elements<Index>(indices)[to] = static_cast<Index>(order[j]);
    }
  }
}

Status evaluate_top_k(EvalContext& context) {
  const auto& attributes = context.attr<TopKAttributes>();
  const Tensor& data = context.inputs[0];
  HONE_ASSIGN_OR_RETURN(const int axis, resolve_axis(attributes.axis, data.shape().size()));
  const auto wanted = context.inputs[1].as_int64s();
  if (!wanted || wanted->size() != 1) return Status(Code::kShape, "k does not fit an integer");
  const int64_t k = wanted->front();
  if (k < 0 || k > data.dim(axis)) {
    return Status(Code::kShape, fmt::format("k is {}, the dimension {}", k, data.dim(axis)));
  }
  HONE_RETURN_IF_ERROR(context.allocate_output(0).status());
  HONE_RETURN_IF_ERROR(context.allocate_output(1).status());
  if (context.outputs[0].num_elements() == 0) return ok();
  return with_type(data.dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    Tensor *values = &context.outputs[0], *indices = &context.outputs[1];
    if (attributes.indices == DataType::i32) {
      top_k<T, int32_t>(data, axis, attributes.largest, k, values, indices);
    } else {
      top_k<T, int64_t>(data, axis, attributes.largest, k, values, indices);
    }
    return ok();
  });
}

}  // namespace

std::vector<OpDef> top_k_ops() {
  return {{.name = "TopK",
           .summary = "The k largest or smallest elements along an axis and their places; inputs "
                      "data, k",
           .min_inputs = 2,
           .max_inputs = 2,
           .num_outputs = 2,
           .defaults = TopKAttributes{},
           .infer = infer_top_k,
           .evaluate = evaluate_top_k}};
}

}  // namespace hone
