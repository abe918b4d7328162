#pragma once

#include "graph/graph.h"

namespace hone {

// One spelling for each computation, so that later passes look for one: constants to the right,
// Sub of a constant is Add, Max(x, 0) is Relu, x * x is Square, a transposed operand of MatMul is
// an attribute; x * 1, x + 0 and the like go. Exact, but for the sign of -0 + 0.
Result<bool> canonicalize(Graph& graph);

}  // namespace hone
