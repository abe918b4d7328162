// The graph: values, nodes, and the edits that keep them consistent.
//
// Ownership: a Graph owns its nodes and values; pointers stay valid until erased. Nodes are kept in
// an order in which every node comes after its producers. One thread at a time.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ops/op_def.h"

namespace hone {

class Graph;
class Node;

struct Use {
  Node* node;
  int index;  // position in node->inputs()
  bool operator==(const Use&) const = default;
};

// A tensor: graph input, constant, or output of a node.
class Value {
 public:
  const std::string& name() const { return name_; }      // unique in the graph
  const std::string& source() const { return source_; }  // tensor name in the source model
  const TensorType& type() const { return type_; }
  const Shape& shape() const { return type_.shape; }
  DataType dtype() const { return type_.dtype; }
  Node* producer() const { return producer_; }  // null for inputs and constants
  int output_index() const { return output_index_; }
  const Tensor* constant() const { return constant_ ? &*constant_ : nullptr; }
  bool is_constant() const { return constant_.has_value(); }
  const DimValues& values() const { return values_; }  // see ops/op_def.h
  const std::vector<Use>& uses() const { return uses_; }
  bool is_graph_input() const { return is_input_; }
  bool is_graph_output() const { return output_count_ > 0; }
  // One use and not a graph output: may be fused away.
  bool has_single_use() const { return uses_.size() == 1 && output_count_ == 0; }

 private:
  friend class Graph;
  std::string name_, source_;
  TensorType type_;
  Node* producer_ = nullptr;
  int output_index_ = 0;
  std::optional<Tensor> constant_;
  DimValues values_;
  std::vector<Use> uses_;
  bool is_input_ = false;
  int output_count_ = 0;                      // how many graph outputs it is
  std::list<Value*>::iterator constant_pos_;  // in Graph::constants_, if a constant
};

// An operator applied to values, followed by its epilogue (a Program over the result; its extra
// inputs are the last inputs of the node).
class Node {
 public:
  const std::string& name() const { return name_; }  // unique; from the source where possible
  const OpDef& op() const { return *op_; }
  bool is(std::string_view op_name) const { return op_name == op_->name; }
  const Attributes& attributes() const { return attributes_; }
  template <class T>
  const T& attr() const {
    return attributes_.get<T>();
  }
  // Null entries are optional inputs that are absent; there are none at the end.
  const std::vector<Value*>& inputs() const { return inputs_; }
  Value* input(size_t i) const { return i < inputs_.size() ? inputs_[i] : nullptr; }
  const std::vector<Value*>& outputs() const { return outputs_; }
  Value* output(size_t i = 0) const { return outputs_[i]; }
  const Program& epilogue() const { return epilogue_; }
  // Inputs of the operator itself, without those of the epilogue.
  size_t num_root_inputs() const {
    return inputs_.size() - (epilogue_.empty() ? 0 : static_cast<size_t>(epilogue_.num_inputs - 1));
  }
  // Names of the source nodes this node stands for, in order.
  const std::vector<std::string>& sources() const { return sources_; }

 private:
  friend class Graph;
  std::string name_;
  const OpDef* op_ = nullptr;
  Attributes attributes_;
  std::vector<Value*> inputs_;
  std::vector<size_t> slots_;  // where each input's Use is in its value's uses_: O(1) removal
  std::vector<Value*> outputs_;
  Program epilogue_;
  std::vector<std::string> sources_;
  std::list<std::unique_ptr<Node>>::iterator self_;
};

struct NodeOptions {
  std::string name;                  // empty = made from the op name
  std::vector<std::string> sources;  // empty = {name}
  // Wanted value names, kept as their source() too; empty = made from the node name, no source.
  std::vector<std::string> output_names;
  Program epilogue;
  Node* before = nullptr;  // insert before this node; null = at the end
};

class Graph {
 public:
  Graph() = default;
  Graph(Graph&&) = default;
  Graph& operator=(Graph&&) = default;
  // Deep copy; constants share their bytes.
  Graph clone() const;

  std::string name;

