#pragma once

#include "graph/graph.h"

namespace hone {

// Integer tensors whose elements inference knows become constants, and the shapes that Reshape and
// Expand take become constants or attributes where inference knows the result: chains of Shape,
// Slice, Concat die. Exact.
Result<bool> resolve_shapes(Graph& graph);

}  // namespace hone
