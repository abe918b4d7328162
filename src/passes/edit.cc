#include "passes/edit.h"

#include <algorithm>
#include <unordered_set>

namespace hone {

// Twice, because a name becomes free only when its node is gone.
Result<Node*> replace_node(Graph& graph, Node* old, std::string_view op_name, Attributes attributes,
                           std::vector<Value*> inputs, std::vector<std::string> sources) {
  const std::string node_name = old->name(), value_name = old->output()->name();
  const std::string value_source = old->output()->source();
  if (sources.empty()) sources = old->sources();
  NodeOptions options;
  options.before = old;
  HONE_ASSIGN_OR_RETURN(Node * stand_in, graph.add_node(op_name, attributes, inputs, options));
  graph.replace_uses(old->output(), stand_in->output());
  graph.erase(old);
  options = {.name = node_name, .sources = std::move(sources), .before = stand_in};
  HONE_ASSIGN_OR_RETURN(Node * node, graph.add_node(op_name, std::move(attributes),
                                                    std::move(inputs), std::move(options)));
  graph.replace_uses(stand_in->output(), node->output());
  graph.erase(stand_in);
  graph.rename(node->output(), value_name);
  graph.set_source(node->output(), value_source);
  return node;
}

Status rewrite(Graph& graph, Node* node, Attributes attributes, std::vector<Value*> inputs) {
  Attributes old_attributes = node->attributes();
  std::vector<Value*> old_inputs = node->inputs();
  graph.set_attributes(node, std::move(attributes));
  graph.set_inputs(node, std::move(inputs));
  Status status = graph.infer(node);
  if (!status.ok()) {
    graph.set_attributes(node, std::move(old_attributes));
    graph.set_inputs(node, std::move(old_inputs));
  }
  return status;
}

void bypass(Graph& graph, Node* node, Value* value) {
  graph.replace_uses(node->output(), value);
  graph.erase(node);
}

void replace_output(Graph& graph, Node* node, Value* value) {
  const std::string name = node->output()->name(), source = node->output()->source();
  bypass(graph, node, value);
  graph.rename(value, name);
  graph.set_source(value, source);
}

void take_over(Graph& graph, Node* survivor, Node* absorbed) {
  graph.add_sources(survivor, absorbed->sources());
  replace_output(graph, absorbed, survivor->output());
}

void replace_by_constant(Graph& graph, Value* value, Tensor tensor) {
  const std::string name = value->name();
  graph.rename(value, name + "/folded");
  graph.replace_uses(value, graph.add_constant(name, std::move(tensor), value->source()));
}

Status infer_users(Graph& graph, const std::vector<Value*>& changed) {
  std::unordered_set<const Value*> stale(changed.begin(), changed.end());
  for (Node* node : graph.nodes()) {
    const auto& inputs = node->inputs();
    if (std::none_of(inputs.begin(), inputs.end(), [&](Value* v) { return stale.contains(v); })) {
      continue;
    }
    std::vector<std::pair<TensorType, DimValues>> old;
    for (const Value* output : node->outputs()) old.push_back({output->type(), output->values()});
    HONE_RETURN_IF_ERROR(graph.infer(node));
    for (size_t i = 0; i < old.size(); ++i) {
      const Value* output = node->output(i);
      if (output->type() != old[i].first || output->values() != old[i].second) stale.insert(output);
    }
  }
  return ok();
}

std::vector<int64_t> permutation_of(const Node* transpose) {
  const size_t rank = transpose->output()->shape().size();
  std::vector<int64_t> perm = transpose->attr<TransposeAttributes>().perm;
  if (perm.empty()) {
    for (size_t i = rank; i-- > 0;) perm.push_back(static_cast<int64_t>(i));
  }
  for (int64_t& axis : perm) axis = positive_axis(axis, rank);
  return perm;
}

bool is_identity(const std::vector<int64_t>& perm) {
  for (size_t i = 0; i < perm.size(); ++i) {
    if (perm[i] != static_cast<int64_t>(i)) return false;
  }
  return true;
}

std::vector<int64_t> inverse_of(const std::vector<int64_t>& perm) {
  std::vector<int64_t> inverse(perm.size());
  for (size_t i = 0; i < perm.size(); ++i) inverse[perm[i]] = static_cast<int64_t>(i);
  return inverse;
}

std::vector<int64_t> compose_permutations(const std::vector<int64_t>& inner,
                                          const std::vector<int64_t>& outer) {
  std::vector<int64_t> perm;
  for (int64_t axis : outer) perm.push_back(inner[axis]);
  return perm;
}

Shape permuted(const Shape& shape, const std::vector<int64_t>& perm) {
  Shape result;
  for (int64_t axis : perm) result.push_back(shape[axis]);
  return result;
}

Result<Tensor> transposed(const Tensor& tensor, const std::vector<int64_t>& perm) {
  const Tensor inputs[] = {tensor};
  HONE_ASSIGN_OR_RETURN(auto outputs, evaluate_reference(op("Transpose"), TransposeAttributes{perm},
                                                         Program(), inputs));
  return std::move(outputs[0]);
}

bool is_single(const Shape& extra) {
  return std::all_of(extra.begin(), extra.end(), [](const Dim& dim) { return dim == Dim(1); });
}

bool is_per_channel(const Shape& extra, const Shape& full) {
  return !extra.empty() && extra.size() <= full.size() && extra.back() == full.back() &&
         is_single(Shape(extra.begin(), extra.end() - 1));
}

}  // namespace hone
