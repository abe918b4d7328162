// Attributes of LRN.
#pragma once

#include <cstdint>

namespace hone {

// y = x / (bias + alpha / size * sum of x^2)^beta. The sum is over `size` channels around x,
// (size - 1) / 2 in front of it and size / 2 behind; those beyond the ends count as 0. As in ONNX.
struct LrnAttributes {
  int64_t size = 5;
  double alpha = 1e-4, beta = 0.75, bias = 1;
  bool operator==(const LrnAttributes&) const = default;
  template <class V>
  void fields(V&& visit) {
    visit("size", size);
    visit("alpha", alpha);
    visit("beta", beta);
    visit("bias", bias);
  }
};

}  // namespace hone
