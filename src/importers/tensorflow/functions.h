// Copies of library functions in which captured variables became values.
//
// A While whose body reads a variable passes the variable's handle in and out of its functions. To
// freeze the variable, the handle argument is turned into the value, through all functions nested
// in the body.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "hone/status.h"
#include "importers/tensorflow/graph_def.h"
#include "importers/tensorflow/op_defs.h"

namespace hone::tf {

using PositionTypes = std::map<int, TfType>;  // position -> type of the value

class FunctionBody;  // functions.cc

class FunctionFreezer {
 public:
  // Borrows the index.
  explicit FunctionFreezer(const FunctionIndex* functions) : functions_(functions) {}

  // Rewrites a node of op While, If, Case (or stateless), or a call: inputs at `inputs` are now
  // values of these types. False: the functions do more with the variable than read it; the node is
  // unchanged. `outputs` gets the outputs that hand a variable through, which are values then.
  Result<bool> freeze_node(NodeDef* node, const PositionTypes& inputs, PositionTypes* outputs);

  // The functions made, by name. Addresses are stable.
  const std::map<std::string, FunctionDef>& made() const { return made_; }
  const FunctionDef* find(std::string_view name) const;

 private:
  struct Frozen {
    std::string name;  // of the copy
    PositionTypes outputs;
  };
  using Key = std::pair<std::string, PositionTypes>;

  // The copy of function `name` with the arguments `args` as values; nothing if that cannot be.
  Result<std::optional<Frozen>> freeze(const std::string& name, const PositionTypes& args);
  Result<bool> change_nodes(const FunctionDef& original, FunctionBody* body);
  Result<bool> change_node(NodeDef node, const PositionTypes& inputs, size_t index,
                           FunctionBody* body);
  Result<std::optional<Frozen>> make(const FunctionDef& original, const PositionTypes& args);

  const FunctionIndex* functions_;
  std::map<Key, std::optional<Frozen>> memo_;
  std::set<std::string> busy_;  // functions being copied, to notice recursion
  std::map<std::string, FunctionDef> made_;
};

// True for ops whose function attributes FunctionFreezer understands.
bool is_functional_control_flow(std::string_view op);

// ReadVariableOp, ResourceGather, ResourceGatherNd, VariableShape with a value of type `dtype` in
// place of the handle: changes op and attributes. False for any other op. `*needs_axis`: an int32
// constant with the node's batch_dims is to be appended to the inputs (GatherV2).
bool make_reader_of_value(NodeDef* node, TfType dtype, bool* needs_axis);
// That constant.
NodeDef gather_axis(const NodeDef& gather, const std::string& name);

}  // namespace hone::tf
