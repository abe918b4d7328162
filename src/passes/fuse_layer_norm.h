#pragma once

#include "graph/graph.h"

namespace hone {

// Layer and RMS normalization over the last axes, spelled out in arithmetic on f32, becomes one
// operator with its scale and bias:
//
//   (x - mean) * rsqrt(variance + epsilon) * scale + bias      PyTorch, also with sqrt and Div
//   x * (rsqrt(...) * scale) + (bias - mean * (rsqrt(...) * scale))      TensorFlow, Keras
//   the same between two Reshapes that make a row of the last axis       Keras 2
//   x * rsqrt(mean(x^2) + epsilon) * scale                     RMS
//
// where variance is the mean of (x - mean)^2. Of the second form, which cancels where the mean is
// large beside the deviation, the result gets more exact; of the others, one rounding less per
// operator.
Result<bool> fuse_layer_norm(Graph& graph);

}  // namespace hone
