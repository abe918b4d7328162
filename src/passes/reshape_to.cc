#include "passes/reshape_to.h"

#include <fmt/format.h>

#include <map>
#include <set>

#include "ops/ops.h"
#include "passes/edit.h"

namespace hone {
namespace {

// With 0 for "as the input has it" and one -1.
std::optional<std::vector<int64_t>> as_constant(const Shape& input, const Shape& target) {
  std::vector<int64_t> constant;
  int unknown = 0;
  bool empty = false;
  for (size_t i = 0; i < target.size(); ++i) {
    if (target[i].is_const()) {
      constant.push_back(target[i].value());
      empty = empty || target[i].value() == 0;
    } else if (i < input.size() && target[i] == input[i]) {
      constant.push_back(0);
    } else {
      constant.push_back(-1);
      ++unknown;
    }
  }
  // A dimension that is 0 would be read as "copy", and makes -1 undetermined.
  if (unknown > 1 || empty) return std::nullopt;
  return constant;
}

// The target in terms of the input's dimensions, which d0, d1 ... stand for.
std::optional<std::string> as_attribute(const Shape& input, const Shape& target) {
  std::map<std::string, Dim> names;
  for (size_t i = 0; i < input.size(); ++i) {
    if (input[i].is_symbol()) {
      names.emplace(input[i].symbol_name(), Dim::symbol(fmt::format("d{}", i)));
    }
  }
  std::set<std::string> used;
  collect_symbols(target, &used);
  for (const std::string& symbol : used) {
    if (!names.contains(symbol)) return std::nullopt;
  }
  return shape_text(substitute(target, names));
}

}  // namespace

std::optional<ReshapeTarget> express_target(const Shape& input, const Shape& target) {
  if (auto constant = as_constant(input, target)) return ReshapeTarget{*constant, ""};
  if (auto attribute = as_attribute(input, target)) return ReshapeTarget{{}, *attribute};
  return std::nullopt;
}

Result<Value*> reshape_to(Graph& graph, Value* value, const Shape& target, NodeOptions options) {
  if (value->shape() == target) return value;
  const auto form = express_target(value->shape(), target);
  if (!form) return static_cast<Value*>(nullptr);
  ReshapeAttributes attributes;
  attributes.shape = form->attribute;
  std::vector<Value*> inputs = {value};
  if (form->attribute.empty()) {
    inputs.push_back(graph.add_constant(value->name() + "/shape", int64_vector(form->constant)));
  }
  auto result = graph.add("Reshape", attributes, inputs, std::move(options));
  if (!result.ok()) return static_cast<Value*>(nullptr);
  if ((*result)->shape() == target) return *result;
  graph.erase((*result)->producer());
  return static_cast<Value*>(nullptr);
}

Result<bool> become_reshape(Graph& graph, Node* node, Value* origin) {
  NodeOptions options;
  options.before = node;
  HONE_ASSIGN_OR_RETURN(Value * trial, reshape_to(graph, origin, node->output()->shape(), options));
  if (!trial) return false;
  if (trial == origin) {
    bypass(graph, node, origin);
    return true;
  }
  Node* reshape = trial->producer();
  const Attributes attributes = reshape->attributes();
  const std::vector<Value*> inputs = reshape->inputs();
  graph.erase(reshape);
  HONE_RETURN_IF_ERROR(replace_node(graph, node, "Reshape", attributes, inputs).status());
  return true;
}

}  // namespace hone
