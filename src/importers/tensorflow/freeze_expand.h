// The engine behind freeze.h: walks a graph from what is wanted to what it needs, through calls,
// and emits flat nodes in topological order. Internal to this folder; see freeze.h for what it
// does.
//
// The walk keeps its own stack, so that neither long chains of nodes nor nested functions use the
// machine's. Work is bounded: calls nest at most kMaxCallDepth deep, and inlining may visit at most
// kMinVisits + kVisitsPerNode x nodes of the model.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "hone/status.h"
#include "importers/tensorflow/bundle.h"
#include "importers/tensorflow/functions.h"
#include "importers/tensorflow/graph_def.h"
#include "importers/tensorflow/op_defs.h"

namespace hone::tf {

class Expander {
 public:
  static constexpr int kMaxCallDepth = 64;
  static constexpr int64_t kMinVisits = 200000, kVisitsPerNode = 16;

  struct Variables {
    std::map<std::string, std::string, std::less<>> keys;  // variable node -> checkpoint key
    const Bundle* bundle = nullptr;
    std::set<std::string, std::less<>> keep;  // variable nodes that must not be frozen
  };
  // A tensor: an output of an emitted node, or a variable that was not read yet.
  struct Value {
    bool is_variable = false;
    int node = -1;  // or the number of the variable
    int index = 0;
    bool operator==(const Value&) const = default;
  };
  struct Emitted {
    NodeDef node;           // inputs are not filled in yet
    std::string full_name;  // through all calls
    std::vector<Value> inputs;
    std::vector<int> controls;
    bool ordered = false;  // has side effects, or something it depends on in order
    bool has_effects = false;
  };

  // Borrows all arguments; they must outlive the expander.
  Expander(const OpDefs* ops, const FunctionIndex* functions, const Variables* variables);

  // The nodes of a top-level graph. kModel: two nodes of one name.
  Status set_graph(const std::vector<NodeDef>& nodes);
  // Instead: the body of a function, its arguments as emitted Placeholders, in order.
  Status set_function(const FunctionDef& function);

  // The value of "node:0" in the top scope, as an output of an emitted node: a variable that is a
  // result itself is read. Emits what it needs.
  Result<Value> expand(const std::string& ref);

  const std::deque<Emitted>& nodes() const { return emitted_; }
  const FunctionFreezer& functions_made() const { return freezer_; }
  // Variables that turned out to be written, or used in a way that cannot be frozen.
  const std::set<std::string, std::less<>>& unfreezable() const { return unfreezable_; }

 private:
  struct Outcome {
    int node = -1;                 // output i is output i of this node ...
    std::map<int, Value> instead;  // ... but these; node == -1: only these
    std::vector<int> effects;      // what a control edge from here means
  };
  enum class State : uint8_t { kNew, kBusy, kDone };
  struct Slot {
    const NodeDef* node = nullptr;
    State state = State::kNew;
    Outcome outcome;
  };
  // A graph or one instance of a function.
  struct Scope {
    const Scope* parent = nullptr;
    const FunctionDef* function = nullptr;  // null: the top graph
    std::string prefix;                     // "call/"
    int depth = 0;
    std::unordered_map<std::string_view, Slot> slots;
    std::unordered_map<std::string_view, Value> args;
    std::vector<int> controls;  // what the call had to wait for
  };
  struct Dependency {
    Scope* scope;
    std::string_view ref;
    bool control = false;  // also without "^"
  };
  struct Task {
    Scope* scope = nullptr;
    Slot* slot = nullptr;
    std::vector<Dependency> dependencies;
    size_t next = 0;
    std::vector<Value> values;  // of the data dependencies so far
    std::vector<int> effects;   // of the control dependencies so far
    Scope* inner = nullptr;     // a call whose inputs are known: its results come next
    size_t num_inputs = 0;
  };
  struct Variable {
    std::string name;
    const NodeDef* node;
    bool is_ref = false, frozen = false;
    int emitted_const = -1, emitted_handle = -1;
  };
  struct BackEdge {  // NextIteration -> Merge
    int merge;
    size_t input;
    Scope* scope;
    std::string_view ref;
  };

  Status run();
  Status start(Scope* scope, Slot* slot);
  Status advance(Task* task, bool* blocked);
  Status finish(Task* task, bool* done);
  Status cycle_error(const Slot* from) const;
  Result<Slot*> find_slot(Scope* scope, std::string_view name) const;
  Result<Value> output_of(const Scope& scope, const Slot& slot, const TensorRef& ref) const;
  bool is_back_edge(const Task& task, const Slot& producer) const;

  Status enter_call(Task* task, const FunctionDef& function);
  Status leave_call(Task* task);
  Result<bool> pass_through(Task* task);
  Result<bool> read_variable(Task* task);
  Result<bool> freeze_control_flow(Task* task);
  Status emit_plain(Task* task);
  int emit(const Scope& scope, NodeDef node, std::vector<Value> inputs, std::vector<int> effects);
  void settle(Task* task, int node);
  bool function_has_effects(const std::string& name, int depth = 0);
  bool node_has_effects(const NodeDef& node, int depth);

  Value new_variable(const Scope& scope, const NodeDef& node);
  bool can_freeze(const Variable& variable) const { return variable.frozen; }
  Result<int> variable_const(int number);
  int variable_handle(int number);
  Result<TfType> variable_type(int number) const;

  const OpDefs* ops_;
  const FunctionIndex* functions_;
  const Variables* variables_in_;
  FunctionFreezer freezer_;
  std::deque<Scope> scopes_;
  std::deque<Task> stack_;
  std::deque<Emitted> emitted_;
  std::vector<Variable> variables_;
  std::map<std::string, int, std::less<>> variable_numbers_;
  std::vector<BackEdge> back_edges_;
  std::set<std::string, std::less<>> unfreezable_;
  std::map<std::string, bool> function_effects_;
  int64_t visits_left_ = kMinVisits;
};

}  // namespace hone::tf
