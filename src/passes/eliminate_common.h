#pragma once

#include "graph/graph.h"

namespace hone {

// Nodes that compute the same from the same inputs become one, equal constants too; what no output
// depends on goes. Exact.
Result<bool> eliminate_common(Graph& graph);

}  // namespace hone
