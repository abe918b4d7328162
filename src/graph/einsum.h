// Einstein summation as Transpose, Reshape, ReduceSum, MatMul and Mul: for the importers.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "graph/graph.h"

namespace hone {

// Adds a node with one output.
using EmitNode = std::function<Result<Value*>(std::string_view op, Attributes attributes,
                                              std::vector<Value*> inputs)>;

// The value of `equation`, NumPy's notation ("abc,cd->abd", "...ij,...jk", "ij->"; without an arrow
// the result has the labels that are there once, sorted). More than two operands are contracted
// from left to right. Errors: kModel (syntax, ranks), kUnsupported: a label twice in one operand or
// in the result, a sum over the ellipsis.
Result<Value*> build_einsum(Graph& graph, std::string_view equation,
                            const std::vector<Value*>& operands, const EmitNode& emit);

}  // namespace hone
