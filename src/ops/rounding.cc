// Rounding to integral values, and tests of values.
#include "ops/op_list.h"
#include "ops/pointwise_op.h"

namespace hone {

std::vector<OpDef> rounding_ops() {
  constexpr PointwiseRule kTest{.domain = Domain::kFloat, .boolean_result = true};
  return {
      pointwise_float_op("Floor", "largest integer <= x", [](auto x) { return std::floor(x); }),
      pointwise_float_op("Ceil", "smallest integer >= x", [](auto x) { return std::ceil(x); }),
      pointwise_float_op("Round", "nearest integer, halves to even",
                         [](auto x) { return std::nearbyint(x); }),
      pointwise_float_op(
          "IsNaN", "whether x is NaN", [](auto x) { return std::isnan(x); }, kTest),
      pointwise_float_op(
          "IsInf", "whether x is +- infinity", [](auto x) { return std::isinf(x); }, kTest),
  };
}

}  // namespace hone
