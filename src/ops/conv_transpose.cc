// ConvTranspose(data [N, spatial..., C], weights [O, spatial..., C / groups], [size]).
#include "ops/conv_transpose.h"

#include <fmt/format.h>

#include <algorithm>

#include "ops/conv_infer.h"
#include "ops/eval.h"
#include "ops/infer.h"
#include "ops/op_list.h"

namespace hone {
namespace {

Status infer_conv_transpose(InferContext& context) {
  const auto& attributes = context.attr<ConvTransposeAttributes>();
  HONE_RETURN_IF_ERROR(require_dtype(context, 0, is_float, "a floating point type"));
  if (context.dtype(1) != context.dtype(0)) {
    return Status(Code::kModel, "data and weights have different dtypes");
  }
  HONE_ASSIGN_OR_RETURN(const auto kernel, conv_kernel_sizes(context));
  HONE_ASSIGN_OR_RETURN(const auto windows, transposed_windows(attributes, kernel, {}, {}));
  HONE_RETURN_IF_ERROR(check_conv_channels(context, attributes.groups));
  const Shape& data = context.shape(0);
  std::vector<Dim> sizes;
  if (context.inputs.size() > 2) {
    HONE_ASSIGN_OR_RETURN(sizes, vector_dims(context, 2, "the size"));
    if (sizes.size() != windows.size()) {
      return Status(Code::kModel, fmt::format("the size has {} elements for {} spatial dimensions",
                                              sizes.size(), windows.size()));
    }
  }
  Shape shape = {data[0]};
  for (size_t i = 0; i < windows.size(); ++i) {
    const int64_t extra = attributes.output_padding.empty() ? 0 : attributes.output_padding[i];
    shape.push_back(sizes.empty()
                        ? transposed_output(data[i + 1], windows[i], extra, attributes.auto_pad)
                        : or_fresh(sizes[i], context));
  }
  shape.push_back(context.shape(1)[0]);
  context.set_output(context.dtype(0), std::move(shape));
  return ok();
}

// Missing spatial dimensions are put in front, so that there are always three.
struct TransposedProblem {
  int64_t input[3] = {1, 1, 1};
  int64_t output[3] = {1, 1, 1};
  Window windows[3];
  int64_t batch = 0, groups = 1, group_inputs = 0, group_outputs = 0;
};

// The data element that weight `k` brings to element `at` of the result along dimension d; -1 if
// there is none.
int64_t source(const TransposedProblem& p, int d, int64_t at, int64_t k) {
  const Window& window = p.windows[d];
  const int64_t place = at + window.pad_begin - k * window.dilation;
  if (place < 0 || place % window.stride != 0) return -1;
  const int64_t i = place / window.stride;
  return i < p.input[d] ? i : -1;
}

// One element: the sum over the kernel and the channels of group `g`, in double.
template <class T>
double transposed_element(const TransposedProblem& p, const T* image, const T* filter,
                          const int64_t (&at)[3], int64_t g) {
  const int64_t channels = p.group_inputs * p.groups;
  double sum = 0;
  for (int64_t k0 = 0; k0 < p.windows[0].kernel; ++k0) {
    const int64_t i0 = source(p, 0, at[0], k0);
    for (int64_t k1 = 0; k1 < p.windows[1].kernel; ++k1) {
      const int64_t i1 = source(p, 1, at[1], k1);
      for (int64_t k2 = 0; k2 < p.windows[2].kernel; ++k2, filter += p.group_inputs) {
        const int64_t i2 = source(p, 2, at[2], k2);
        if (i0 < 0 || i1 < 0 || i2 < 0) continue;
        const T* pixel =
            image + ((i0 * p.input[1] + i1) * p.input[2] + i2) * channels + g * p.group_inputs;
        for (int64_t c = 0; c < p.group_inputs; ++c) sum += widen(pixel[c]) * widen(filter[c]);
      }
    }
  }
  return sum;
}

template <class T>
void conv_transpose(const TransposedProblem& p, const T* data, const T* weights, T* to) {
  const int64_t image_size = p.input[0] * p.input[1] * p.input[2] * p.group_inputs * p.groups;
  const int64_t filter_size =
      p.windows[0].kernel * p.windows[1].kernel * p.windows[2].kernel * p.group_inputs;
  int64_t at[3];
  for (int64_t n = 0; n < p.batch; ++n) {
    for (at[0] = 0; at[0] < p.output[0]; ++at[0]) {
      for (at[1] = 0; at[1] < p.output[1]; ++at[1]) {
        for (at[2] = 0; at[2] < p.output[2]; ++at[2]) {
          for (int64_t o = 0; o < p.groups * p.group_outputs; ++o) {
            *to++ = narrow<T>(transposed_element(
                p, data + n * image_size, weights + o * filter_size, at, o / p.group_outputs));
          }
        }
      }
    }
  }
}

Status evaluate_conv_transpose(EvalContext& context) {
  const auto& attributes = context.attr<ConvTransposeAttributes>();
  const Tensor& data = context.inputs[0];
  const Tensor& weights = context.inputs[1];
  HONE_ASSIGN_OR_RETURN(Tensor * output, context.allocate_output());
  if (output->num_elements() == 0) return ok();
  const auto spatial = [](const Tensor& tensor) {
    return std::vector<int64_t>(tensor.shape().begin() + 1, tensor.shape().end() - 1);
  };
  const std::vector<int64_t> sizes = spatial(data), output_sizes = spatial(*output);
  HONE_ASSIGN_OR_RETURN(const auto windows,
                        transposed_windows(attributes, spatial(weights), sizes, output_sizes));
  TransposedProblem problem;
  const size_t shift = 3 - windows.size();
  for (size_t i = 0; i < windows.size(); ++i) {
    problem.input[i + shift] = sizes[i];
    problem.output[i + shift] = output_sizes[i];
    problem.windows[i + shift] = windows[i];
  }
  problem.batch = data.dim(0);
  problem.groups = attributes.groups;
  problem.group_inputs = weights.shape().back();
  problem.group_outputs = weights.dim(0) / attributes.groups;
  return with_type(data.dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    if constexpr (kIsFloat<T>) {
      conv_transpose(problem, elements<T>(data), elements<T>(weights), mutable_elements<T>(output));
    }
    return ok();
  });
}

constexpr int64_t kMaxExtra = int64_t{1} << 30;  // keeps sizes far from overflow

Status check_extra(const std::vector<int64_t>& extra, size_t rank) {
  if (extra.empty()) return ok();
  if (extra.size() != rank) {
    return Status(Code::kModel,
                  fmt::format("output_padding has {} entries instead of {}", extra.size(), rank));
  }
  for (int64_t value : extra) {
    if (value < 0 || value > kMaxExtra) {
      return Status(Code::kModel, fmt::format("output_padding has the entry {}", value));
    }
  }
  return ok();
}

}  // namespace

