// How operators change when a Transpose moves from their inputs to their outputs.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "graph/graph.h"

namespace hone {

// A node as it reads above the Transpose.
struct Sunk {
  Attributes attributes;
  std::vector<Value*> inputs;
  std::vector<int64_t> perm;  // of the Transpose that follows each output
};

// `node` without the Transpose with `perm` above its data. Nothing if it cannot do without. May add
// constants, and Transposes of other inputs that move only dimensions of size 1.
Result<std::optional<Sunk>> sink_rule(Graph& graph, Node* node, const std::vector<int64_t>& perm);

// The same for Reshape: dimensions that it splits or joins must be neighbours above too.
Result<std::optional<Sunk>> sink_reshape(Graph& graph, Node* node,
                                         const std::vector<int64_t>& perm);

// Whether a Transpose leaves the elements where they are, as it moves dimensions of size 1 only.
bool keeps_order(const Shape& input, const std::vector<int64_t>& perm);

}  // namespace hone
