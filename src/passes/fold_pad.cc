#include "passes/fold_pad.h"

#include <algorithm>
#include <string_view>

#include "graph/pattern.h"
#include "ops/ops.h"
#include "passes/edit.h"

namespace hone {
namespace {

// The pads of the spatial dimensions (begins, then ends) of a Pad with zeros; nothing for another.
std::optional<std::vector<int64_t>> spatial_pads(const Node* pad) {
  if (pad->attr<PadAttributes>().mode != "constant") return std::nullopt;
  if (pad->input(2) && splat_value(pad->input(2)) != 0.0) return std::nullopt;
  const auto pads = constant_as_int64s(pad->input(1));
  const size_t rank = pad->output()->shape().size();
  if (!pads || rank < 3 || pads->size() != 2 * rank) return std::nullopt;
  std::vector<int64_t> spatial;
  for (size_t i = 0; i < pads->size(); ++i) {
    const size_t axis = i % rank;
    const int64_t amount = (*pads)[i];
    const bool is_spatial = axis != 0 && axis != rank - 1;
    if (amount < 0 || (!is_spatial && amount != 0)) return std::nullopt;
    if (is_spatial) spatial.push_back(amount);
  }
  return spatial;
}

// Adds `more` to pads that are explicit; false for automatic ones.
template <class Attr>
bool add_pads(Attr* attributes, const std::vector<int64_t>& more) {
  if (attributes->auto_pad != "explicit" && attributes->auto_pad != "valid") return false;
  std::vector<int64_t> pads = more;
  if (attributes->auto_pad == "explicit" && !attributes->pads.empty()) {
    for (size_t i = 0; i < pads.size(); ++i) pads[i] += attributes->pads[i];
  }
  attributes->auto_pad = "explicit";
  attributes->pads = std::move(pads);
  return true;
}

bool has_pads(const PoolAttributes& attributes) {
  return attributes.auto_pad != "valid" &&
         std::any_of(attributes.pads.begin(), attributes.pads.end(), [](int64_t p) { return p; });
}

// Far enough for what stands between a Relu and a pool.
constexpr int kMaxDepth = 8;

bool is_non_negative(const Value* value, int depth = 0) {
  const Node* node = value->producer();
  if (!node || !node->epilogue().empty() || depth > kMaxDepth) return false;
  for (const char* name :
       {"Relu", "Sigmoid", "HardSigmoid", "Softplus", "Square", "Abs", "Exp", "Softmax"}) {
    if (node->is(name)) return true;
  }
  auto constant_at_least_0 = [](const Value* input) {
    double scalar = -1;
    return is_scalar_constant(input, &scalar) && scalar >= 0;
  };
  if (node->is("Max") && constant_at_least_0(node->input(1))) return true;
  if (node->is("Min") && constant_at_least_0(node->input(1))) {
    return is_non_negative(node->input(0), depth + 1);
  }
  for (const char* name :
       {"MaxPool", "AveragePool", "Concat", "Identity", "Reshape", "Transpose"}) {
    if (!node->is(name)) continue;
    const size_t count = node->is("Concat") ? node->inputs().size() : 1;
    return std::all_of(node->inputs().begin(), node->inputs().begin() + count,
                       [&](const Value* input) { return is_non_negative(input, depth + 1); });
  }
  return false;
}

std::optional<Attributes> padded_conv(const Node* conv, const std::vector<int64_t>& pads) {
  ConvAttributes attributes = conv->attr<ConvAttributes>();
  if (!add_pads(&attributes, pads)) return std::nullopt;
  return attributes;
}

std::optional<Attributes> padded_average(const Node* pool, const std::vector<int64_t>& pads) {
  PoolAttributes attributes = pool->attr<PoolAttributes>();
  if (attributes.ceil_mode || (has_pads(attributes) && !attributes.count_include_pad)) {
    return std::nullopt;
  }
  if (!add_pads(&attributes, pads)) return std::nullopt;
  attributes.count_include_pad = true;
  return attributes;
}

std::optional<Attributes> padded_max(const Node* pool, const std::vector<int64_t>& pads) {
  PoolAttributes attributes = pool->attr<PoolAttributes>();
  if (attributes.ceil_mode || has_pads(attributes)) return std::nullopt;
  const auto is_one = [](int64_t dilation) { return dilation == 1; };
  if (!std::all_of(attributes.dilations.begin(), attributes.dilations.end(), is_one)) {
    return std::nullopt;
  }
  // A window as wide as the border would see nothing but the border.
  for (size_t i = 0; i < pads.size(); ++i) {
    if (pads[i] >= attributes.kernel[i % attributes.kernel.size()]) return std::nullopt;
  }
  if (!add_pads(&attributes, pads)) return std::nullopt;
  return attributes;
}

Result<bool> fold_into(Graph& graph, Node* node) {
  const Node* pad = node->inputs().empty() ? nullptr : producer(node->input(0), "Pad");
  if (!pad) return false;
  const auto pads = spatial_pads(pad);
  if (!pads) return false;
  std::optional<Attributes> attributes;
  if (node->is("Conv")) attributes = padded_conv(node, *pads);
  if (node->is("AveragePool")) attributes = padded_average(node, *pads);
  if (node->is("MaxPool") && is_non_negative(pad->input(0))) attributes = padded_max(node, *pads);
  if (!attributes) return false;
  std::vector<Value*> inputs = node->inputs();
  inputs[0] = pad->input(0);
  if (!rewrite(graph, node, std::move(*attributes), std::move(inputs)).ok()) return false;
  graph.add_sources(node, pad->sources());
  return true;
}

}  // namespace

Result<bool> fold_pad(Graph& graph) {
  bool changed = false;
  for (Node* node : graph.nodes()) {
    HONE_ASSIGN_OR_RETURN(const bool folded, fold_into(graph, node));
    changed = changed || folded;
  }
  if (changed) graph.remove_dead();
  return changed;
}

}  // namespace hone
