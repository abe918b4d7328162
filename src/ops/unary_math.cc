// Powers, exponentials and logarithms of one argument.
#include "ops/op_list.h"
#include "ops/pointwise_op.h"

namespace hone {
namespace {

Dim negate(const Dim* x) { return -x[0]; }
Dim square(const Dim* x) { return x[0] * x[0]; }
Dim absolute(const Dim* x) { return max(x[0], -x[0]); }

double magnitude(double x) { return std::fabs(x); }
float magnitude(float x) { return std::fabs(x); }
int64_t magnitude(int64_t x) { return x < 0 ? wrapping_sub(0, x) : x; }

constexpr PointwiseRule kNumber{.domain = Domain::kNumber};

}  // namespace

std::vector<OpDef> unary_math_ops() {
  return {
      pointwise_op("Abs", "|x|", [](auto x) { return magnitude(x); },
                   {.domain = Domain::kNumber, .dim = absolute}),
      pointwise_op("Neg", "-x", [](auto x) { return wrapping_mul(x, decltype(x)(-1)); },
                   {.domain = Domain::kNumber, .dim = negate}),
      pointwise_op("Square", "x * x", [](auto x) { return wrapping_mul(x, x); },
                   {.domain = Domain::kNumber, .dim = square}),
      pointwise_op(
          "Sign", "-1, 0 or 1; NaN for NaN",
          [](auto x) { return x > 0   ? decltype(x)(1)
                              : x < 0 ? decltype(x)(-1)
                                      : x; }, kNumber),
      pointwise_float_op("Exp", "e^x", [](auto x) { return std::exp(x); }),
      pointwise_float_op("Expm1", "e^x - 1, exact near 0", [](auto x) { return std::expm1(x); }),
      pointwise_float_op("Log", "natural logarithm", [](auto x) { return std::log(x); }),
      pointwise_float_op("Log1p", "log(1 + x), exact near 0", [](auto x) { return std::log1p(x); }),
      pointwise_float_op("Sqrt", "square root", [](auto x) { return std::sqrt(x); }),
      pointwise_float_op("Rsqrt", "1 / square root", [](auto x) { return 1 / std::sqrt(x); }),
      pointwise_float_op("Reciprocal", "1 / x", [](auto x) { return 1 / x; }),
      pointwise_float_op("Erf", "error function", [](auto x) { return std::erf(x); }),
      pointwise_float_op("Erfc", "1 - Erf(x), exact for large x",
                         [](auto x) { return std::erfc(x); }),
  };
}

}  // namespace hone
