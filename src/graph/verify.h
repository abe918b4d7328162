// The verifier: what every graph must be between passes.
#pragma once

#include "graph/graph.h"
#include "hone/status.h"

namespace hone {

// Nodes after their producers; uses, producers and names consistent in both directions; epilogues
// with their inputs; recorded types that agree with inference (a fresh symbol on either side says
// nothing); graph outputs that exist, under different names. Errors: kInternal, with the node or
// value.
Status verify(const Graph& graph);

}  // namespace hone
