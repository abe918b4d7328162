// Moves Reshapes below elementwise operators where that lets a MatMul or Conv take the operator
// into its epilogue: TensorFlow spells a Dense layer MatMul, Reshape, BiasAdd, Gelu, Add.
#pragma once

#include "graph/graph.h"
#include "hone/status.h"

namespace hone {

// f(Reshape(MatMul(...)), bias, y) becomes Reshape(f(MatMul(...), bias', Reshape(y))). Runs after
// fuse_pointwise, which leaves one operator to move. Results are the same bits.
Result<bool> lower_reshapes(Graph& graph);

}  // namespace hone
