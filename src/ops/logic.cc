// Logic on booleans.
#include "ops/op_list.h"
#include "ops/pointwise_op.h"

namespace hone {

std::vector<OpDef> logic_ops() {
  constexpr PointwiseRule kBinary{
      .domain = Domain::kBoolean, .boolean_result = true, .commutative = true};
  constexpr PointwiseRule kUnary{.domain = Domain::kBoolean, .boolean_result = true};
  return {
      pointwise_op(
          "And", "a and b", [](auto a, auto b) { return a != 0 && b != 0; }, kBinary),
      pointwise_op(
          "Or", "a or b", [](auto a, auto b) { return a != 0 || b != 0; }, kBinary),
      pointwise_op(
          "Xor", "either a or b", [](auto a, auto b) { return (a != 0) != (b != 0); }, kBinary),
      pointwise_op(
          "Not", "not x", [](auto x) { return x == 0; }, kUnary),
  };
}

}  // namespace hone
