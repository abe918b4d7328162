// Reference evaluation of a whole graph: what the graph means, slowly.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/tensor.h"
#include "graph/graph.h"
#include "hone/status.h"

namespace hone {

struct EvaluateOptions {
  // Sees every graph input and node output as soon as it is known, in order. An error stops the
  // run.
  std::function<Status(const Value&, const Tensor&)> tap;
  // Tensors alive at one time, without constants; inside one operator more may be needed.
  int64_t max_bytes = int64_t{8} << 30;
};

// Values of the symbols for these inputs, declared dimensions and run-time checks tested. Only
// symbols that inputs determine are there. kShape: an input has another dtype or shape, or two
// inputs contradict each other; the error names the input.
Result<SymbolValues> bind_inputs(const Graph& graph, std::span<const Tensor> inputs);

// Outputs in the order of graph.outputs(); inputs in the order of graph.inputs(). Intermediates are
// freed after their last use. Every output is compared with its inferred type. Errors: as
// bind_inputs; kOutOfResources (max_bytes); kInternal (a type was inferred wrongly); those of the
// operators, with the node.
Result<std::vector<Tensor>> evaluate_graph(const Graph& graph, std::span<const Tensor> inputs,
                                           const EvaluateOptions& options = {});

}  // namespace hone
