#pragma once

#include "graph/graph.h"

namespace hone {

// Activations spelled out in arithmetic on f32 become one operator:
//
//   Gelu       x (1 + erf(x / sqrt 2)) / 2, x erfc(-x / sqrt 2) / 2
//   GeluTanh   x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2
//   HardSwish  x min(max(x + 3, 0), 6) / 6, x HardSigmoid(x, 1/6, 1/2)
//   Mish       x tanh(log(1 + e^x))
//
// with factors in any order. x Sigmoid(x) stays: the kernels know it as one step. Constants may be
// off by 1e-6, about FP32's rounding; else one rounding less per operator.
Result<bool> fuse_activation(Graph& graph);

}  // namespace hone
