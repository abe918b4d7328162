#include "passes/merge_siblings.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text.h"
#include "ops/ops.h"
#include "passes/edit.h"

namespace hone {
namespace {

// A Conv that could be merged with others: only its own constants, one group.
bool can_merge(const Node* node) {
  if (!node->is("Conv") || node->attr<ConvAttributes>().groups != 1) return false;
  if (node->epilogue().num_inputs > 1) return false;
  const Value* bias = node->input(2);
  return node->input(1)->is_constant() && node->output()->dtype() == DataType::f32 &&
         (!bias || bias->is_constant()) && !node->input(0)->is_constant();
}

// Equal for Convs that differ in their weights and number of output channels only.
std::string merge_key(const Node* node) {
  Shape kernel(node->input(1)->shape().begin() + 1, node->input(1)->shape().end());
  return fmt::format("{}|{}|{}|{}", node->input(0)->name(), attributes_text(node->attributes()),
                     node->epilogue().text(), shape_text(kernel));
}

Result<Value*> concat_constants(Graph& graph, const std::string& name,
                                const std::vector<Tensor>& parts) {
  HONE_ASSIGN_OR_RETURN(auto joined,
                        evaluate_reference(op("Concat"), ConcatAttributes{0}, Program(), parts));
  return graph.add_constant(name, std::move(joined[0]));
}

Result<Node*> merged_conv(Graph& graph, const std::vector<Node*>& convs, const std::string& name) {
  std::vector<Tensor> weights, biases;
  bool any_bias = false;
  NodeOptions options{.name = name, .epilogue = convs[0]->epilogue(), .before = convs[0]};
  for (const Node* conv : convs) {
    weights.push_back(*conv->input(1)->constant());
    const Value* bias = conv->input(2);
    any_bias = any_bias || bias;
    biases.push_back(bias ? *bias->constant()
                          : Tensor::zeros(DataType::f32, {weights.back().dim(0)}));
    options.sources.insert(options.sources.end(), conv->sources().begin(), conv->sources().end());
  }
  std::vector<Value*> inputs = {convs[0]->input(0)};
  HONE_ASSIGN_OR_RETURN(Value * all_weights, concat_constants(graph, name + "/weights", weights));
  inputs.push_back(all_weights);
  if (any_bias) {
    HONE_ASSIGN_OR_RETURN(Value * all_biases, concat_constants(graph, name + "/bias", biases));
    inputs.push_back(all_biases);
  }
  return graph.add_node("Conv", convs[0]->attributes(), std::move(inputs), std::move(options));
}

Status merge_siblings(Graph& graph, const std::vector<std::string>& names) {
  std::vector<Node*> convs;
  for (const std::string& name : names) {
    Node* node = graph.find_node(name);
    // An alternative applied earlier may have changed what the region reads.
    if (!node || !can_merge(node) || (!convs.empty() && merge_key(node) != merge_key(convs[0]))) {
      return Status(Code::kInternal, fmt::format("node '{}' is not as it was", name));
    }
    convs.push_back(node);
  }
  const std::string name = join(names, "||");
  HONE_ASSIGN_OR_RETURN(Node * conv, merged_conv(graph, convs, name));
  SplitAttributes attributes;
  attributes.axis = static_cast<int64_t>(conv->output()->shape().size()) - 1;
  for (const Node* old : convs) attributes.sizes.push_back(old->input(1)->constant()->dim(0));
  NodeOptions options{.name = name + "/split", .sources = conv->sources(), .before = convs[0]};
  HONE_ASSIGN_OR_RETURN(Node * split,
                        graph.add_node("Split", attributes, {conv->output()}, std::move(options)));
  for (size_t i = 0; i < convs.size(); ++i) {
    const std::string value_name = convs[i]->output()->name();
    const std::string source = convs[i]->output()->source();
    bypass(graph, convs[i], split->output(i));
    graph.rename(split->output(i), value_name);
    graph.set_source(split->output(i), source);
  }
  return ok();
}

}  // namespace

std::vector<Alternative> find_siblings(const Graph& graph) {
  std::map<std::string, std::vector<std::string>> siblings;
  std::vector<std::string> order;  // keys as they are met
  for (const Node* node : graph.nodes()) {
    if (!can_merge(node)) continue;
    const std::string key = merge_key(node);
    std::vector<std::string>& group = siblings[key];
    if (group.empty()) order.push_back(key);
    group.push_back(node->name());
  }
  std::vector<Alternative> alternatives;
  for (const std::string& key : order) {
    const std::vector<std::string>& names = siblings[key];
    if (names.size() < 2) continue;
    Alternative alternative;
    alternative.id = "merge_siblings:" + join(names, ",");
    alternative.summary =
        fmt::format("{} Convs over the same data as one, then Split", names.size());
    alternative.region = names;
    alternative.apply = [names](Graph& g) { return merge_siblings(g, names); };
    alternatives.push_back(std::move(alternative));
  }
  return alternatives;
}

}  // namespace hone
