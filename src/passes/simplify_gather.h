#pragma once

#include "graph/graph.h"

namespace hone {

// Gather with constant neighbouring indices (x[:, 0], say) becomes Slice, which costs nothing: a
// view. Indices that the model makes non-negative itself, where(i < 0, i + n, i), are taken as they
// are: Gather counts negative ones from the end. Exact.
Result<bool> simplify_gather(Graph& graph);

}  // namespace hone
