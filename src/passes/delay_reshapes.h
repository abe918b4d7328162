#pragma once

#include "graph/graph.h"

namespace hone {

// Reshapes move behind MatMul and behind the pointwise operators that could become the epilogue of
// MatMul, Conv or ConvTranspose:
//
//   MatMul(Reshape(x), w)             ->  Reshape(MatMul(x, w))     rows split or joined only
//   Add(Reshape(MatMul(x, w)), b) ... ->  Reshape(Add(MatMul(x, w), b')) ...
//
// Keras and tf2onnx write a Dense layer of three dimensions like that; what other operands they
// have (biases as [heads, size], a residual of the Reshape's shape) is reshaped the other way.
// Exact.
Result<bool> delay_reshapes(Graph& graph);

}  // namespace hone
