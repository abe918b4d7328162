#pragma once

#include "graph/graph.h"

namespace hone {

// A Pad with zeros in front of Conv or AveragePool becomes their own padding; in front of MaxPool
// too where the data is known not to be negative and every window holds a real element. Exact.
Result<bool> fold_pad(Graph& graph);

}  // namespace hone
