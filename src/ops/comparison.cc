// Comparisons: boolean results.
#include "ops/op_list.h"
#include "ops/pointwise_op.h"

namespace hone {

std::vector<OpDef> comparison_ops() {
  constexpr PointwiseRule kEquality{
      .domain = Domain::kAny, .boolean_result = true, .commutative = true};
  constexpr PointwiseRule kOrder{.domain = Domain::kNumber, .boolean_result = true};
  return {
      pointwise_op(
          "Equal", "a == b", [](auto a, auto b) { return a == b; }, kEquality),
      pointwise_op(
          "NotEqual", "a != b", [](auto a, auto b) { return a != b; }, kEquality),
      pointwise_op(
          "Less", "a < b", [](auto a, auto b) { return a < b; }, kOrder),
      pointwise_op(
          "LessOrEqual", "a <= b", [](auto a, auto b) { return a <= b; }, kOrder),
      pointwise_op(
          "Greater", "a > b", [](auto a, auto b) { return a > b; }, kOrder),
      pointwise_op(
          "GreaterOrEqual", "a >= b", [](auto a, auto b) { return a >= b; }, kOrder),
  };
}

}  // namespace hone
