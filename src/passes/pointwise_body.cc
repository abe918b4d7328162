#include "passes/pointwise_body.h"

#include <algorithm>

#include "graph/pattern.h"
#include "ops/ops.h"

namespace hone {
namespace {

// Fewer than the kernels' own bounds (32, 16, 32): what is fused here may be fused once more.
constexpr size_t kMaxInstructions = 24, kMaxConstants = 24;
constexpr int kMaxInputs = 12;

// The dimensions that must come from inputs which stay inputs.
size_t rank_without_scalars(const std::vector<Value*>& inputs) {
  size_t rank = 0;
  for (const Value* input : inputs) {
    if (!is_scalar_constant(input)) rank = std::max(rank, input->shape().size());
  }
  return rank;
}

}  // namespace

std::optional<PointwiseBody> pointwise_body(const Node* node) {
  if (!node->epilogue().empty() || node->outputs().size() != 1) return std::nullopt;
  if (node->output()->dtype() != DataType::f32) return std::nullopt;
  for (const Value* input : node->inputs()) {
    if (!input || input->dtype() != DataType::f32) return std::nullopt;
  }
  if (node->is("Pointwise")) {
    return PointwiseBody{node->attr<PointwiseAttributes>().program, node->inputs()};
  }
  if (!node->op().pointwise) return std::nullopt;
  PointwiseBody body{{}, node->inputs()};
  body.program.num_inputs = static_cast<int>(node->inputs().size());
  std::vector<int> args;
  for (int i = 0; i < body.program.num_inputs; ++i) args.push_back(i);
  body.program.add(&node->op(), std::move(args));
  return body;
}

PointwiseBody inline_body(const PointwiseBody& producer, const PointwiseBody& body, size_t index) {
  PointwiseBody result{compose(producer.program, body.program, static_cast<int>(index)),
                       producer.inputs};
  for (size_t i = 0; i < body.inputs.size(); ++i) {
    if (i != index) result.inputs.push_back(body.inputs[i]);
  }
  return result;
}

PointwiseBody tidy(const PointwiseBody& body, const Value* first) {
  const Program& old = body.program;
  const size_t rank = rank_without_scalars(body.inputs);
  const bool all_constant = std::all_of(body.inputs.begin(), body.inputs.end(),
                                        [](const Value* v) { return is_scalar_constant(v); });
  const int first_result = old.num_inputs + static_cast<int>(old.constants.size());
  // Where each operand goes: to an input, or to a constant.
  std::vector<int> input_of(first_result, -1);
  std::vector<double> constant_of(first_result, 0);
  PointwiseBody result;
  auto add_input = [&result](Value* value) {
    auto found = std::find(result.inputs.begin(), result.inputs.end(), value);
    if (found == result.inputs.end()) found = result.inputs.insert(found, value);
    return static_cast<int>(found - result.inputs.begin());
  };
  for (Value* input : body.inputs) {
    if (input == first) add_input(input);
  }
  for (int i = 0; i < old.num_inputs; ++i) {
    Value* input = body.inputs[i];
    const bool inside = !all_constant && input != first &&
                        is_scalar_constant(input, &constant_of[i]) && input->shape().size() <= rank;
    if (!inside) input_of[i] = add_input(input);
  }
  std::copy(old.constants.begin(), old.constants.end(), constant_of.begin() + old.num_inputs);
  // Constants in the order of their first use: the order that the text form has.
  result.program.num_inputs = static_cast<int>(result.inputs.size());
  std::vector<int> operand_of = input_of;
  for (const Instruction& instruction : old.instructions) {
    for (int arg : instruction.args) {
      if (arg < first_result && operand_of[arg] < 0) {
        operand_of[arg] = result.program.add_constant(constant_of[arg]);
      }
    }
  }
  for (const Instruction& instruction : old.instructions) {
    std::vector<int> args;
    for (int arg : instruction.args) args.push_back(operand_of[arg]);
    operand_of.push_back(result.program.add(instruction.op, std::move(args)));
  }
  return result;
}

bool fits(const Program& program) {
  return program.instructions.size() <= kMaxInstructions && program.num_inputs <= kMaxInputs &&
         program.constants.size() <= kMaxConstants;
}

}  // namespace hone
