#include "tactics/cpu/program.h"

#include <algorithm>

#include "base/check.h"
#include "ops/pointwise.h"

namespace hone {
namespace {

enum class ExtraForm { kFull, kChannel, kScalar, kOther };

// How an epilogue input relates to the output, for every value of the symbols.
ExtraForm extra_form(const Shape& extra, const Shape& output) {
  if (extra == output) return ExtraForm::kFull;
  const auto is_one = [](const Dim& dim) { return dim == Dim(1); };
  if (std::all_of(extra.begin(), extra.end(), is_one)) return ExtraForm::kScalar;
  if (std::all_of(extra.begin(), extra.end() - 1, is_one) && !output.empty() &&
      extra.back() == output.back()) {
    return ExtraForm::kChannel;
  }
  return ExtraForm::kOther;
}

// The program without its first `count` instructions, reading operand `from` as its input 0.
Program drop_instructions(const Program& program, size_t count, int from) {
  Program rest;
  rest.num_inputs = program.num_inputs;
  rest.constants = program.constants;
  const int first = program.num_inputs + static_cast<int>(program.constants.size());
  for (size_t i = count; i < program.instructions.size(); ++i) {
    Instruction instruction = program.instructions[i];
    for (int& arg : instruction.args) {
      if (arg == from) {
        arg = 0;
      } else if (arg >= first) {
        arg -= static_cast<int>(count);
      }
    }
    rest.instructions.push_back(std::move(instruction));
  }
  return rest;
}

// True if instructions from `begin` on read none of the operands before `current` that are results
// or x0.
bool reads_only(const Program& program, size_t begin, int current) {
  const int first = program.num_inputs + static_cast<int>(program.constants.size());
  for (size_t i = begin; i < program.instructions.size(); ++i) {
    for (int arg : program.instructions[i].args) {
      const bool earlier_result = arg >= first && arg < first + static_cast<int>(begin);
      if ((arg == 0 || earlier_result) && arg != current) return false;
    }
  }
  return true;
}

// Narrows [lo, hi] by an instruction Relu, Max or Min with a constant on `current`; false if it is
// not one.
bool apply_clamp(const Program& program, const Instruction& instruction, int current, float* lo,
                 float* hi) {
  const std::string_view name = instruction.op->name;
  if (name == "Relu" && instruction.args[0] == current) {
    *lo = std::max(*lo, 0.0f);
    return *lo <= *hi;
  }
  if (name != "Max" && name != "Min") return false;
  int other = instruction.args[0] == current ? instruction.args[1] : instruction.args[0];
  if (instruction.args[0] != current && instruction.args[1] != current) return false;
  other -= program.num_inputs;
  if (other < 0 || other >= static_cast<int>(program.constants.size())) return false;
  const auto bound = static_cast<float>(program.constants[static_cast<size_t>(other)]);
  if (name == "Max") {
    *lo = std::max(*lo, bound);
  } else {
    *hi = std::min(*hi, bound);
  }
  return *lo <= *hi;  // only then is the order of Max and Min without effect; false also for NaN
}

}  // namespace

Program step_program(const StepDesc& step) {
  Program program;
  if (step.attributes.is<PointwiseAttributes>()) {
    program = step.attr<PointwiseAttributes>().program;
  } else {
    program.num_inputs = static_cast<int>(step.num_root_inputs());
    std::vector<int> args;
    for (int i = 0; i < program.num_inputs; ++i) args.push_back(i);
    program.add(step.op, std::move(args));
  }
  return step.epilogue.empty() ? program : compose(program, step.epilogue, 0);
}

std::optional<cpu::PointwiseProgram> to_kernel_program(const Program& program) {
  cpu::PointwiseProgram out = {};
  if (program.num_inputs > cpu::kMaxPointwiseInputs) return std::nullopt;
  out.num_inputs = static_cast<uint8_t>(program.num_inputs);
  for (double constant : program.constants) {
    if (out.add_constant(static_cast<float>(constant)) < 0) return std::nullopt;
  }
  for (const Instruction& instruction : program.instructions) {
    int args[3] = {-1, -1, -1};
    if (instruction.args.size() > 3) return std::nullopt;
    std::copy(instruction.args.begin(), instruction.args.end(), args);
    const auto fn = cpu::find_pointwise(instruction.op->name);
    const bool known = fn && cpu::pointwise_arity(*fn) == static_cast<int>(instruction.args.size());
    const int result =
        known ? out.add(*fn, args[0], args[1], args[2])
              : out.add_call(instruction.op->pointwise->f32, args[0], args[1], args[2]);
    if (result < 0) return std::nullopt;
  }
  if (cpu::check_pointwise(out)) return std::nullopt;
  return out;
}

namespace {

// The node input that an instruction Add adds to operand `current`; -1 if it is something else.
int added_input(const StepDesc& step, const Instruction& instruction, int current) {
  if (std::string_view(instruction.op->name) != "Add") return -1;
  const int a = instruction.args[0], b = instruction.args[1];
  if ((a == current) == (b == current)) return -1;
  const int other = a == current ? b : a;
  if (other == 0 || other >= step.epilogue.num_inputs) return -1;
  return static_cast<int>(step.num_root_inputs()) + other - 1;
}

}  // namespace

FusedEpilogue split_epilogue(const StepDesc& step) {
  FusedEpilogue fused;
  if (std::string_view(step.op->name) == "Conv" && step.num_root_inputs() > 2) fused.bias = 2;
  const Program& program = step.epilogue;
  if (program.empty()) return fused;
  const size_t root = step.num_root_inputs();
  const int first = program.num_inputs + static_cast<int>(program.constants.size());
  int current = 0;
  size_t done = 0;
  for (; done < program.instructions.size(); ++done) {
    const int input = added_input(step, program.instructions[done], current);
    const int result = first + static_cast<int>(done);
    if (input < 0 || !reads_only(program, done + 1, result)) break;
    const ExtraForm form = extra_form(step.in_shape(static_cast<size_t>(input)), step.out_shape());
    if (form == ExtraForm::kFull && fused.addend < 0 && step.out_shape().size() >= 2) {
      fused.addend = input;
    } else if (form == ExtraForm::kChannel && fused.bias < 0) {
      fused.bias = input;
    } else {
      break;
    }
    current = result;
  }
  while (done < program.instructions.size()) {
    float lo = fused.lo, hi = fused.hi;
    const int result = first + static_cast<int>(done);
    if (!apply_clamp(program, program.instructions[done], current, &lo, &hi) ||
        !reads_only(program, done + 1, result)) {
      break;
    }
    fused.lo = lo;
    fused.hi = hi;
    current = result;
    ++done;
  }
  if (done < program.instructions.size()) {
    fused.rest = done == 0 ? program : drop_instructions(program, done, current);
    for (int i = 1; i < program.num_inputs; ++i)
      fused.extras.push_back(static_cast<int>(root) + i - 1);
  }
  return fused;
}

bool output_may_replace_addend(const StepDesc& step, size_t i) {
  const FusedEpilogue fused = split_epilogue(step);
  if (fused.addend != static_cast<int>(i)) return false;
  const int operand = static_cast<int>(i - step.num_root_inputs()) + 1;
  for (const Instruction& instruction : fused.rest.instructions) {
    if (std::count(instruction.args.begin(), instruction.args.end(), operand) > 0) return false;
  }
  return true;
}

Verdict can_fuse_epilogue(const StepDesc& step) {
  if (step.epilogue.empty()) return Verdict::yes();
  for (size_t i = step.num_root_inputs(); i < step.inputs.size(); ++i) {
    if (extra_form(step.in_shape(i), step.out_shape()) == ExtraForm::kOther) {
      return Verdict::no(
          "an epilogue input is neither of the output's shape nor one value per channel");
    }
  }
  const FusedEpilogue fused = split_epilogue(step);
  if (!fused.rest.empty() && !to_kernel_program(fused.rest))
    return Verdict::no("the epilogue is too long");
  return Verdict::yes();
}

void EpilogueRest::prepare(const FusedEpilogue& epilogue, const PrepareArgs& args, cpu::Isa isa) {
  if (epilogue.rest.empty()) return;
  const auto program = to_kernel_program(epilogue.rest);
  HONE_CHECK(program.has_value());
  program_ = *program;
  run_ = cpu::pointwise_kernel(isa);
  activation_ = cpu::tile_activation(program_, isa);
  output_ = args.outputs[0];
  for (int input : epilogue.extras) {
    Extra extra{input, args.inputs[static_cast<size_t>(input)], Extra::Form::kFull};
    const Shape& shape = args.step->in_shape(static_cast<size_t>(input));
    switch (extra_form(shape, args.step->out_shape())) {
      case ExtraForm::kFull:
        extra.form = Extra::Form::kFull;
        break;
      case ExtraForm::kChannel:
        extra.form = Extra::Form::kChannel;
        break;
      default:
        extra.form = Extra::Form::kScalar;
    }
    extras_.push_back(extra);
  }
}

// `index`: of the first pixel, for all dimensions but the last two; offset_out: its offset in
// floats.
void EpilogueRest::run_row(const StepContext& context, int64_t offset_out, const int64_t* index,
                           int64_t pixels, int64_t channel, int64_t channels) const {
  const int rank = output_.rank;
  float* out = static_cast<float*>(context.outputs[0]) + offset_out + channel;
  const int64_t pixel_stride = rank >= 2 ? output_.stride[rank - 2] : 0;
  cpu::PointwiseOperand operands[cpu::kMaxPointwiseInputs];
  operands[0] = {out, pixel_stride, 1};
  for (size_t i = 0; i < extras_.size(); ++i) {
    const Extra& extra = extras_[i];
    const auto* data = static_cast<const float*>(context.inputs[extra.input]);
    if (extra.form == Extra::Form::kScalar) {
      operands[i + 1] = {data, 0, 0};
    } else if (extra.form == Extra::Form::kChannel) {
      operands[i + 1] = {data + channel, 0, 1};
    } else {
      int64_t offset = channel;
      for (int d = 0; d < rank - 1; ++d) offset += index[d] * extra.layout.stride[d];
      operands[i + 1] = {data + offset, rank >= 2 ? extra.layout.stride[rank - 2] : 0, 1};
    }
  }
  run_(program_, pixels, channels, out, pixel_stride, operands);
}

void EpilogueRest::tail(void* user, int64_t pixel, int64_t pixels, int64_t channel,
                        int64_t channels) {
  const Call& call = *static_cast<const Call*>(user);
  pixel += call.first_pixel;
  const EpilogueRest& rest = *call.rest;
  const TensorLayout& output = rest.output_;
  const int rank = output.rank;
  const int64_t row_pixels = rank >= 2 ? output.shape[rank - 2] : 1;
  while (pixels > 0) {
    int64_t index[kMaxRank] = {};
    int64_t remaining = pixel, offset = 0;
    for (int d = rank - 2; d >= 0; --d) {
      index[d] = remaining % output.shape[d];
      remaining /= output.shape[d];
      offset += index[d] * output.stride[d];
    }
    const int64_t count = std::min(pixels, row_pixels - (rank >= 2 ? index[rank - 2] : 0));
    rest.run_row(*call.context, offset, index, count, channel, channels);
    pixel += count;
    pixels -= count;
  }
}

}  // namespace hone
