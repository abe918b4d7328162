// Convs side by side over the same data as one Conv: the data is read once, and the kernels get
// more channels to work on.
#pragma once

#include <vector>

#include "graph/alternative.h"

namespace hone {

// One alternative per group of Convs that differ in weights and number of output channels only. The
// parts of the result are views (Split); if one of them is the first or last part of a Concat, that
// Concat becomes a view, too, of a wider one.
std::vector<Alternative> find_siblings(const Graph& graph);

}  // namespace hone
