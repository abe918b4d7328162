#pragma once

#include "graph/graph.h"

namespace hone {

// Runs the reference of nodes that read constants only, unless the result is large: more than 64
// MiB, or more than 8 times the inputs and 64 KiB. Exact.
Result<bool> fold_constants(Graph& graph);

}  // namespace hone
