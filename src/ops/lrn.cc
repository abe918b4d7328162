// LRN: local response normalization across channels (AlexNet, GoogLeNet).
#include "ops/lrn.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ops/eval.h"
#include "ops/infer.h"
#include "ops/op_list.h"

namespace hone {
namespace {

Status infer_lrn(InferContext& context) {
  HONE_RETURN_IF_ERROR(require_dtype(context, 0, is_float, "a floating point type"));
  const int64_t size = context.attr<LrnAttributes>().size;
  if (size < 1) return Status(Code::kModel, fmt::format("size is {}, not positive", size));
  if (context.shape(0).empty()) return Status(Code::kModel, "a scalar has no channels");
  context.set_output(context.dtype(0), context.shape(0));
  return ok();
}

template <class T>
void lrn_row(const LrnAttributes& attributes, const T* from, T* to, int64_t channels) {
  const int64_t before = (attributes.size - 1) / 2, after = attributes.size / 2;
  for (int64_t c = 0; c < channels; ++c) {
    double squares = 0;
    const int64_t first = c < before ? 0 : c - before;
    const int64_t last = channels - c <= after ? channels - 1 : c + after;
    for (int64_t i = first; i <= last; ++i) {
      const double x = widen(from[i]);
      squares += x * x;
    }
    const double scaled = attributes.alpha / static_cast<double>(attributes.size) * squares;
    to[c] = narrow<T>(widen(from[c]) * std::pow(attributes.bias + scaled, -attributes.beta));
  }
}

Status evaluate_lrn(EvalContext& context) {
  const Tensor& data = context.inputs[0];
  HONE_ASSIGN_OR_RETURN(Tensor * output, context.allocate_output());
  if (output->num_elements() == 0) return ok();
  const int64_t channels = data.dim(data.rank() - 1), rows = data.num_elements() / channels;
  return with_type(data.dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    if constexpr (kIsFloat<T>) {
      for (int64_t row = 0; row < rows; ++row) {
        lrn_row(context.attr<LrnAttributes>(), elements<T>(data) + row * channels,
                mutable_elements<T>(output) + row * channels, channels);
      }
    }
    return ok();
  });
}

}  // namespace

std::vector<OpDef> lrn_ops() {
  return {{.name = "LRN",
           .summary = "x divided by a power of the sum of squares of neighbouring channels",
           .defaults = LrnAttributes{},
           .infer = infer_lrn,
           .evaluate = evaluate_lrn}};
}

}  // namespace hone