  // --- Building. A name that is taken gets "_1", "_2" ... A failed call leaves the graph as it
  // was.
  Value* add_input(std::string name, TensorType type);
  Value* add_constant(std::string name, Tensor tensor, std::string source = "");
  // Infers the output types. Errors name the node. Null inputs are absent ones; empty `attributes`
  // stand for the operator's defaults.
  Result<Node*> add_node(std::string_view op_name, Attributes attributes,
                         std::vector<Value*> inputs, NodeOptions options = {});
  Result<Node*> add_node(const OpDef& op, Attributes attributes, std::vector<Value*> inputs,
                         NodeOptions options = {});
  // One-output convenience: the output value.
  Result<Value*> add(std::string_view op_name, Attributes attributes, std::vector<Value*> inputs,
                     NodeOptions options = {});
  void add_output(Value* value, std::string name);

  // --- Reading.
  const std::vector<Value*>& inputs() const { return inputs_; }
  const std::vector<Value*>& outputs() const { return outputs_; }
  const std::vector<std::string>& output_names() const { return output_names_; }
  // Nodes in topological order. Safe against erasing the returned nodes while walking the copy.
  std::vector<Node*> nodes() const;
  size_t num_nodes() const { return nodes_.size(); }
  std::vector<Value*> values() const;  // inputs, constants, node outputs
  const std::list<Value*>& constants() const { return constants_; }  // in the order of adding
  Value* find_value(std::string_view name) const;                    // null if there is none
  Node* find_node(std::string_view name) const;
  const SymbolScope& symbols() const { return symbols_; }
  SymbolScope& symbols() { return symbols_; }

  // --- Editing. Uses, producers and order stay consistent.
  // All uses of `from` (graph outputs included) read `to`. Moves nothing: the caller makes sure
  // that `to` is produced before the users. Uses by the node `except` stay: for putting that node
  // behind `from`.
  void replace_uses(Value* from, Value* to, const Node* except = nullptr);
  void set_input(Node* node, int index, Value* value);
  void set_inputs(Node* node, std::vector<Value*> inputs);
  void set_attributes(Node* node, Attributes attributes) {
    node->attributes_ = std::move(attributes);
  }
  // Appends `program` (its input 0 = the node's present result) to the epilogue; `extra` are the
  // values of its other inputs. The node's output type is inferred again. On error nothing has
  // changed.
  Status append_epilogue(Node* node, const Program& program, const std::vector<Value*>& extra);
  // Adds `sources` of another node which this node now also stands for.
  void add_sources(Node* node, const std::vector<std::string>& sources);
  void set_type(Value* value, TensorType type) { value->type_ = std::move(type); }
  void set_values(Value* value, DimValues values) { value->values_ = std::move(values); }
  void rename(Value* value, std::string name);
  void set_source(Value* value, std::string source) { value->source_ = std::move(source); }
  void set_output(size_t index, Value* value);
  // Infers the types and values of one node's outputs again after an edit.
  Status infer(Node* node);
  // REQUIRES: no uses of its outputs.
  void erase(Node* node);
  // Erases constants and node outputs without uses, dead nodes; keeps graph inputs. True if any.
  bool remove_dead();
  // Restores topological order after edits that broke it. Error on a cycle (names the nodes).
  Status sort();

 private:
  // Numbers of the last suffixes given, so that many equal names cost O(1) each.
  using Suffixes = std::unordered_map<std::string, int>;

  Value* new_value(std::string name, TensorType type);
  void erase_value(Value* value);
  Status infer_outputs(const OpDef& op, const Attributes& attributes, const Program& epilogue,
                       const std::vector<Value*>& inputs, InferContext* context);
  void add_use(Value* value, Node* node, int index);
  void remove_use(Node* node, int index);

  std::list<std::unique_ptr<Node>> nodes_;
  std::unordered_map<std::string, std::unique_ptr<Value>> values_;
  std::unordered_map<std::string, Node*> node_names_;
  Suffixes value_suffixes_, node_suffixes_;
  std::list<Value*> constants_;
  std::vector<Value*> inputs_, outputs_;
  std::vector<std::string> output_names_;
  SymbolScope symbols_;
};

}  // namespace hone
