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

Result<Node*> merged_conv(Graph& graph, const std::vector<Node*>& convs, const std::string& name,
                          Node* before) {
  std::vector<Tensor> weights, biases;
  bool any_bias = false;
  NodeOptions options{.name = name, .epilogue = convs[0]->epilogue(), .before = before};
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

// ---- without timings

bool is_pointwise_kernel(const Node* conv) {
  const Shape& weights = conv->input(1)->shape();
  return std::all_of(weights.begin() + 1, weights.end() - 1,
                     [](const Dim& dim) { return dim == Dim(1); });
}

// Whether all readers of a value can read it as a part of another.
bool may_be_part(const Value* value) {
  if (value->is_graph_output()) return false;
  return std::none_of(value->uses().begin(), value->uses().end(), [](const Use& use) {
    return use.node->is("Reshape") || use.node->is("Squeeze") || use.node->is("Unsqueeze");
  });
}

// Merging is the better guess where the kernel is 1x1, so that reading the data counts and no
// Winograd form is lost, and where no part has to be copied out again.
bool better_guess(const Graph& graph, const std::vector<std::string>& names) {
  return std::all_of(names.begin(), names.end(), [&graph](const std::string& name) {
    const Node* conv = graph.find_node(name);
    return is_pointwise_kernel(conv) && may_be_part(conv->output());
  });
}

// ---- Concats

// The Concat of channels, or null, whose first (or last) input is what `conv` gives.
Node* concat_at_end(const Node* conv, bool first) {
  const Value* result = conv->output();
  for (const Use& use : result->uses()) {
    Node* user = use.node;
    if (!user->is("Concat") || !user->epilogue().empty() || user->inputs().size() < 2) continue;
    const size_t rank = result->shape().size();
    if (positive_axis(user->attr<ConcatAttributes>().axis, rank) + 1 != static_cast<int64_t>(rank))
      continue;
    const auto inputs = static_cast<int>(user->inputs().size());
    const auto times = std::count(user->inputs().begin(), user->inputs().end(), result);
    if (use.index == (first ? 0 : inputs - 1) && times == 1) return user;
  }
  return nullptr;
}

// Which of `convs` shares its bytes with a Concat, and where in the merged result it lies then.
struct SharedPart {
  Node* concat = nullptr;
  size_t conv = 0;
  bool first = false;  // of the Concat; so it is the last part of the merged result
};
SharedPart find_shared_part(const std::vector<Node*>& convs) {
  for (bool first : {true, false}) {
    for (size_t i = 0; i < convs.size(); ++i) {
      Node* concat = concat_at_end(convs[i], first);
      if (concat) return {concat, i, first};
    }
  }
  return {};
}

// Concat(part, rest...) as the end of Concat(merged, rest...), whose last part `part` is (or,
// mirrored, as its beginning): then all of them can share one buffer.
Status widen_concat(Graph& graph, const SharedPart& shared, Value* merged) {
  Node* concat = shared.concat;
  std::vector<Value*> inputs = concat->inputs();
  const Dim part = inputs[shared.first ? 0 : inputs.size() - 1]->shape().back();
  (shared.first ? inputs.front() : inputs.back()) = merged;
  const std::string name = concat->name();
  NodeOptions options{.name = name + "/wide", .sources = concat->sources(), .before = concat};
  HONE_ASSIGN_OR_RETURN(Value * wide, graph.add("Concat", concat->attributes(), std::move(inputs),
                                                std::move(options)));
  const auto axis = static_cast<int64_t>(wide->shape().size()) - 1;
  const int64_t size = concat->output()->shape().back().value();
  const int64_t start = shared.first ? merged->shape().back().value() - part.value() : 0;
  const auto constant = [&](const char* what, int64_t value) {
    return graph.add_constant(name + what, int64_vector({value}));
  };
  return replace_node(graph, concat, "Slice", {},
                      {wide, constant("/start", start), constant("/end", start + size),
                       constant("/axis", axis)})
      .status();
}

// ---- the rewrite

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
  Node* first = convs[0];
  const SharedPart shared = find_shared_part(convs);
  if (shared.concat) {
    const auto part = convs.begin() + static_cast<std::ptrdiff_t>(shared.conv);
    if (shared.first) {
      std::rotate(part, part + 1, convs.end());
    } else {
      std::rotate(convs.begin(), part, part + 1);
    }
  }
  const std::string name = join(names, "||");
  HONE_ASSIGN_OR_RETURN(Node * conv, merged_conv(graph, convs, name, first));
  SplitAttributes attributes;
  attributes.axis = static_cast<int64_t>(conv->output()->shape().size()) - 1;
  for (const Node* old : convs) attributes.sizes.push_back(old->input(1)->constant()->dim(0));
  NodeOptions options{.name = name + "/split", .sources = conv->sources(), .before = first};
  HONE_ASSIGN_OR_RETURN(Node * split,
                        graph.add_node("Split", attributes, {conv->output()}, std::move(options)));
  for (size_t i = 0; i < convs.size(); ++i) replace_output(graph, convs[i], split->output(i));
  if (shared.concat) HONE_RETURN_IF_ERROR(widen_concat(graph, shared, conv->output()));
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
    alternative.take_untimed = better_guess(graph, names);
    alternative.apply = [names](Graph& g) { return merge_siblings(g, names); };
    alternatives.push_back(std::move(alternative));
  }
  return alternatives;
}

}  // namespace hone
