// Reshapes whose target is known only as expressions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace hone {

// How a Reshape can say its target without a shape that is computed at run time.
struct ReshapeTarget {
  std::vector<int64_t> constant;  // with 0 and -1 as Reshape reads them, if `attribute` is empty
  std::string attribute;          // ReshapeAttributes::shape
};
std::optional<ReshapeTarget> express_target(const Shape& input, const Shape& target);

// `value` under the shape `target`: `value` itself if it has it, else a Reshape before `before`.
// Null, and the graph as it was, if there is no way to say it.
Result<Value*> reshape_to(Graph& graph, Value* value, const Shape& target, NodeOptions options);

// Puts a Reshape of `origin` with the same result in the place of `node`, or `origin` itself.
// False, and the graph as it was, if there is no way to say it.
Result<bool> become_reshape(Graph& graph, Node* node, Value* origin);

}  // namespace hone
