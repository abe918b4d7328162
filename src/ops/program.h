// A pointwise program: a short list of scalar instructions that is applied to every element. It is
// the body of the operator Pointwise and the epilogue of every other operator: one structure, one
// meaning, one reference.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hone/status.h"

namespace hone {

struct OpDef;

// One scalar operation. `args` number the operands of the program: first its inputs, then its
// constants, then the results of earlier instructions.
struct Instruction {
  const OpDef* op = nullptr;  // an operator with `pointwise` set
  std::vector<int> args;
  bool operator==(const Instruction&) const = default;
};

// Single assignment; the last instruction is the result. Operands broadcast to the result's shape
// by NumPy's rule. In an epilogue, input 0 is the root operator's result. Arithmetic is FP32 (the
// reference uses FP64 and rounds once).
struct Program {
  int num_inputs = 0;
  std::vector<double> constants;
  std::vector<Instruction> instructions;

  bool empty() const { return instructions.empty(); }
  bool operator==(const Program&) const = default;

  // Operand number of the last instruction's result.
  int result() const {
    return num_inputs + static_cast<int>(constants.size() + instructions.size()) - 1;
  }
  // Adds an instruction and returns its operand number. Constants must be added before
  // instructions.
  int add(const OpDef* op, std::vector<int> args);
  int add_constant(double value);  // operand number; REQUIRES: no instructions yet

  // "t0=Add(x0,x1);t1=Max(t0,0);": x = inputs, t = instructions, constants as numbers.
  std::string text() const;
  // Parses text(); `num_inputs` is the number of inputs it may name. Errors: kModel.
  static Result<Program> parse(std::string_view text, int num_inputs);
  // Every operand number is in range and earlier, every op is pointwise with the right arity.
  Status verify() const;
  // The program for one element; `inputs` has num_inputs values. For the reference evaluator.
  double evaluate(const double* inputs) const;
};

// `first`, then `second` applied to its result as input `second_input`. Inputs of the result: those
// of `first`, then the other inputs of `second` in order.
Program compose(const Program& first, const Program& second, int second_input);

}  // namespace hone
