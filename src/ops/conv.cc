// Conv(data [N, spatial..., C], weights [O, spatial..., C / groups], [bias [O]]).
#include <fmt/format.h>

#include "ops/conv_infer.h"
#include "ops/eval.h"
#include "ops/infer.h"
#include "ops/op_list.h"
#include "ops/spatial.h"

namespace hone {
namespace {

Status check_conv_dtypes(const InferContext& context) {
  HONE_RETURN_IF_ERROR(require_dtype(context, 0, is_float, "a floating point type"));
  for (size_t i = 1; i < context.inputs.size(); ++i) {
    if (context.dtype(i) != context.dtype(0)) {
      return Status(Code::kModel, "data, weights and bias have different dtypes");
    }
  }
  return ok();
}

Status infer_conv(InferContext& context) {
  const auto& attributes = context.attr<ConvAttributes>();
  const Shape& data = context.shape(0);
  const Shape& weights = context.shape(1);
  HONE_RETURN_IF_ERROR(check_conv_dtypes(context));
  HONE_ASSIGN_OR_RETURN(const std::vector<int64_t> kernel, conv_kernel_sizes(context));
  HONE_ASSIGN_OR_RETURN(const std::vector<Window> windows, explicit_windows(attributes, kernel));
  HONE_RETURN_IF_ERROR(check_conv_channels(context, attributes.groups));
  if (context.inputs.size() > 2) {
    HONE_RETURN_IF_ERROR(require_rank(context, 2, 1));
    HONE_RETURN_IF_ERROR(
        context.require_equal(context.shape(2)[0], weights[0], "size of the bias"));
  }
  Shape shape = {data[0]};
  for (size_t i = 0; i < windows.size(); ++i) {
    shape.push_back(window_output(data[i + 1], windows[i], attributes.auto_pad, false));
  }
  shape.push_back(weights[0]);
  context.set_output(context.dtype(0), std::move(shape));
  return ok();
}

// Missing spatial dimensions are put in front, so that there are always three.
struct ConvProblem {
  int64_t input[3] = {1, 1, 1};
  int64_t output[3] = {1, 1, 1};
  Window windows[3];
  int64_t batch = 0, groups = 1, group_inputs = 0, group_outputs = 0;
};

// One element: the sum over the kernel and the channels of group `g`, in double.
template <class T>
double conv_element(const ConvProblem& p, const T* image, const T* filter, const int64_t (&at)[3],
                    int64_t g) {
  const int64_t channels = p.group_inputs * p.groups;
  double sum = 0;
  for (int64_t k0 = 0; k0 < p.windows[0].kernel; ++k0) {
    const int64_t i0 =
        at[0] * p.windows[0].stride - p.windows[0].pad_begin + k0 * p.windows[0].dilation;
    for (int64_t k1 = 0; k1 < p.windows[1].kernel; ++k1) {
      const int64_t i1 =
          at[1] * p.windows[1].stride - p.windows[1].pad_begin + k1 * p.windows[1].dilation;
      for (int64_t k2 = 0; k2 < p.windows[2].kernel; ++k2, filter += p.group_inputs) {
        const int64_t i2 =
            at[2] * p.windows[2].stride - p.windows[2].pad_begin + k2 * p.windows[2].dilation;
        if (i0 < 0 || i0 >= p.input[0] || i1 < 0 || i1 >= p.input[1] || i2 < 0 ||
            i2 >= p.input[2]) {
          continue;
        }
        const T* pixel =
            image + ((i0 * p.input[1] + i1) * p.input[2] + i2) * channels + g * p.group_inputs;
        for (int64_t c = 0; c < p.group_inputs; ++c) sum += widen(pixel[c]) * widen(filter[c]);
      }
    }
  }
  return sum;
}

template <class T>
void conv(const ConvProblem& p, const T* data, const T* weights, const T* bias, T* to) {
  const int64_t image_size = p.input[0] * p.input[1] * p.input[2] * p.group_inputs * p.groups;
  const int64_t filter_size =
      p.windows[0].kernel * p.windows[1].kernel * p.windows[2].kernel * p.group_inputs;
  int64_t at[3];
  for (int64_t n = 0; n < p.batch; ++n) {
    for (at[0] = 0; at[0] < p.output[0]; ++at[0]) {
      for (at[1] = 0; at[1] < p.output[1]; ++at[1]) {
        for (at[2] = 0; at[2] < p.output[2]; ++at[2]) {
          for (int64_t o = 0; o < p.groups * p.group_outputs; ++o) {
            const double sum = conv_element(p, data + n * image_size, weights + o * filter_size, at,
                                            o / p.group_outputs);
            *to++ = narrow<T>(bias ? sum + widen(bias[o]) : sum);
          }
        }
      }
    }
  }
}

Status evaluate_conv(EvalContext& context) {
  const auto& attributes = context.attr<ConvAttributes>();
  const Tensor& data = context.inputs[0];
  const Tensor& weights = context.inputs[1];
  const std::vector<int64_t> kernel(weights.shape().begin() + 1, weights.shape().end() - 1);
  const std::vector<int64_t> sizes(data.shape().begin() + 1, data.shape().end() - 1);
  HONE_ASSIGN_OR_RETURN(const auto windows, resolve_windows(attributes, kernel, sizes));
  HONE_ASSIGN_OR_RETURN(Tensor * output, context.allocate_output());
  if (output->num_elements() == 0) return ok();
  ConvProblem problem;
  const size_t shift = 3 - windows.size();
  for (size_t i = 0; i < windows.size(); ++i) {
    problem.input[i + shift] = sizes[i];
    problem.output[i + shift] = output->shape()[i + 1];
    problem.windows[i + shift] = windows[i];
  }
  problem.batch = data.dim(0);
  problem.groups = attributes.groups;
  problem.group_inputs = weights.shape().back();
  problem.group_outputs = weights.dim(0) / attributes.groups;
  return with_type(data.dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    if constexpr (kIsFloat<T>) {
      const T* bias = context.inputs.size() > 2 ? elements<T>(context.inputs[2]) : nullptr;
      conv(problem, elements<T>(data), elements<T>(weights), bias, mutable_elements<T>(output));
    }
    return ok();
  });
}

}  // namespace

std::vector<OpDef> conv_ops() {
  return {{.name = "Conv",
           .summary = "Convolution; inputs data [N, spatial..., C], weights [O, spatial..., "
                      "C/groups], optional bias [O]",
           .min_inputs = 2,
           .max_inputs = 3,
           .defaults = ConvAttributes{},
           .infer = infer_conv,
           .evaluate = evaluate_conv}};
}

}  // namespace hone
