// Arithmetic of two arguments on numbers of all kinds.
#include "ops/op_list.h"
#include "ops/pointwise_op.h"

namespace hone {
namespace {

Dim add(const Dim* x) { return x[0] + x[1]; }
Dim subtract(const Dim* x) { return x[0] - x[1]; }
Dim multiply(const Dim* x) { return x[0] * x[1]; }
Dim smaller(const Dim* x) { return min(x[0], x[1]); }
Dim larger(const Dim* x) { return max(x[0], x[1]); }

// Integer division truncates, which is floor_div where neither side is negative.
Dim divide(const Dim* x) {
  if (x[0].is_const() && x[1].is_const()) {
    const int64_t a = x[0].value(), b = x[1].value();
    return b == 0 || (a == INT64_MIN && b == -1) ? Dim::invalid() : Dim(a / b);
  }
  const bool positive =
      x[0].lower_bound().value_or(-1) >= 0 && x[1].lower_bound().value_or(-1) >= 0;
  if (auto exact = divide_exact(x[0], x[1])) return *exact;
  return positive ? floor_div(x[0], x[1]) : Dim::invalid();
}

template <class T>
T power(T base, T exponent) {
  return std::pow(base, exponent);
}

// By squaring, with wrap-around; a negative exponent gives the integer part of the quotient.
int64_t power(int64_t base, int64_t exponent) {
  if (exponent < 0) {
    return base == 1 ? 1 : base == -1 ? (exponent % 2 ? -1 : 1) : 0;
  }
  int64_t result = 1;
  for (; exponent > 0; exponent /= 2) {
    if (exponent % 2) result = wrapping_mul(result, base);
    base = wrapping_mul(base, base);
  }
  return result;
}

template <class T>
T quotient(T a, T b) {
  return a / b;
}

int64_t quotient(int64_t a, int64_t b) {
  if (b == 0) return 0;
  return b == -1 ? wrapping_sub(0, a) : a / b;
}

}  // namespace

std::vector<OpDef> binary_math_ops() {
  constexpr Domain kNumber = Domain::kNumber;
  return {
      pointwise_op("Add", "a + b", [](auto a, auto b) { return wrapping_add(a, b); },
                   {.domain = kNumber, .commutative = true, .dim = add}),
      pointwise_op("Sub", "a - b", [](auto a, auto b) { return wrapping_sub(a, b); },
                   {.domain = kNumber, .dim = subtract}),
      pointwise_op("Mul", "a * b", [](auto a, auto b) { return wrapping_mul(a, b); },
                   {.domain = kNumber, .commutative = true, .dim = multiply}),
      pointwise_op("Div", "a / b; integers truncate towards zero",
                   [](auto a, auto b) { return quotient(a, b); },
                   {.domain = kNumber, .divides = true, .dim = divide}),
      pointwise_op("Max", "the larger; NaN if either is NaN",
                   [](auto a, auto b) { return a > b || a != a ? a : b; },
                   {.domain = kNumber, .commutative = true, .dim = larger}),
      pointwise_op("Min", "the smaller; NaN if either is NaN",
                   [](auto a, auto b) { return a < b || a != a ? a : b; },
                   {.domain = kNumber, .commutative = true, .dim = smaller}),
      pointwise_op("Pow", "a to the power b", [](auto a, auto b) { return power(a, b); },
                   {.domain = kNumber}),
      pointwise_op(
          "SquaredDifference", "(a - b)^2",
          [](auto a, auto b) { return wrapping_mul(wrapping_sub(a, b), wrapping_sub(a, b)); },
          {.domain = kNumber, .commutative = true}),
  };
}

}  // namespace hone
