// An alternative: Convs side by side over the same data as one Conv, then Split.
#pragma once

#include <vector>

#include "graph/alternative.h"
#include "graph/graph.h"

namespace hone {

// For each set of Convs that differ in their weights and number of output channels only.
std::vector<Alternative> find_siblings(const Graph& graph);

}  // namespace hone
