#include "ops/conv_infer.h"

#include <fmt/format.h>

#include "ops/infer.h"

namespace hone {

Result<std::vector<int64_t>> conv_kernel_sizes(const InferContext& context) {
  const Shape& data = context.shape(0);
  const Shape& weights = context.shape(1);
  if (data.size() < 3 || data.size() > 5 || weights.size() != data.size()) {
    return Status(Code::kUnsupported,
                  fmt::format("data {} and weights {}", shape_text(data), shape_text(weights)))
        .because("they must have 1 to 3 spatial dimensions, both the same");
  }
  std::vector<int64_t> kernel;
  for (size_t i = 1; i + 1 < weights.size(); ++i) {
    if (!weights[i].is_const()) {
      return Status(Code::kUnsupported, "the size of the kernel is not a constant");
    }
    kernel.push_back(weights[i].value());
  }
  return kernel;
}

Status check_conv_channels(InferContext& context, int64_t groups) {
  if (groups < 1) return Status(Code::kModel, fmt::format("groups is {}", groups));
  const Shape& weights = context.shape(1);
  HONE_RETURN_IF_ERROR(context.require_equal(context.shape(0).back(), weights.back() * Dim(groups),
                                             "channels of data and weights"));
  return context.require_equal(floor_mod(weights[0], Dim(groups)), Dim(0),
                               "output channels are not a multiple of groups");
}

}  // namespace hone
