// Division with rounding, and remainders.
#include "ops/op_list.h"
#include "ops/pointwise_op.h"

namespace hone {
namespace {

Dim floor_quotient(const Dim* x) { return floor_div(x[0], x[1]); }
Dim floor_remainder(const Dim* x) { return floor_mod(x[0], x[1]); }

template <class T>
T floor_divide(T a, T b) {
  return std::floor(a / b);
}
int64_t floor_divide(int64_t a, int64_t b) {
  if (b == 0) return 0;
  if (b == -1) return wrapping_sub(0, a);
  const int64_t quotient = a / b;
  return quotient - (a % b != 0 && (a < 0) != (b < 0));
}

template <class T>
T truncated_remainder(T a, T b) {
  return std::fmod(a, b);
}
int64_t truncated_remainder(int64_t a, int64_t b) { return b == 0 || b == -1 ? 0 : a % b; }

// The sign of the result is that of b.
template <class T>
T floored_remainder(T a, T b) {
  const T remainder = truncated_remainder(a, b);
  return remainder != 0 && (remainder < 0) != (b < 0) ? remainder + b : remainder;
}

}  // namespace

std::vector<OpDef> integer_math_ops() {
  constexpr Domain kNumber = Domain::kNumber;
  return {
      pointwise_op("FloorDiv", "largest integer <= a / b",
                   [](auto a, auto b) { return floor_divide(a, b); },
                   {.domain = kNumber, .divides = true, .dim = floor_quotient}),
      pointwise_op("FloorMod", "a - b * FloorDiv(a, b): the sign of b (ONNX Mod with fmod = 0)",
                   [](auto a, auto b) { return floored_remainder(a, b); },
                   {.domain = kNumber, .divides = true, .dim = floor_remainder}),
      pointwise_op("TruncateMod", "remainder with the sign of a (ONNX Mod with fmod = 1)",
                   [](auto a, auto b) { return truncated_remainder(a, b); },
                   {.domain = kNumber, .divides = true}),
  };
}

}  // namespace hone
