#include "passes/chain_convs.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "ops/ops.h"
#include "passes/edit.h"

namespace hone {
namespace {

using Chain = std::vector<Node*>;

Value* bias_of(const Node* conv) { return conv->num_root_inputs() > 2 ? conv->input(2) : nullptr; }

// A Conv that could be part of a chain, `inside`: with another one behind it.
bool is_part(const Node* node, bool inside) {
  if (node == nullptr || !node->is("Conv") || node->output()->dtype() != DataType::f32)
    return false;
  if (node->output()->shape().size() != 4 || !node->input(1)->is_constant()) return false;
  const Value* bias = bias_of(node);
  if (bias != nullptr && !bias->is_constant()) return false;
  return !inside || (node->epilogue().num_inputs <= 1 && node->output()->has_single_use());
}

bool is_depthwise(const Node* node) {
  const Dim& channels = node->input(0)->shape().back();
  const auto& weights = node->input(1)->constant()->shape();
  return channels.is_const() && channels.value() > 1 && weights[0] == channels.value() &&
         node->attr<ConvAttributes>().groups == channels.value();
}

bool is_dense(const Node* node) { return node->attr<ConvAttributes>().groups == 1; }

bool is_pointwise(const Node* node) {
  const auto& attributes = node->attr<ConvAttributes>();
  const auto& weights = node->input(1)->constant()->shape();
  const auto all = [](const std::vector<int64_t>& list, int64_t value) {
    return std::all_of(list.begin(), list.end(), [value](int64_t v) { return v == value; });
  };
  return is_dense(node) && weights[1] == 1 && weights[2] == 1 && all(attributes.strides, 1) &&
         all(attributes.pads, 0);
}

// The chain around a depthwise Conv, or nothing.
Chain chain_around(Node* filter) {
  Chain chain = {filter};
  Node* before = filter->input(0)->producer();
  if (is_part(before, true) && is_dense(before)) chain.insert(chain.begin(), before);
  if (is_part(filter, true)) {
    const Use use = filter->output()->uses()[0];
    if (use.index == 0 && is_part(use.node, false) && is_pointwise(use.node)) {
      chain.push_back(use.node);
    }
  }
  return chain.size() > 1 ? chain : Chain();
}

std::vector<std::string> names_of(const Chain& chain) {
  std::vector<std::string> names;
  for (const Node* node : chain) names.push_back(node->name());
  return names;
}

// The operator's inputs, without those of the epilogue.
std::vector<Value*> chain_inputs(Graph& graph, const Chain& chain, const std::string& name) {
  std::vector<Value*> inputs = {chain[0]->input(0)};
  for (const Node* conv : chain) {
    inputs.push_back(conv->input(1));
    Value* bias = bias_of(conv);
    if (bias == nullptr) {
      bias = graph.add_constant(name + "/" + conv->name() + "/bias",
                                Tensor::zeros(DataType::f32, {conv->input(1)->constant()->dim(0)}));
    }
    inputs.push_back(bias);
  }
  return inputs;
}

ConvChainAttributes chain_attributes(const Chain& chain) {
  ConvChainAttributes attributes;
  attributes.first = chain[0]->attr<ConvAttributes>();
  attributes.second = chain[1]->attr<ConvAttributes>();
  attributes.epilogue_1 = chain[0]->epilogue();
  if (chain.size() == 2) return attributes;
  attributes.third = chain[2]->attr<ConvAttributes>();
  attributes.epilogue_2 = chain[1]->epilogue();
  return attributes;
}

Status apply_chain(Graph& graph, const std::vector<std::string>& names) {
  // An alternative applied earlier may have changed what the region reads.
  const auto changed = [&] {
    return Status(Code::kInternal, fmt::format("the chain of '{}' is not as it was", names[0]));
  };
  Chain chain;
  for (const std::string& name : names) {
    chain.push_back(graph.find_node(name));
    if (!is_part(chain.back(), chain.size() < names.size())) return changed();
  }
  Node* last = chain.back();
  NodeOptions options{.name = join(names, "+"), .epilogue = last->epilogue(), .before = last};
  for (const Node* conv : chain) {
    options.sources.insert(options.sources.end(), conv->sources().begin(), conv->sources().end());
  }
  std::vector<Value*> inputs = chain_inputs(graph, chain, options.name);
  const auto extra = last->inputs().begin() + static_cast<ptrdiff_t>(last->num_root_inputs());
  inputs.insert(inputs.end(), extra, last->inputs().end());
  HONE_ASSIGN_OR_RETURN(Node * node, graph.add_node("ConvChain", chain_attributes(chain),
                                                    std::move(inputs), std::move(options)));
  replace_output(graph, last, node->output());
  return ok();
}

}  // namespace

std::vector<Alternative> find_conv_chains(const Graph& graph) {
  std::vector<Alternative> alternatives;
  for (Node* node : graph.nodes()) {
    if (!is_part(node, false) || !is_depthwise(node)) continue;
    const std::vector<std::string> names = names_of(chain_around(node));
    if (names.empty()) continue;
    Alternative alternative;
    alternative.id = "chain_convs:" + join(names, ",");
    alternative.summary =
        fmt::format("{} Convs one after another, in strips that stay in cache", names.size());
    alternative.region = names;
    alternative.apply = [names](Graph& g) { return apply_chain(g, names); };
    alternatives.push_back(std::move(alternative));
  }
  return alternatives;
}

}  // namespace hone
