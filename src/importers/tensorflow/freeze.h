// From a SavedModel's signature, or a GraphDef, to one flat graph without variables and calls.
//
// * PartitionedCall, StatefulPartitionedCall and ops named after functions are inlined.
// * Variables that the signature only reads become Const nodes named after the variable. One that
// it
//   also writes stays as it is (VarHandleOp and its readers), as does one without a stored value.
//   ResourceGather and ResourceGatherNd become GatherV2 and GatherNd, VariableShape becomes Shape.
// * Identity, IdentityN, StopGradient, PreventGradient, NoOp disappear where that changes nothing.
// * While, If and Case stay, with their functions in the library; where they capture a variable
// they get
//   copies of their functions that take the value instead.
// * Control inputs remain only on nodes with side effects (Assert, Print, assignments), on v1
//   control flow, and on what depends on them.
// * What neither outputs, inputs nor side effects need is left out.
// * Hash tables and other resources stay; who reads them must stay in TensorFlow.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hone/status.h"
#include "importers/tensorflow/graph_def.h"
#include "importers/tensorflow/saved_model.h"

namespace hone::tf {

struct FrozenGraph {
  struct Port {
    std::string key;                  // of the signature; for a GraphDef the node's name
    std::string tensor;               // "node:0"
    TfType dtype = TfType::kInvalid;  // kInvalid and unknown rank where the file does not say
    ShapeProto shape;
  };

  // Nodes in topological order (but for NextIteration -> Merge edges), inputs as in a GraphDef.
  // A node keeps its own name where that is unique in the result, else it gets the names of the
  // calls it was inlined through in front: "StatefulPartitionedCall/model/conv/Conv2D". The library
  // has the functions that nodes name, directly or through each other.
  GraphDef graph;
  std::vector<Port> inputs, outputs;      // in the order of their keys
  std::vector<std::string> side_effects;  // nodes that must run although no output needs them
  std::vector<OpDef> op_defs;             // what the model says about its ops; for OpDefs
};

// `signature`: as choose_signature. kModel: a damaged graph, a cycle (named), recursive functions.
// kUnsupported: signatures of sparse or ragged tensors.
Result<FrozenGraph> freeze_signature(const SavedModel& model, std::string_view signature = "");

// Inputs are the Placeholders in file order, outputs the nodes without consumers. `name`: for
// messages.
Result<FrozenGraph> freeze_graph_def(const GraphDef& graph, const std::string& name);
// read_graph_def, then freeze_graph_def.
Result<FrozenGraph> read_frozen_graph(const std::string& path);

// The body of a library function as a flat graph: one Placeholder per argument, calls inlined. For
// the branches and bodies of If and While. Ports are keyed by argument name, in signature order.
Result<FrozenGraph> flatten_function(const FrozenGraph& graph, std::string_view function);

}  // namespace hone::tf
