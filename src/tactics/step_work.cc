#include "tactics/step_work.h"

#include <algorithm>
#include <string_view>

#include "ops/ops.h"
#include "tactics/conv_chain_parts.h"

namespace hone {
namespace {

// Product of the dimensions; 0 when one is not a number.
double product(const Shape& shape) {
  double result = 1;
  for (const Dim& dim : shape) result *= dim.is_const() ? static_cast<double>(dim.value()) : 0;
  return result;
}

double bytes_of(const OperandDesc& operand) {
  return product(operand.type.shape) * static_cast<double>(dtype_size(operand.type.dtype));
}

}  // namespace

double step_gflop(const StepDesc& step) {
  const std::string_view name = step.op->name;
  if (name == "Conv") {
    const Shape& weights = step.in_shape(1);  // [O, spatial..., I / groups]
    return 2e-9 * product(step.out_shape()) * product(Shape(weights.begin() + 1, weights.end()));
  }
  if (name == "ConvChain") {
    double sum = 0;
    for (const StepDesc& part : conv_chain_parts(step)) sum += step_gflop(part);
    return sum;
  }
  if (name == "ConvTranspose") {
    const Shape& data = step.in_shape(0);
    return 2e-9 * product(Shape(data.begin(), data.end() - 1)) * product(step.in_shape(1));
  }
  if (name == "MatMul" && !step.in_shape(0).empty()) {
    const Shape& a = step.in_shape(0);
    const bool transposed = step.attr<MatMulAttributes>().transpose_a && a.size() >= 2;
    return 2e-9 * product(step.out_shape()) * product({a[a.size() - (transposed ? 2 : 1)]});
  }
  if (name == "LSTM" || name == "GRU" || name == "RNN") {
    // Every element of W and R once for each time step and sequence.
    const Shape& x = step.in_shape(0);
    return 2e-9 * product({x[0], x[1]}) * (product(step.in_shape(1)) + product(step.in_shape(2)));
  }
  if (name == "Attention") {
    // Keys and values meet each query: tokens x (size + value size).
    const auto& attributes = step.attr<AttentionAttributes>();
    const Shape &key = step.in_shape(1), &query = step.in_shape(0);
    const Dim& tokens = key[key.size() - (attributes.key_tokens_first ? 3 : 2)];
    return 2e-9 * product({tokens}) * (product(query) + product(step.out_shape()));
  }
  return 0;
}

double step_bytes(const StepDesc& step) {
  double written = 0;
  for (const OperandDesc& operand : step.outputs) written += bytes_of(operand);
  double read = 0;
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    const bool is_table = i == 0 && std::string_view(step.op->name).starts_with("Gather");
    const double bytes = bytes_of(step.inputs[i]);
    read += is_table ? std::min(bytes, written) : bytes;
  }
  return read + written;
}

}  // namespace hone
