// Sample problems for every operator, for the generic tests.
#pragma once

#include <string>
#include <vector>

#include "ops/ops.h"

namespace hone {

struct OpSample {
  std::string op;
  Attributes attributes;
  std::vector<Tensor> inputs;
  // The first so many inputs are data whose sizes may be symbols; the others are constants.
  int num_data = 1;
};

// A tensor of small exact values: 0.25 * k in [-4, 4], or integers, or booleans.
Tensor sample_tensor(DataType dtype, std::vector<int64_t> shape, int seed = 0);

std::vector<OpSample> op_samples();

}  // namespace hone
