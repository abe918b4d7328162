#include "passes/read_channels_first.h"

#include "ops/ops.h"
#include "passes/edit.h"

namespace hone {
namespace {

// With more channels a Transpose costs little beside the Conv, and rows of one channel make the
// kernels' inner loops short.
constexpr int64_t kMostChannels = 4;

// The Transpose from [N,C,H,W] that only `node` reads; null if `node` could not do without.
Node* transpose_before(const Node* node) {
  if (!node->is("Conv") || node->attr<ConvAttributes>().groups != 1) return nullptr;
  const Value* data = node->input(0);
  Node* transpose = data->producer();
  if (!transpose || !transpose->is("Transpose") || !transpose->epilogue().empty()) return nullptr;
  if (!data->has_single_use() || data->dtype() != DataType::f32) return nullptr;
  if (permutation_of(transpose) != std::vector<int64_t>{0, 2, 3, 1}) return nullptr;
  const Dim& channels = data->shape().back();
  if (!channels.is_const() || channels.value() > kMostChannels) return nullptr;
  if (!node->input(1)->is_constant()) return nullptr;
  for (size_t i = node->num_root_inputs(); i < node->inputs().size(); ++i) {
    const Shape& extra = node->input(i)->shape();
    if (!is_single(extra) && !is_per_channel(extra, node->output()->shape())) return nullptr;
  }
  return transpose;
}

// [O,kh,kw,C] as [O,C,kh,kw,1].
Result<Tensor> weights_by_channel(const Tensor& weights) {
  HONE_ASSIGN_OR_RETURN(const Tensor moved, transposed(weights, {0, 3, 1, 2}));
  std::vector<int64_t> shape = moved.shape();
  shape.push_back(1);
  return moved.reshaped(shape);
}

// One more spatial dimension in front: the window covers all channels at once.
ConvAttributes with_channels(ConvAttributes attributes, int64_t channels) {
  if (attributes.strides.empty()) attributes.strides = {1, 1};
  attributes.strides.insert(attributes.strides.begin(), channels);
  if (!attributes.dilations.empty()) attributes.dilations.insert(attributes.dilations.begin(), 1);
  if (!attributes.pads.empty()) {
    attributes.pads.insert(attributes.pads.begin() + 2, 0);
    attributes.pads.insert(attributes.pads.begin(), 0);
  }
  return attributes;
}

Status read_by_channel(Graph& graph, Node* conv, const Node* transpose) {
  const std::string name = conv->name();
  NodeOptions view{.name = name + "/slices", .sources = transpose->sources(), .before = conv};
  HONE_ASSIGN_OR_RETURN(Value * slices, graph.add("Unsqueeze", AxesAttributes{{4}},
                                                  {transpose->input(0)}, std::move(view)));
  std::vector<Value*> inputs = conv->inputs();
  HONE_ASSIGN_OR_RETURN(Tensor weights, weights_by_channel(*inputs[1]->constant()));
  inputs[1] = graph.add_constant(inputs[1]->name(), std::move(weights), inputs[1]->source());
  inputs[0] = slices;
  const int64_t channels = conv->input(0)->shape().back().value();
  NodeOptions options{.name = name + "/channels_first",
                      .sources = conv->sources(),
                      .epilogue = conv->epilogue(),
                      .before = conv};
  HONE_ASSIGN_OR_RETURN(Value * deep,
                        graph.add("Conv", with_channels(conv->attr<ConvAttributes>(), channels),
                                  std::move(inputs), std::move(options)));
  return replace_node(graph, conv, "Squeeze", AxesAttributes{{1}}, {deep}).status();
}

}  // namespace

Result<bool> read_channels_first(Graph& graph) {
  bool changed = false;
  for (Node* node : graph.nodes()) {
    const Node* transpose = transpose_before(node);
    if (!transpose) continue;
    HONE_RETURN_IF_ERROR(read_by_channel(graph, node, transpose));
    changed = true;
  }
  if (changed) graph.remove_dead();
  return changed;
}

}  // namespace hone
