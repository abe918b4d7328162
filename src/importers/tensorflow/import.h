// TensorFlow operators to Hone operators: what can be imported and why the rest cannot.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"
#include "hone/status.h"
#include "importers/tensorflow/freeze.h"

namespace hone::tf {

// Known types of tensors ("node:0"), for the outputs of operators that Hone does not know.
using TypeHints = std::map<std::string, TensorType, std::less<>>;

struct NodeVerdict {
  bool importable = false;
  std::string reason, fix;  // when not importable
};

// What a walk over a frozen graph finds out. Index = index in graph.nodes.
struct Analysis {
  std::vector<NodeVerdict>
      verdicts;     // Const and Placeholder: not importable by themselves, no reason
  TypeHints types;  // of every tensor whose type is known
};

// Tries every node. `hints`: types of outputs that the walk cannot find; `denylist`: op types that
// are to stay in TensorFlow. Never fails: what cannot be imported is said per node.
Analysis analyze(const FrozenGraph& frozen, const TypeHints& hints,
                 const std::set<std::string>& denylist);

// One engine: these nodes (indices in topological order), with `inputs` as graph inputs and
// `outputs` as graph outputs, both tensor names; Const producers are copied in.
struct Segment {
  std::vector<size_t> nodes;
  std::vector<std::string> inputs, outputs;
};
Result<Graph> import_segment(const FrozenGraph& frozen, const Segment& segment,
                             const TypeHints& types);

// The whole model as one graph; inputs and outputs are named by their signature keys. All nodes
// that cannot be imported are reported together (kUnsupported).
Result<Graph> import_frozen_graph(const FrozenGraph& frozen, const std::string& name);

struct ImportableOp {
  std::string op, limits;
};
std::vector<ImportableOp> importable_ops();  // sorted by op

}  // namespace hone::tf
