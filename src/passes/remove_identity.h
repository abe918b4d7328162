#pragma once

#include "graph/graph.h"

namespace hone {

// Removes nodes that hand their input on (Identity; Reshape, Expand, Slice, Pad, Cast ... without
// effect; Concat and Split of one), and joins Reshape behind Reshape (Squeeze and Unsqueeze are
// Reshapes too) and Transpose behind Transpose. Exact.
Result<bool> remove_identity(Graph& graph);

}  // namespace hone
