// What is known about the ops of a model: their outputs and whether they have side effects.
//
// A SavedModel lists the OpDefs of all ops it uses; a frozen GraphDef does not, so the common ops
// with more than one output or with side effects are known here too. An op in neither list counts
// as stateless with any number of outputs, each an output argument of its own.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

#include "hone/status.h"
#include "importers/tensorflow/graph_def.h"

namespace hone::tf {

// Functions of a library by name. Borrows the library, which must not change or move.
class FunctionIndex {
 public:
  FunctionIndex() = default;
  explicit FunctionIndex(const FunctionLibrary& library);
  const FunctionDef* find(std::string_view name) const;  // nullptr: none

 private:
  std::unordered_map<std::string_view, const FunctionDef*> functions_;
};

// Immutable after construction; any thread. Borrows the OpDefs and the index.
class OpDefs {
 public:
  // `functions` may be null. Ops of a model win over those known here; functions over both.
  OpDefs(const std::vector<OpDef>& ops, const FunctionIndex* functions);

  // nullptr when nothing is known.
  const OpDef* find(std::string_view op) const;
  // The number of outputs of a node; 1 when nothing is known. kModel: the attributes that decide it
  // are missing or absurd.
  Result<int> num_outputs(const NodeDef& node) const;
  // The flat index of "node:`arg`:`index`" among the node's outputs.
  Result<int> output_index(const NodeDef& node, std::string_view arg, int index) const;
  // True for ops that write or report something: their order matters and they must not be dropped.
  // Reading a variable, a hash table or a random number does not count.
  bool has_side_effects(std::string_view op) const;

 private:
  std::unordered_map<std::string_view, const OpDef*> ops_;
  const FunctionIndex* functions_;
};

// The `f` of PartitionedCall and StatefulPartitionedCall, or the op itself when it is a function.
// nullptr when the node is no call; kModel when it names a function that is not there.
Result<const FunctionDef*> called_function(const NodeDef& node, const FunctionIndex& functions);

// Names of all functions that the node's attributes name (branches, bodies, `f`).
std::vector<std::string> named_functions(const NodeDef& node);

// The parts of an input reference.
struct TensorRef {
  std::string_view node;  // or an argument, inside a function
  std::string_view arg;   // output argument, inside a function; empty otherwise
  int index = 0;
  bool control = false;
};
// "node", "node:1", "node:arg:1", "^node". kModel for anything else.
Result<TensorRef> parse_ref(std::string_view text);

}  // namespace hone::tf
