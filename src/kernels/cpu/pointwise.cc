#include "kernels/cpu/pointwise.h"

#include <cmath>
#include <limits>

#include "base/check.h"
#include "kernels/cpu/pointwise_steps.h"

namespace hone::cpu {
namespace {

struct FnInfo {
  const char* name;
  int arity;
};

constexpr FnInfo kFunctions[] = {
#define HONE_POINTWISE(name, arity) {#name, arity},
#include "kernels/cpu/pointwise_functions.inc"
#undef HONE_POINTWISE
};

bool is_true(float x) { return x != 0; }

float clamp01(float x) { return x < 0 ? 0 : x > 1 ? 1 : x; }

float max_of(float a, float b) { return std::isnan(a) ? a : std::isnan(b) ? b : a >= b ? a : b; }
float min_of(float a, float b) { return std::isnan(a) ? a : std::isnan(b) ? b : a <= b ? a : b; }

float sigmoid(float x) {
  const double e = std::exp(-std::fabs(static_cast<double>(x)));
  return static_cast<float>((x < 0 ? e : 1.0) / (1.0 + e));
}

float softplus(float x) {
  const double d = x;
  return static_cast<float>((d > 0 || std::isnan(d) ? d : 0) + std::log1p(std::exp(-std::fabs(d))));
}

float gelu_tanh(float x) {
  const double d = x;
  return static_cast<float>(0.5 * d *
                            (1 + std::tanh(0.79788456080286536 * (d + 0.044715 * d * d * d))));
}

float elu(float x, double alpha) { return x < 0 ? static_cast<float>(alpha * std::expm1(x)) : x; }

}  // namespace

std::optional<PointwiseFn> find_pointwise(std::string_view name) {
  int index = 0;
  for (const FnInfo& info : kFunctions) {
    if (name == info.name) return static_cast<PointwiseFn>(index);
    ++index;
  }
  return std::nullopt;
}

const char* pointwise_name(PointwiseFn fn) { return kFunctions[static_cast<int>(fn)].name; }
int pointwise_arity(PointwiseFn fn) { return kFunctions[static_cast<int>(fn)].arity; }

PointwiseRun pointwise_kernel(Isa isa) {
  return isa == Isa::kAvx512 ? avx512::run_pointwise
         : isa == Isa::kAvx2 ? avx2::run_pointwise
                             : portable::run_pointwise;
}

float pointwise_scalar(PointwiseFn fn, const float* args) {
  const float a = args[0];
  const float b = pointwise_arity(fn) > 1 ? args[1] : 0;
  const float c = pointwise_arity(fn) > 2 ? args[2] : 0;
  switch (fn) {
    case PointwiseFn::kAdd:
      return a + b;
    case PointwiseFn::kSub:
      return a - b;
    case PointwiseFn::kMul:
      return a * b;
    case PointwiseFn::kDiv:
      return a / b;
    case PointwiseFn::kMax:
      return max_of(a, b);
    case PointwiseFn::kMin:
      return min_of(a, b);
    case PointwiseFn::kPow:
      return std::pow(a, b);
    case PointwiseFn::kSquaredDifference:
      return (a - b) * (a - b);
    case PointwiseFn::kRelu:
      return a < 0 ? 0 : a;
    case PointwiseFn::kAbs:
      return std::fabs(a);
    case PointwiseFn::kNeg:
      return -a;
    case PointwiseFn::kExp:
      return std::exp(a);
    case PointwiseFn::kLog:
      return std::log(a);
    case PointwiseFn::kSqrt:
      return std::sqrt(a);
    case PointwiseFn::kRsqrt:
      return 1 / std::sqrt(a);
    case PointwiseFn::kReciprocal:
      return 1 / a;
    case PointwiseFn::kSquare:
      return a * a;
    case PointwiseFn::kSigmoid:
      return sigmoid(a);
    case PointwiseFn::kTanh:
      return std::tanh(a);
    case PointwiseFn::kErf:
      return std::erf(a);
    case PointwiseFn::kErfc:
      return std::erfc(a);
    case PointwiseFn::kFloor:
      return std::floor(a);
    case PointwiseFn::kCeil:
      return std::ceil(a);
    case PointwiseFn::kRound:
      return std::nearbyint(a);
    case PointwiseFn::kSign:
      return std::isnan(a) ? a : static_cast<float>((a > 0) - (a < 0));
    case PointwiseFn::kSoftplus:
      return softplus(a);
    case PointwiseFn::kSoftsign:
      return a / (1 + std::fabs(a));
    case PointwiseFn::kElu:
      return elu(a, b);
    case PointwiseFn::kLeakyRelu:
      return a < 0 ? a * b : a;
    case PointwiseFn::kSelu: {
      constexpr double kScale = 1.0507009873554805, kAlpha = 1.6732632423543772;
      return a < 0 ? static_cast<float>(kScale * kAlpha * std::expm1(static_cast<double>(a)))
                   : static_cast<float>(kScale) * a;
    }
    case PointwiseFn::kHardSigmoid:
      return clamp01(a * b + c);
    case PointwiseFn::kHardSwish:
      return a * clamp01(a * (1.0f / 6) + 0.5f);
    case PointwiseFn::kGelu:
      return static_cast<float>(0.5 * a * std::erfc(-a * std::sqrt(0.5)));
    case PointwiseFn::kGeluTanh:
      return gelu_tanh(a);
    case PointwiseFn::kMish:
      return static_cast<float>(a * std::tanh(std::log1p(std::exp(static_cast<double>(a)))));
    case PointwiseFn::kSin:
      return std::sin(a);
    case PointwiseFn::kCos:
      return std::cos(a);
    case PointwiseFn::kWhere:
      return is_true(a) ? b : c;
    case PointwiseFn::kEqual:
      return a == b;
    case PointwiseFn::kNotEqual:
      return a != b;
    case PointwiseFn::kLess:
      return a < b;
    case PointwiseFn::kLessOrEqual:
      return a <= b;
    case PointwiseFn::kGreater:
      return a > b;
    case PointwiseFn::kGreaterOrEqual:
      return a >= b;
    case PointwiseFn::kNot:
      return !is_true(a);
    case PointwiseFn::kAnd:
      return is_true(a) && is_true(b);
    case PointwiseFn::kOr:
      return is_true(a) || is_true(b);
    case PointwiseFn::kCall:
      break;
  }
  HONE_CHECK(!"a scalar form exists");
  return 0;
}

int PointwiseProgram::add_constant(float value) {
  if (num_constants == kMaxPointwiseConstants) return -1;
  HONE_CHECK(num_instrs == 0);  // register numbers of results would shift
  constants[num_constants] = value;
  return num_inputs + num_constants++;
}

int PointwiseProgram::add(PointwiseFn fn, int a, int b, int c) {
  if (num_instrs == kMaxPointwiseInstrs) return -1;
  PointwiseInstr& instr = instrs[num_instrs];
  instr.fn = fn;
  instr.arity = static_cast<uint8_t>(1 + (b >= 0) + (c >= 0));
  instr.args[0] = static_cast<uint8_t>(a);
  instr.args[1] = static_cast<uint8_t>(b >= 0 ? b : 0);
  instr.args[2] = static_cast<uint8_t>(c >= 0 ? c : 0);
  instr.call = nullptr;
  return num_inputs + num_constants + num_instrs++;
}

int PointwiseProgram::add_call(float (*call)(const float*), int a, int b, int c) {
  const int result = add(PointwiseFn::kCall, a, b, c);
  if (result >= 0) instrs[num_instrs - 1].call = call;
  return result;
}

const char* check_pointwise(const PointwiseProgram& program) {
  if (program.num_inputs > kMaxPointwiseInputs) return "too many inputs (at most 16)";
  if (program.num_constants > kMaxPointwiseConstants) return "too many constants (at most 32)";
  if (program.num_instrs > kMaxPointwiseInstrs) return "too many instructions (at most 32)";
  if (program.num_instrs == 0) return "no instruction";
  for (int i = 0; i < program.num_instrs; ++i) {
    const PointwiseInstr& instr = program.instrs[i];
    if (instr.fn > PointwiseFn::kCall) return "unknown function";
    if (instr.fn == PointwiseFn::kCall) {
      if (instr.call == nullptr) return "a call without a function";
      if (instr.arity < 1 || instr.arity > 3) return "a call takes 1 to 3 arguments";
    } else if (instr.arity != pointwise_arity(instr.fn)) {
      return "wrong number of arguments";
    }
    for (int k = 0; k < instr.arity; ++k) {
      if (instr.args[k] >= program.num_inputs + program.num_constants + i) {
        return "an argument is used before it is computed";
      }
    }
  }
  return nullptr;
}

}  // namespace hone::cpu