ConvAttributes forward_attributes(const ConvTransposeAttributes& attributes) {
  return {attributes.strides, attributes.dilations, attributes.pads, attributes.groups,
          attributes.auto_pad};
}

Result<std::vector<Window>> transposed_windows(const ConvTransposeAttributes& attributes,
                                               const std::vector<int64_t>& kernel,
                                               const std::vector<int64_t>& input_sizes,
                                               const std::vector<int64_t>& output_sizes) {
  HONE_ASSIGN_OR_RETURN(auto windows, explicit_windows(forward_attributes(attributes), kernel));
  const std::vector<int64_t>& extra = attributes.output_padding;
  HONE_RETURN_IF_ERROR(check_extra(extra, kernel.size()));
  const bool same = attributes.auto_pad.starts_with("same");
  for (size_t i = 0; same && i < windows.size() && !output_sizes.empty(); ++i) {
    Window& window = windows[i];
    const int64_t reach =
        (input_sizes[i] - 1) * window.stride + window.extent() + (extra.empty() ? 0 : extra[i]);
    const int64_t total = std::max<int64_t>(reach - output_sizes[i], 0);
    window.pad_begin = attributes.auto_pad == "same_upper" ? total / 2 : total - total / 2;
    window.pad_end = total - window.pad_begin;
  }
  return windows;
}

Dim transposed_output(const Dim& input, const Window& window, int64_t output_padding,
                      const std::string& auto_pad) {
  const Dim stride(window.stride);
  if (auto_pad.starts_with("same")) return input * stride;
  return (input - Dim(1)) * stride +
         Dim(window.extent() + output_padding - window.pad_begin - window.pad_end);
}

std::vector<OpDef> conv_transpose_ops() {
  return {{.name = "ConvTranspose",
           .summary = "Transposed convolution; inputs data [N, spatial..., C], weights [O, "
                      "spatial..., C/groups], optional size (of the result's spatial dimensions)",
           .min_inputs = 2,
           .max_inputs = 3,
           .defaults = ConvTransposeAttributes{},
           .infer = infer_conv_transpose,
           .evaluate = evaluate_conv_transpose}};
}

}  // namespace hone
