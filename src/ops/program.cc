#include "ops/program.h"

#include <fmt/format.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <map>

#include "base/check.h"
#include "ops/op_def.h"

namespace hone {
namespace {

// Bounds for programs from files: far above what fusion makes, small enough to be harmless.
constexpr int kMaxProgramInputs = 1024;
constexpr size_t kMaxProgramOperands = 8192;

bool same_bits(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

int find_constant(const std::vector<double>& constants, double value) {
  for (size_t i = 0; i < constants.size(); ++i) {
    if (same_bits(constants[i], value)) return static_cast<int>(i);
  }
  return -1;
}

// Whether parsing the text with constants written in place gives back the same list of constants:
// each is used, in order of first use, and none is there twice.
bool constants_are_in_order(const Program& program) {
  const int first = program.num_inputs;
  const int count = static_cast<int>(program.constants.size());
  int seen = 0;
  for (const Instruction& instruction : program.instructions) {
    for (int arg : instruction.args) {
      const int index = arg - first;
      if (index < 0 || index >= count || index < seen) continue;
      if (index > seen) return false;
      ++seen;
    }
  }
  for (int i = 0; i < count; ++i) {
    if (find_constant(program.constants, program.constants[i]) != i) return false;
  }
  return seen == count;
}

Status bad_program(std::string_view text, std::string why) {
  return Status(Code::kModel,
                fmt::format("pointwise program \"{}\" cannot be read", text.substr(0, 200)))
      .because(std::move(why));
}

// Reads text() front to back. Operands that name constants are numbered -1 - index until the
// number of constants is known.
class ProgramParser {
 public:
  ProgramParser(std::string_view text, int num_inputs) : text_(text), rest_(text) {
    program_.num_inputs = num_inputs;
  }

  Result<Program> parse() {
    if (program_.num_inputs < 0 || program_.num_inputs > kMaxProgramInputs) {
      return bad_program(text_, "the number of inputs is out of range");
    }
    while (!rest_.empty()) {
      HONE_RETURN_IF_ERROR(rest_[0] == 'c' ? constant_statement() : instruction());
      if (program_.instructions.size() + program_.constants.size() > kMaxProgramOperands) {
        return bad_program(text_, "it is too long");
      }
    }
    const int first_result = program_.num_inputs + static_cast<int>(program_.constants.size());
    for (Instruction& instruction : program_.instructions) {
      for (int& arg : instruction.args) {
        if (arg <= kFirstConstant) {
          arg = program_.num_inputs + (kFirstConstant - arg);
        } else if (arg >= kFirstResult) {
          arg = first_result + (arg - kFirstResult);
        }
      }
    }
    HONE_RETURN_IF_ERROR(program_.verify());
    return std::move(program_);
  }

 private:
  static constexpr int kFirstConstant = -1;
  static constexpr int kFirstResult = 1 << 20;

  bool skip(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool index(int* value) {
    auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), *value);
    if (error != std::errc() || *value < 0) return false;
    rest_.remove_prefix(end - rest_.data());
    return true;
  }

  bool number(double* value) {
    auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), *value);
    if (error != std::errc()) return false;
    rest_.remove_prefix(end - rest_.data());
    return true;
  }

  // "c0=1.5;"
  Status constant_statement() {
    int n = 0;
    double value = 0;
    if (!skip('c') || !index(&n) || n != static_cast<int>(program_.constants.size()) ||
        !skip('=') || !number(&value) || !skip(';')) {
      return bad_program(text_, "a constant is not of the form \"c0=1.5;\"");
    }
    program_.constants.push_back(value);
    return ok();
  }

  // "t0=Add(x0,x1);"
  Status instruction() {
    int n = 0;
    if (!skip('t') || !index(&n) || n != static_cast<int>(program_.instructions.size()) ||
        !skip('=')) {
      return bad_program(text_, "an instruction does not begin with \"t0=\" and its number");
    }
    const size_t paren = rest_.find('(');
    if (paren == std::string_view::npos) return bad_program(text_, "\"(\" is missing");
    Instruction result;
    result.op = find_op(rest_.substr(0, paren));
    if (!result.op) {
      return bad_program(text_, fmt::format("there is no operator \"{}\"",
                                            rest_.substr(0, std::min<size_t>(paren, 60))));
    }
    rest_.remove_prefix(paren + 1);
    do {
      int arg = 0;
      HONE_RETURN_IF_ERROR(operand(&arg));
      result.args.push_back(arg);
    } while (skip(',') && result.args.size() < 16);
    if (!skip(')') || !skip(';')) return bad_program(text_, "\");\" is missing");
    program_.instructions.push_back(std::move(result));
    return ok();
  }

  Status operand(int* arg) {
    int n = 0;
    if (skip('x')) {
      if (!index(&n) || n >= program_.num_inputs) return bad_program(text_, "no such input");
      *arg = n;
    } else if (skip('t')) {
      if (!index(&n) || n >= static_cast<int>(program_.instructions.size())) {
        return bad_program(text_, "an instruction uses a later result");
      }
      *arg = kFirstResult + n;
    } else if (skip('c')) {
      if (!index(&n) || n >= static_cast<int>(program_.constants.size())) {
        return bad_program(text_, "no such constant");
      }
      *arg = kFirstConstant - n;
    } else {
      double value = 0;
      if (!number(&value)) return bad_program(text_, "an operand is neither a name nor a number");
      n = find_constant(program_.constants, value);
      if (n < 0) {
        n = static_cast<int>(program_.constants.size());
        program_.constants.push_back(value);
      }
      *arg = kFirstConstant - n;
    }
    return ok();
  }

