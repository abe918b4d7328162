// Trigonometric and hyperbolic functions and their inverses.
#include "ops/op_list.h"
#include "ops/pointwise_op.h"

namespace hone {

std::vector<OpDef> trigonometry_ops() {
  return {
      pointwise_float_op("Sin", "sine", [](auto x) { return std::sin(x); }),
      pointwise_float_op("Cos", "cosine", [](auto x) { return std::cos(x); }),
      pointwise_float_op("Tan", "tangent", [](auto x) { return std::tan(x); }),
      pointwise_float_op("Asin", "inverse sine", [](auto x) { return std::asin(x); }),
      pointwise_float_op("Acos", "inverse cosine", [](auto x) { return std::acos(x); }),
      pointwise_float_op("Atan", "inverse tangent", [](auto x) { return std::atan(x); }),
      pointwise_float_op("Sinh", "hyperbolic sine", [](auto x) { return std::sinh(x); }),
      pointwise_float_op("Cosh", "hyperbolic cosine", [](auto x) { return std::cosh(x); }),
      pointwise_float_op("Tanh", "hyperbolic tangent", [](auto x) { return std::tanh(x); }),
      pointwise_float_op("Asinh", "inverse hyperbolic sine", [](auto x) { return std::asinh(x); }),
      pointwise_float_op("Acosh", "inverse hyperbolic cosine",
                         [](auto x) { return std::acosh(x); }),
      pointwise_float_op("Atanh", "inverse hyperbolic tangent",
                         [](auto x) { return std::atanh(x); }),
  };
}

}  // namespace hone
