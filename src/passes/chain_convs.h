// An alternative: Convs around a depthwise one as one ConvChain, which a tactic runs depth first.
#pragma once

#include <vector>

#include "graph/alternative.h"
#include "graph/graph.h"

namespace hone {

// For each depthwise Conv, with the Conv of one group before it and the 1x1 Conv behind it, as far
// as there are such that nothing else reads between. What lies between must be a matter of the
// chain: f32, 2 spatial dimensions, constant weights, epilogues without other inputs. Pays where
// the tensor between does not fit the L2 cache; not so where the weights are large and the images
// small, for each strip reads all weights. So it is timed.
std::vector<Alternative> find_conv_chains(const Graph& graph);

}  // namespace hone
