#include "kernels/cpu/pointwise_steps.h"

namespace hone::cpu {
namespace {

constexpr int kMaxRegisters = kMaxPointwiseInputs + kMaxPointwiseConstants + kMaxPointwiseInstrs;

struct Compiler {
  const PointwiseProgram& program;
  int first_result;
  int uses[kMaxRegisters] = {};

  explicit Compiler(const PointwiseProgram& p)
      : program(p), first_result(p.num_inputs + p.num_constants) {
    for (int i = 0; i < p.num_instrs; ++i) {
      for (int k = 0; k < p.instrs[i].arity; ++k) ++uses[p.instrs[i].args[k]];
    }
  }

  // If instruction i is fn(r, other) or fn(other, r) with r the otherwise unused result of
  // instruction i - 1: sets `other`.
  bool follows(int i, PointwiseFn fn, uint8_t* other) const {
    if (i >= program.num_instrs || program.instrs[i].fn != fn) return false;
    const PointwiseInstr& instr = program.instrs[i];
    const int r = first_result + i - 1;
    if (uses[r] != 1) return false;
    if (instr.arity == 1) return instr.args[0] == r;
    if (instr.args[0] == r) {
      *other = instr.args[1];
    } else if (instr.args[1] == r) {
      *other = instr.args[0];
    } else {
      return false;
    }
    return true;
  }

  // max(constant, x) keeps NaN only if the constant is a number.
  bool is_number(int reg) const {
    const int index = reg - program.num_inputs;
    return index >= 0 && index < program.num_constants &&
           program.constants[index] == program.constants[index];
  }

  // Max or Min of a value and a constant, in this order: which zero of max(-0, 0) comes out depends
  // on it.
  bool starts_clamp(int i, PointwiseFn fn, PointwiseStep* step, uint8_t* limit) const {
    const PointwiseInstr& instr = program.instrs[i];
    if (instr.fn != fn || !is_number(instr.args[1])) return false;
    *limit = instr.args[1];
    step->args[0] = instr.args[0];
    return true;
  }
  bool continues_clamp(int i, PointwiseFn fn, uint8_t* limit) const {
    return follows(i, fn, limit) && is_number(*limit) && program.instrs[i].args[1] == *limit;
  }

  // Joins [Mul] [Add] [Relu or Max with a constant] [Min with a constant]; returns how many
  // instructions from i on it took, 0 if fewer than two.
  int match_affine(int i, PointwiseStep* step) const {
    const PointwiseInstr& first = program.instrs[i];
    int next = i;
    if (first.fn == PointwiseFn::kMul || first.fn == PointwiseFn::kAdd) {
      step->args[0] = first.args[0];
      const bool mul = first.fn == PointwiseFn::kMul;
      (mul ? step->has_mul : step->has_add) = true;
      step->args[mul ? 1 : 2] = first.args[1];
      ++next;
    } else if (starts_clamp(i, PointwiseFn::kMax, step, &step->args[3])) {
      step->has_low = true;
      ++next;
    } else if (first.fn == PointwiseFn::kRelu) {
      step->args[0] = first.args[0];
      step->has_low = step->relu = true;
      ++next;
    } else {
      return 0;
    }
    uint8_t other = 0;
    if (step->has_mul && follows(next, PointwiseFn::kAdd, &other)) {
      step->has_add = true;
      step->args[2] = other;
      ++next;
    }
    if (!step->has_low && follows(next, PointwiseFn::kRelu, &other)) {
      step->has_low = step->relu = true;
      ++next;
    } else if (!step->has_low && continues_clamp(next, PointwiseFn::kMax, &other)) {
      step->has_low = true;
      step->args[3] = other;
      ++next;
    }
    if (step->has_low && continues_clamp(next, PointwiseFn::kMin, &other)) {
      step->has_high = true;
      step->args[4] = other;
      ++next;
    }
    step->kind = PointwiseStep::Kind::kAffine;
    return next - i >= 2 ? next - i : 0;
  }

  bool match_silu(int i, PointwiseStep* step) const {
    const PointwiseInstr& first = program.instrs[i];
    uint8_t other = 0;
    if (first.fn != PointwiseFn::kSigmoid || !follows(i + 1, PointwiseFn::kMul, &other)) {
      return false;
    }
    step->kind = PointwiseStep::Kind::kSilu;
    step->args[0] = first.args[0];
    return other == first.args[0];
  }

  // Fills the step for the instructions from i on; returns how many it covers.
  int make_step(int i, PointwiseStep* step) const {
    *step = PointwiseStep{};
    int taken = match_affine(i, step);
    if (taken == 0) {
      *step = PointwiseStep{};
      taken = match_silu(i, step) ? 2 : 0;
    }
    if (taken == 0) {
      const PointwiseInstr& instr = program.instrs[i];
      *step = PointwiseStep{};
      step->fn = instr.fn;
      step->arity = instr.arity;
      step->call = instr.call;
      for (int k = 0; k < instr.arity; ++k) step->args[k] = instr.args[k];
      step->constant_exponent = instr.fn == PointwiseFn::kPow && is_number(instr.args[1]);
      taken = 1;
    }
    step->result = static_cast<uint8_t>(first_result + i + taken - 1);
    return taken;
  }
};

bool reads(const PointwiseStep& step, int k) {
  switch (step.kind) {
    case PointwiseStep::Kind::kFn:
      return k < step.arity;
    case PointwiseStep::Kind::kSilu:
      return k == 0;
    case PointwiseStep::Kind::kAffine:
      return k == 0 || (k == 1 && step.has_mul) || (k == 2 && step.has_add) ||
             (k == 3 && step.has_low && !step.relu) || (k == 4 && step.has_high);
  }
  return false;
}

}  // namespace

void compile_pointwise(const PointwiseProgram& program, PointwiseSteps* compiled) {
  const Compiler compiler(program);
  compiled->num_steps = 0;
  for (int i = 0; i < program.num_instrs;) {
    i += compiler.make_step(i, &compiled->steps[compiled->num_steps++]);
  }
  // Buffers: one is free again after the last step that reads it; that step may write over it.
  int last_use[kMaxRegisters] = {};
  int16_t slot_of[kMaxRegisters];
  for (int s = 0; s < compiled->num_steps; ++s) {
    for (int k = 0; k < 5; ++k) {
      if (reads(compiled->steps[s], k)) last_use[compiled->steps[s].args[k]] = s;
    }
  }
  bool busy[kMaxPointwiseInstrs] = {};
  compiled->num_slots = 0;
  for (int s = 0; s < compiled->num_steps; ++s) {
    PointwiseStep& step = compiled->steps[s];
    for (int k = 0; k < 5; ++k) {
      const int reg = step.args[k];
      if (reads(step, k) && reg >= compiler.first_result && last_use[reg] == s) {
        busy[slot_of[reg]] = false;
      }
    }
    step.slot = -1;
    if (s + 1 == compiled->num_steps) break;
    int16_t slot = 0;
    while (busy[slot]) ++slot;
    // A result that nobody reads keeps its slot only for its own step.
    busy[slot] = last_use[step.result] > s;
    step.slot = slot_of[step.result] = slot;
    if (slot + 1 > compiled->num_slots) compiled->num_slots = slot + 1;
  }
}

}  // namespace hone::cpu
