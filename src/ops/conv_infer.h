// What the type inference of convolutions, transposed ones included, shares.
#pragma once

#include <cstdint>
#include <vector>

#include "ops/op_def.h"

namespace hone {

// The kernel's sizes, from weights [O, spatial..., C / groups] (input 1) of the data's rank (input
// 0). kUnsupported: not 1 to 3 spatial dimensions, sizes that are no constants.
Result<std::vector<int64_t>> conv_kernel_sizes(const InferContext& context);

// That the channels of data and weights fit the number of groups.
Status check_conv_channels(InferContext& context, int64_t groups);

}  // namespace hone
