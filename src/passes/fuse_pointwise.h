#pragma once

#include "graph/graph.h"

namespace hone {

// Pointwise f32 operators that feed each other become one Pointwise program, where nobody else
// needs what is between them; constants of one element become part of the program. A lone operator
// without such constants stays. One rounding less per operator.
Result<bool> fuse_pointwise(Graph& graph);

}  // namespace hone
