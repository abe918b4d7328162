// Running plans whose outputs come in another order than the plan lists them.
#pragma once

#include <cstring>
#include <vector>

#include "runtime/runtime_test_util.h"

namespace hone::runtime_test {

// run() for plans with sizes that are found out while running.
inline Result<std::vector<Tensor>> run_any_order(ExecutionContext& context,
                                                 const std::vector<Tensor>& inputs) {
  std::vector<Tensor> tensors;
  const Status status = context.run(
      views_of(inputs),
      [&tensors](size_t i, const std::vector<int64_t>& shape, DataType dtype, size_t) -> void* {
        if (tensors.size() <= i) tensors.resize(i + 1);
        tensors[i] = Tensor::empty(dtype, shape);
        return tensors[i].mutable_raw();
      });
  if (!status.ok()) return status;
  return tensors;
}

}  // namespace hone::runtime_test
