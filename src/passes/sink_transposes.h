#pragma once

#include "graph/graph.h"

namespace hone {

// Moves Transposes down, behind operators that can do without (their axes renumbered), until they
// meet their inverse, the weights of a MatMul behind Flatten, or an operator that cannot. Those
// left that move only dimensions of size 1 become Reshapes. Exact, but for the order of sums.
Result<bool> sink_transposes(Graph& graph);

}  // namespace hone
