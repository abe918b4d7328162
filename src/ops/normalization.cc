// LayerNormalization and RMSNormalization: elements brought to mean 0 and deviation 1, or to a mean
// square of 1, along axes.
#include "ops/normalization.h"

#include <fmt/format.h>

#include <algorithm>

#include "ops/eval.h"
#include "ops/infer.h"
#include "ops/op_list.h"

namespace hone {
namespace {

Status infer_normalization(InferContext& context) {
  HONE_RETURN_IF_ERROR(require_dtype(context, 0, is_float, "a floating point type"));
  const Shape& data = context.shape(0);
  const auto& attributes = context.attr<NormalizationAttributes>();
  if (attributes.axes.empty()) return Status(Code::kModel, "there are no axes");
  HONE_RETURN_IF_ERROR(resolve_axes(attributes.axes, data.size()).status());
  for (size_t i = 1; i < context.inputs.size(); ++i) {
    if (context.dtype(i) != context.dtype(0)) return Status(Code::kModel, "the dtypes differ");
    const Shape& shape = context.shape(i);
    if (shape.size() > data.size()) {
      return Status(Code::kModel, fmt::format("input {} has a higher rank than the data", i));
    }
    for (size_t d = 0; d < shape.size(); ++d) {
      if (shape[d] == Dim(1)) continue;
      HONE_RETURN_IF_ERROR(context.require_equal(shape[d], data[data.size() - shape.size() + d],
                                                 "a scale or bias does not broadcast to the data"));
    }
  }
  context.set_output(context.dtype(0), data);
  return ok();
}

// What is subtracted from each element of a row, and what it is multiplied with then.
struct Statistics {
  double mean = 0, factor = 0;
};

// `walk` visits the elements of the row, in order, as often as it is called.
template <bool kCentred, class Walk>
Statistics statistics(const Walk& walk, int64_t count, double epsilon) {
  Statistics result;
  if (kCentred) {
    walk([&](double x) { result.mean += x; });
    result.mean /= static_cast<double>(count);
  }
  double squares = 0;
  walk([&](double x) { squares += (x - result.mean) * (x - result.mean); });
  result.factor = 1 / std::sqrt(squares / static_cast<double>(count) + epsilon);
  return result;
}

// The index space of the data, cut into the rows of one statistic each.
struct Rows {
  std::vector<int64_t> outer_shape, inner_shape;
  std::vector<std::vector<int64_t>> outer, inner;  // strides of data, scale, bias
  int64_t count = 1;
};

Rows make_rows(const EvalContext& context, const std::vector<int>& axes) {
  const std::vector<int64_t>& shape = context.inputs[0].shape();
  Rows rows;
  for (size_t d = 0; d < shape.size(); ++d) {
    const bool inside = std::find(axes.begin(), axes.end(), static_cast<int>(d)) != axes.end();
    (inside ? rows.inner_shape : rows.outer_shape).push_back(shape[d]);
    if (inside) rows.count *= shape[d];
  }
  for (const Tensor& input : context.inputs) {
    const std::vector<int64_t> strides = broadcast_strides(input.shape(), shape);
    auto& outer = rows.outer.emplace_back();
    auto& inner = rows.inner.emplace_back();
    for (size_t d = 0; d < shape.size(); ++d) {
      const bool inside = std::find(axes.begin(), axes.end(), static_cast<int>(d)) != axes.end();
      (inside ? inner : outer).push_back(strides[d]);
    }
  }
  return rows;
}

template <bool kCentred, class T>
void normalize(const EvalContext& context, const Rows& rows, double epsilon, T* to) {
  std::vector<const T*> data;
  for (const Tensor& input : context.inputs) data.push_back(elements<T>(input));
  const size_t operands = data.size();
  const auto one_row = [&](const std::vector<int64_t>& begin) {
    const auto each = [&](auto visit) {
      for_each_row(rows.inner_shape, rows.inner, [&](const int64_t* offsets, int64_t count) {
        for (int64_t i = 0; i < count; ++i) {
          int64_t at[3] = {};
          for (size_t k = 0; k < operands; ++k) {
            at[k] = begin[k] + offsets[k] + i * row_stride(rows.inner[k]);
          }
          visit(at);
        }
      });
    };
    const Statistics s = statistics<kCentred>(
        [&](auto visit) { each([&](const int64_t* at) { visit(widen(data[0][at[0]])); }); },
        rows.count, epsilon);
    each([&](const int64_t* at) {
      double y = (widen(data[0][at[0]]) - s.mean) * s.factor;
      if (operands > 1) y *= widen(data[1][at[1]]);
      if (operands > 2) y += widen(data[2][at[2]]);
      to[at[0]] = narrow<T>(y);
    });
  };
  for_each_row(rows.outer_shape, rows.outer, [&](const int64_t* offsets, int64_t count) {
    std::vector<int64_t> begin(offsets, offsets + operands);
    for (int64_t i = 0; i < count; ++i) {
      one_row(begin);
      for (size_t k = 0; k < operands; ++k) begin[k] += row_stride(rows.outer[k]);
    }
  });
}

template <bool kCentred>
Status evaluate_normalization(EvalContext& context) {
  const auto& attributes = context.attr<NormalizationAttributes>();
  HONE_ASSIGN_OR_RETURN(const std::vector<int> axes,
                        resolve_axes(attributes.axes, context.inputs[0].shape().size()));
  HONE_ASSIGN_OR_RETURN(Tensor * output, context.allocate_output());
  if (output->num_elements() == 0) return ok();
  const Rows rows = make_rows(context, axes);
  return with_type(output->dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    if constexpr (kIsFloat<T>) {
      normalize<kCentred>(context, rows, attributes.epsilon, mutable_elements<T>(output));
    }
    return ok();
  });
}

}  // namespace

std::vector<OpDef> normalization_ops() {
  return {
      {.name = "LayerNormalization",
       .summary = "(x - mean) / sqrt(variance + epsilon) * scale + bias, with mean and variance "
                  "over axes; inputs x, optional scale, bias, which broadcast to x",
       .max_inputs = 3,
       .defaults = NormalizationAttributes{},
       .infer = infer_normalization,
       .evaluate = evaluate_normalization<true>},
      {.name = "RMSNormalization",
       .summary = "x / sqrt(mean of x^2 + epsilon) * scale, with the mean over axes; inputs x, "
                  "optional scale, which broadcasts to x",
       .max_inputs = 2,
       .defaults = NormalizationAttributes{},
       .infer = infer_normalization,
       .evaluate = evaluate_normalization<false>}};
}

}  // namespace hone
