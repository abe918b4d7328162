#pragma once

#include "graph/graph.h"

namespace hone {

// Pointwise operators behind Conv and MatMul become their epilogue: bias, residual Add, activation.
// Other operands must have the result's shape, one value per channel or one value. Of two that an
// Add joins, the later one takes it. One rounding less per operator.
Result<bool> fuse_epilogue(Graph& graph);

}  // namespace hone
