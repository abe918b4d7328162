// Attributes of MatMul.
#pragma once

namespace hone {

// MatMul(a, b): NumPy's matmul, 1-D operands and broadcast batches included; a transposed operand
// has its last two dimensions swapped first (no effect on 1-D).
struct MatMulAttributes {
  bool transpose_a = false;
  bool transpose_b = false;
  bool operator==(const MatMulAttributes&) const = default;
  template <class V>
  void fields(V&& visit) {
    visit("transpose_a", transpose_a);
    visit("transpose_b", transpose_b);
  }
};

}  // namespace hone
