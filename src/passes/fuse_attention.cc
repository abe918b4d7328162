#include "passes/fuse_attention.h"

#include <algorithm>
#include <string>
#include <utility>

#include "graph/pattern.h"
#include "ops/ops.h"
#include "passes/edit.h"

namespace hone {
namespace {

using Perm = std::vector<int64_t>;

// A tensor [..., heads, tokens, size], as it lies.
struct Operand {
  Value* value = nullptr;
  bool tokens_first = false;
};

struct Match {
  Node* root = nullptr;     // what Attention takes the place of
  bool transposed = false;  // the product is keys * queries^T
  Operand query, key, value;
  Value* mask = nullptr;
  bool negated = false;  // a boolean mask says where scores do not stay
  AttentionAttributes attributes;
  std::vector<const Node*> nodes;
};

Perm identity(size_t rank) {
  Perm perm(rank);
  for (size_t i = 0; i < rank; ++i) perm[i] = static_cast<int64_t>(i);
  return perm;
}

Perm exchanged(Perm perm, size_t from_end) {
  std::swap(perm[perm.size() - from_end], perm[perm.size() - from_end - 1]);
  return perm;
}

// Takes constant factors above `value` into `scale`.
Value* without_scale(Value* value, double* scale) {
  while (true) {
    const Node* node = producer(value, "Mul");
    const Node* quotient = node ? nullptr : producer(value, "Div");
    if (!node) node = quotient;
    double factor = 0;
    if (!node || !is_scalar_constant(node->input(1), &factor)) return value;
    if (node->input(0)->shape() != value->shape() || factor == 0) return value;
    *scale = quotient ? *scale / factor : *scale * factor;
    value = node->input(0);
  }
}

// What MatMul reads as [..., tokens, size], or as [..., size, tokens] if `flipped`. Adds a
// Transpose if neither heads nor tokens come first in memory.
Result<Operand> resolve(Graph& graph, Value* value, bool flipped, double* scale, Node* before) {
  const size_t rank = value->shape().size();
  if (scale) value = without_scale(value, scale);
  Perm perm = identity(rank);
  if (const Node* transpose = producer(value, "Transpose")) {
    perm = permutation_of(transpose);
    value = transpose->input(0);
    if (scale) value = without_scale(value, scale);
  }
  if (flipped) perm = exchanged(std::move(perm), 1);
  if (is_identity(perm)) return Operand{value, false};
  if (perm == exchanged(identity(rank), 2)) return Operand{value, true};
  NodeOptions options{.name = value->name() + "/transpose", .before = before};
  HONE_ASSIGN_OR_RETURN(
      value, graph.add("Transpose", TransposeAttributes{perm}, {value}, std::move(options)));
  return Operand{value, false};
}

// The condition without operands of And that are true everywhere.
Value* simple_condition(Value* condition) {
  while (const Node* node = producer(condition, "And")) {
    const bool first = filled_value(node->input(0)) == 1.0;
    if (!first && filled_value(node->input(1)) != 1.0) break;
    condition = node->input(first ? 1 : 0);
  }
  return condition;
}

bool broadcasts_to(const Shape& from, const Shape& to) {
  if (from.size() > to.size()) return false;
  const size_t missing = to.size() - from.size();
  for (size_t i = 0; i < from.size(); ++i) {
    if (from[i] != Dim(1) && from[i] != to[missing + i]) return false;
  }
  return true;
}

// The plain node that makes `value`, which nobody reads but one node, and those that only ask for
// its shape: what they fill, mostly masks, is gone with the pattern.
Node* inner(Match* match, const Value* value, const char* op) {
  const auto is_shape = [](const Use& use) { return use.node->is("Shape"); };
  const auto& uses = value->uses();
  const auto others = std::count_if(uses.begin(), uses.end(), is_shape);
  if (value->is_graph_output() || uses.size() != static_cast<size_t>(others) + 1) return nullptr;
  Node* node = producer(value, op);
  if (node) match->nodes.push_back(node);
  return node;
}

bool is_product(const Value* value) {
  const Node* transpose = producer(value, "Transpose");
  return producer(transpose ? transpose->input(0) : value, "MatMul") != nullptr;
}

// Scores in front of Softmax, down to the product.
Node* find_product(Match* match, Value* scores) {
  const Shape& shape = scores->shape();
  if (Node* where = inner(match, scores, "Where")) {
    for (const size_t kept : {1, 2}) {
      const auto masked = filled_value(where->input(3 - kept));
      if (!masked) continue;
      Value* condition = simple_condition(where->input(0));
      if (!broadcasts_to(condition->shape(), shape)) return nullptr;
      match->mask = condition;
      match->negated = kept == 2;
      match->attributes.masked_value = *masked;
      scores = where->input(kept);
      break;
    }
    if (!match->mask) return nullptr;
  } else if (Node* sum = inner(match, scores, "Add")) {
    // The mask is the operand that no product of two tensors makes.
    double ignored = 1;
    const bool right = is_product(without_scale(sum->input(1), &ignored));
    const bool left = is_product(without_scale(sum->input(0), &ignored));
    if (left == right) return nullptr;
    match->mask = sum->input(left ? 1 : 0);
    scores = sum->input(left ? 0 : 1);
    if (!broadcasts_to(match->mask->shape(), shape)) return nullptr;
  }
  if (scores->shape() != shape) return nullptr;
  for (const char* op : {"Mul", "Div"}) {
    // One of each at most: further ones are rare, and stay.
    double factor = 0;
    Node* node = producer(scores, op);
    if (!node || !is_scalar_constant(node->input(1), &factor) || factor == 0) continue;
    if (!inner(match, scores, op)) return nullptr;
    double& scale = match->attributes.scale;
    scale = node->is("Mul") ? scale * factor : scale / factor;
    scores = node->input(0);
  }
  if (scores->shape() != shape) return nullptr;
  if (Node* transpose = inner(match, scores, "Transpose")) {
    if (permutation_of(transpose) != exchanged(identity(shape.size()), 1)) return nullptr;
    match->transposed = !match->transposed;
    scores = transpose->input(0);
  }
  Node* product = inner(match, scores, "MatMul");
  return product && !product->input(1)->is_constant() ? product : nullptr;
}

// The probabilities in front of the second product, down to Softmax's input.
Value* find_scores(Match* match, Value* probabilities) {
  if (Node* where = inner(match, probabilities, "Where")) {
    if (filled_value(where->input(2)) != 0.0) return nullptr;
    match->attributes.zero_masked = true;
    match->mask = simple_condition(where->input(0));
    if (where->input(1)->shape() != probabilities->shape()) return nullptr;
    probabilities = where->input(1);
  }
  const Node* softmax = inner(match, probabilities, "Softmax");
  if (!softmax) return nullptr;
  const auto rank = static_cast<int64_t>(probabilities->shape().size());
  const int64_t axis =
      positive_axis(softmax->attr<SoftmaxAttributes>().axis, probabilities->shape().size());
  return axis == rank - (match->transposed ? 2 : 1) ? softmax->input(0) : nullptr;
}

bool same_leading(const Shape& a, const Shape& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end() - 2, b.begin());
}

// Everything but the operands; nothing is changed.
Node* find_pattern(Match* match, Node* root) {
  if (!root->is("MatMul") || !root->epilogue().empty()) return nullptr;
  const Shape& probabilities = root->input(0)->shape();
  if (root->output()->dtype() != DataType::f32 || probabilities.size() < 3) return nullptr;
  const bool across = root->attr<MatMulAttributes>().transpose_a;
  match->transposed = across;
  if (!same_leading(probabilities, root->input(1)->shape())) return nullptr;
  match->nodes.push_back(root);
  Value* scores = find_scores(match, root->input(0));
  if (!scores) return nullptr;
  const Value* zeroed = match->mask;
  match->mask = nullptr;
  Node* product = find_product(match, scores);
  if (!product) return nullptr;
  if (across && (match->mask || zeroed)) return nullptr;  // a mask lies across, too
  // What is set to 0 must be what was masked.
  if (zeroed && (zeroed != match->mask || match->negated)) return nullptr;
  if (match->mask && match->mask->dtype() != DataType::f32 &&
      match->mask->dtype() != DataType::boolean) {
    return nullptr;
  }
  const Shape &query = product->input(0)->shape(), &key = product->input(1)->shape();
  return same_leading(query, probabilities) && same_leading(key, probabilities) ? product : nullptr;
}

Result<bool> fuse(Graph& graph, Node* root) {
  Match match;
  const Node* product = find_pattern(&match, root);
  if (!product) return false;
  const size_t rank = root->output()->shape().size();
  AttentionAttributes& attributes = match.attributes;
  const auto& flags = product->attr<MatMulAttributes>();
  // Flipped is what lies as [..., size, tokens].
  Operand* const operands[] = {match.transposed ? &match.key : &match.query,
                               match.transposed ? &match.query : &match.key};
  const bool flipped[] = {flags.transpose_a, !flags.transpose_b};
  for (size_t i = 0; i < 2; ++i) {
    HONE_ASSIGN_OR_RETURN(*operands[i],
                          resolve(graph, product->input(i), flipped[i], &attributes.scale, root));
  }
  HONE_ASSIGN_OR_RETURN(
      match.value,
      resolve(graph, root->input(1), root->attr<MatMulAttributes>().transpose_b, nullptr, root));
  attributes.query_tokens_first = match.query.tokens_first;
  attributes.key_tokens_first = match.key.tokens_first;
  attributes.value_tokens_first = match.value.tokens_first;
  std::vector<Value*> inputs = {match.query.value, match.key.value, match.value.value};
  if (match.mask && match.negated) {
    NodeOptions options{.name = root->name() + "/mask", .before = root};
    HONE_ASSIGN_OR_RETURN(match.mask, graph.add("Not", {}, {match.mask}, std::move(options)));
  }
  if (match.mask) inputs.push_back(match.mask);
  match.root = root;
  Node* behind = single_user(root->output(), "Transpose");
  if (behind && behind->epilogue().empty() &&
      permutation_of(behind) == exchanged(identity(rank), 2)) {
    attributes.output_tokens_first = true;
    match.root = behind;
  }
  std::vector<std::string> sources;
  for (auto node = match.nodes.rbegin(); node != match.nodes.rend(); ++node) {
    sources.insert(sources.end(), (*node)->sources().begin(), (*node)->sources().end());
  }
  if (match.root != root) {
    sources.insert(sources.end(), behind->sources().begin(), behind->sources().end());
  }
  HONE_RETURN_IF_ERROR(replace_node(graph, match.root, "Attention", attributes, std::move(inputs),
                                    std::move(sources))
                           .status());
  return true;
}

}  // namespace

Result<bool> fuse_attention(Graph& graph) {
  bool changed = false;
  std::vector<Node*> nodes = graph.nodes();
  // Only these are looked at; what a fusion erases is a Transpose.
  std::erase_if(nodes, [](const Node* node) { return !node->is("MatMul"); });
  for (Node* node : nodes) {
    HONE_ASSIGN_OR_RETURN(const bool fused, fuse(graph, node));
    changed = changed || fused;
  }
  if (changed) graph.remove_dead();
  return changed;
}

}  // namespace hone