  std::string_view text_, rest_;
  Program program_;
};

}  // namespace

int Program::add(const OpDef* op, std::vector<int> args) {
  instructions.push_back({op, std::move(args)});
  return result();
}

int Program::add_constant(double value) {
  HONE_CHECK(instructions.empty());
  int index = find_constant(constants, value);
  if (index < 0) {
    index = static_cast<int>(constants.size());
    constants.push_back(value);
  }
  return num_inputs + index;
}

std::string Program::text() const {
  const bool in_place = constants_are_in_order(*this);
  const int first_result = num_inputs + static_cast<int>(constants.size());
  std::string out;
  for (size_t i = 0; !in_place && i < constants.size(); ++i) {
    out += fmt::format("c{}={};", i, constants[i]);
  }
  for (size_t i = 0; i < instructions.size(); ++i) {
    out += fmt::format("t{}={}(", i, instructions[i].op ? instructions[i].op->name : "?");
    const char* comma = "";
    for (int arg : instructions[i].args) {
      out += comma;
      comma = ",";
      if (arg < num_inputs) {
        out += fmt::format("x{}", arg);
      } else if (arg >= first_result) {
        out += fmt::format("t{}", arg - first_result);
      } else if (in_place) {
        out += fmt::format("{}", constants[arg - num_inputs]);
      } else {
        out += fmt::format("c{}", arg - num_inputs);
      }
    }
    out += ");";
  }
  return out;
}

Result<Program> Program::parse(std::string_view text, int num_inputs) {
  return ProgramParser(text, num_inputs).parse();
}

Status Program::verify() const {
  if (num_inputs < 0 || num_inputs > kMaxProgramInputs ||
      constants.size() + instructions.size() > kMaxProgramOperands) {
    return Status(Code::kModel, "a pointwise program is too large");
  }
  int available = num_inputs + static_cast<int>(constants.size());
  for (size_t i = 0; i < instructions.size(); ++i) {
    const Instruction& instruction = instructions[i];
    if (!instruction.op || !instruction.op->pointwise) {
      return Status(Code::kModel,
                    fmt::format("instruction {} of a pointwise program is not pointwise", i))
          .because(instruction.op ? std::string(instruction.op->name) : "it has no operator");
    }
    if (static_cast<int>(instruction.args.size()) != instruction.op->pointwise->arity) {
      return Status(Code::kModel,
                    fmt::format("instruction {} of a pointwise program ({}) has {} operands", i,
                                instruction.op->name, instruction.args.size()));
    }
    for (int arg : instruction.args) {
      if (arg < 0 || arg >= available) {
        return Status(Code::kModel,
                      fmt::format("instruction {} of a pointwise program ({}) uses operand {}", i,
                                  instruction.op->name, arg))
            .because("it is out of range");
      }
    }
    ++available;
  }
  return ok();
}

double Program::evaluate(const double* inputs) const {
  // Enough for every program that fusion makes; longer ones take the heap.
  constexpr size_t kOnStack = 64;
  const size_t count = num_inputs + constants.size() + instructions.size();
  double stack[kOnStack];
  std::vector<double> heap(count > kOnStack ? count : 0);
  double* operands = count > kOnStack ? heap.data() : stack;
  std::copy(inputs, inputs + num_inputs, operands);
  std::copy(constants.begin(), constants.end(), operands + num_inputs);
  double* next = operands + num_inputs + constants.size();
  double result = num_inputs > 0 ? inputs[0] : 0.0;
  for (const Instruction& instruction : instructions) {
    double args[16];
    for (size_t i = 0; i < instruction.args.size(); ++i) args[i] = operands[instruction.args[i]];
    result = *next++ = instruction.op->pointwise->f64(args);
  }
  return result;
}

Program compose(const Program& first, const Program& second, int second_input) {
  HONE_CHECK(second.empty() || (second_input >= 0 && second_input < second.num_inputs));
  if (second.empty()) return first;
  // An empty first program hands its one input on.
  const int first_inputs = first.empty() ? 1 : first.num_inputs;
  Program program;
  program.num_inputs = first_inputs + second.num_inputs - 1;
  std::vector<int> first_map, second_map;
  for (int i = 0; i < first_inputs; ++i) first_map.push_back(i);
  for (int i = 0, next = first_inputs; i < second.num_inputs; ++i) {
    second_map.push_back(i == second_input ? -1 : next++);
  }
  if (!first.empty()) {
    for (double value : first.constants) first_map.push_back(program.add_constant(value));
  }
  for (double value : second.constants) second_map.push_back(program.add_constant(value));
  auto append = [&program](const Program& part, std::vector<int>& map) {
    for (const Instruction& instruction : part.instructions) {
      std::vector<int> args;
      for (int arg : instruction.args) args.push_back(map[arg]);
      map.push_back(program.add(instruction.op, std::move(args)));
    }
  };
  append(first, first_map);
  second_map[second_input] = first.empty() ? 0 : program.result();
  append(second, second_map);
  return program;
}

}  // namespace hone
