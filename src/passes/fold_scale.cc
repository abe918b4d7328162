#include "passes/fold_scale.h"

#include <algorithm>

#include "graph/pattern.h"
#include "ops/conv_transpose.h"
#include "ops/ops.h"
#include "passes/affine.h"
#include "passes/edit.h"

namespace hone {
namespace {

// Constant weights of a Conv, ConvTranspose or MatMul, and where the channels of each are.
struct Weights {
  std::vector<double> values;  // from read(), which is for those that change: 8 bytes per weight
  std::vector<int64_t> shape;
  int64_t inputs = 0, outputs = 0;  // channels
  // Channels of the data that element `i` multiplies, and of the result that it adds to.
  int64_t input_of(int64_t i) const { return group(i) * per_group() + i / inner % per_group(); }
  int64_t output_of(int64_t i) const { return i / outer % outputs; }

  int64_t groups = 1;
  int64_t inner = 1, outer = 1;  // strides of the axes of the input and output channels
  int64_t per_group() const { return inputs / groups; }
  int64_t group(int64_t i) const { return output_of(i) / (outputs / groups); }

  void read(const Node* node) { values = *constant_as_doubles(node->input(1)); }
};

// The operator's own bias; only Conv has one.
Value* bias_input(const Node* node) { return node->is("Conv") ? node->input(2) : nullptr; }

std::optional<Weights> weights_of(const Node* node) {
  const bool conv = node->is("Conv") || node->is("ConvTranspose");
  if ((!conv && !node->is("MatMul")) || !node->epilogue().empty()) return std::nullopt;
  const Value* value = node->input(1);
  if (!value->is_constant() || value->dtype() != DataType::f32) return std::nullopt;
  Weights weights;
  weights.shape = value->constant()->shape();
  const size_t rank = weights.shape.size();
  if (value->constant()->num_elements() == 0) return std::nullopt;
  if (conv) {
    weights.groups = node->is("Conv") ? node->attr<ConvAttributes>().groups
                                      : node->attr<ConvTransposeAttributes>().groups;
    weights.outputs = weights.shape[0];
    weights.inputs = weights.shape[rank - 1] * weights.groups;
    weights.outer = value->constant()->num_elements() / weights.outputs;
    // A bias that is computed cannot be scaled.
    if (bias_input(node) && !bias_input(node)->is_constant()) return std::nullopt;
  } else {
    const auto& attributes = node->attr<MatMulAttributes>();
    if (rank != 2 || attributes.transpose_a || node->input(0)->shape().size() < 2) {
      return std::nullopt;
    }
    const size_t k = attributes.transpose_b ? 1 : 0;
    weights.inputs = weights.shape[k];
    weights.outputs = weights.shape[1 - k];
    weights.inner = k == 0 ? weights.outputs : 1;
    weights.outer = k == 0 ? 1 : weights.inputs;
  }
  return weights;
}

Tensor to_f32(const std::vector<int64_t>& shape, const std::vector<double>& values) {
  return Tensor::from<float>(shape, std::vector<float>(values.begin(), values.end()));
}

Value* add_f32(Graph& graph, const Value* like, const std::string& name,
               const std::vector<int64_t>& shape, const std::vector<double>& values) {
  return graph.add_constant(like ? like->name() : name, to_f32(shape, values),
                            like ? like->source() : "");
}

// Puts scaled weights and a bias into the node. REQUIRES: a Conv if there is a bias.
Status set_weights(Graph& graph, Node* node, const Weights& weights,
                   const std::vector<double>* bias) {
  std::vector<Value*> inputs = node->inputs();
  inputs[1] = add_f32(graph, inputs[1], "", weights.shape, weights.values);
  if (bias) {
    Value* old = node->input(2);
    inputs.resize(3);
    inputs[2] = add_f32(graph, old, node->name() + "/bias", {weights.outputs}, *bias);
  }
  return rewrite(graph, node, node->attributes(), std::move(inputs));
}

std::vector<double> bias_of(const Node* conv, const Weights& weights) {
  if (conv->input(2)) return *constant_as_doubles(conv->input(2));
  return std::vector<double>(weights.outputs, 0.0);
}

// The affine operators behind `node` that nobody else reads, together, and the last of them.
Affine chain_behind(Node* node, size_t channels, Node** last) {
  Affine chain(channels);
  *last = nullptr;
  for (Value* value = node->output(); value->has_single_use();) {
    Node* user = value->uses()[0].node;
    Value* input = nullptr;
    const auto step = affine_step(user, &input);
    if (!step || input != value || step->scale.size() != channels || !step->is_finite()) break;
    chain.append(*step);
    *last = user;
    value = user->output();
  }
  return chain;
}

// Takes out the nodes between `node` and `last`, both included in what `node` is now.
void absorb_chain(Graph& graph, Node* node, Node* last) {
  while (true) {
    Node* user = node->output()->uses()[0].node;
    const bool done = user == last;
    take_over(graph, node, user);
    if (done) return;
  }
}

Result<bool> fold_behind_conv(Graph& graph, Node* conv) {
  auto weights = weights_of(conv);
  if (!weights) return false;
  Node* last = nullptr;
  const Affine chain = chain_behind(conv, weights->outputs, &last);
  if (!last || !chain.is_finite()) return false;
  weights->read(conv);
  std::vector<double> bias = bias_of(conv, *weights);
  for (size_t i = 0; i < weights->values.size(); ++i) {
    weights->values[i] *= chain.scale[weights->output_of(static_cast<int64_t>(i))];
  }
  for (size_t i = 0; i < bias.size(); ++i) bias[i] = bias[i] * chain.scale[i] + chain.shift[i];
  HONE_RETURN_IF_ERROR(set_weights(graph, conv, *weights, &bias));
  absorb_chain(graph, conv, last);
  return true;
}

// MatMul and ConvTranspose have no bias: one Add stays.
Result<bool> fold_behind_product(Graph& graph, Node* node) {
  auto weights = weights_of(node);
  if (!weights) return false;
  Node* last = nullptr;
  const Affine chain = chain_behind(node, weights->outputs, &last);
  if (!last || !chain.is_finite()) return false;
  if (chain.length == 1 && !chain.has_scale()) return false;
  weights->read(node);
  for (size_t i = 0; i < weights->values.size(); ++i) {
    weights->values[i] *= chain.scale[weights->output_of(static_cast<int64_t>(i))];
  }
  HONE_RETURN_IF_ERROR(set_weights(graph, node, *weights, nullptr));
  if (!chain.has_shift()) {
    absorb_chain(graph, node, last);
    return true;
  }
  Value* shift = add_f32(graph, nullptr, last->name() + "/shift", {weights->outputs}, chain.shift);
  Value* result = node->output();
  HONE_RETURN_IF_ERROR(
      replace_node(graph, last, "Add", {}, {result, shift}, chain.sources).status());
  // What was between reads the result still, and is dead.
  graph.remove_dead();
  return true;
}

bool has_padding(const Node* conv) {
  const auto& attributes = conv->attr<ConvAttributes>();
  if (attributes.auto_pad == "valid") return false;
  return attributes.auto_pad != "explicit" ||
         std::any_of(attributes.pads.begin(), attributes.pads.end(), [](int64_t p) { return p; });
}

// The affine operators in front of `node` that nobody else reads and that go into its weights.
Affine chain_before(const Node* node, size_t channels, bool shifts, Value** origin) {
  Affine chain(channels);
  *origin = node->input(0);
  while ((*origin)->has_single_use() && (*origin)->producer()) {
    Value* input = nullptr;
    const auto step = affine_step((*origin)->producer(), &input);
    if (!step || step->scale.size() != channels || (step->has_shift() && !shifts) ||
        !step->is_finite()) {
      break;
    }
    chain.prepend(*step);
    *origin = input;
  }
  return chain;
}

Result<bool> fold_before(Graph& graph, Node* node) {
  auto weights = weights_of(node);
  if (!weights) return false;
  Value* origin = nullptr;
  const bool shifts = node->is("Conv") && !has_padding(node);
  const Affine chain = chain_before(node, weights->inputs, shifts, &origin);
  if (chain.length == 0 || !chain.is_finite()) return false;
  weights->read(node);
  std::vector<double> bias;
  if (chain.has_shift() || bias_input(node)) bias = bias_of(node, *weights);
  for (size_t i = 0; i < weights->values.size(); ++i) {
    const int64_t input = weights->input_of(static_cast<int64_t>(i));
    if (chain.has_shift()) {
      bias[weights->output_of(static_cast<int64_t>(i))] += weights->values[i] * chain.shift[input];
    }
    weights->values[i] *= chain.scale[input];
  }
  HONE_RETURN_IF_ERROR(set_weights(graph, node, *weights, bias.empty() ? nullptr : &bias));
  graph.add_sources(node, chain.sources);
  graph.set_input(node, 0, origin);
  graph.remove_dead();
  return true;
}

}  // namespace

Result<bool> fold_scale(Graph& graph) {
  bool changed = graph.remove_dead();  // so that no root goes while the others are walked
  std::vector<Node*> roots = graph.nodes();
  std::erase_if(roots, [](const Node* node) {
    return !node->is("Conv") && !node->is("ConvTranspose") && !node->is("MatMul");
  });
  for (Node* node : roots) {
    HONE_ASSIGN_OR_RETURN(const bool behind, node->is("Conv") ? fold_behind_conv(graph, node)
                                                              : fold_behind_product(graph, node));
    HONE_ASSIGN_OR_RETURN(const bool before, fold_before(graph, node));
    changed = changed || behind || before;
  }
  if (changed) graph.remove_dead();
  return changed;
}

}  // namespace hone
