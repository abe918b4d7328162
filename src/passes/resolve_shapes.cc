#include "passes/resolve_shapes.h"

#include <algorithm>
#include <cstddef>

#include "graph/pattern.h"
#include "ops/conv_transpose.h"
#include "ops/ops.h"
#include "ops/resize.h"
#include "passes/edit.h"
#include "passes/reshape_to.h"

namespace hone {
namespace {

// The elements, if all are integers.
std::optional<std::vector<int64_t>> known_elements(const Value* value) {
  if (!value->values() || !is_integer(value->dtype()) || !is_static(value->shape())) {
    return std::nullopt;
  }
  std::vector<int64_t> elements;
  for (const Dim& dim : *value->values()) {
    if (!dim.is_const()) return std::nullopt;
    elements.push_back(dim.value());
  }
  return elements;
}

Result<bool> make_constant(Graph& graph, Value* value) {
  if (value->uses().empty() && !value->is_graph_output()) return false;
  const auto elements = known_elements(value);
  const auto shape = to_static(value->shape());
  if (!elements) return false;
  HONE_ASSIGN_OR_RETURN(int64_t count, checked_num_elements(*shape));
  if (count != static_cast<int64_t>(elements->size())) return false;
  const Tensor inputs[] = {Tensor::from(*shape, *elements)};
  HONE_ASSIGN_OR_RETURN(
      auto cast, evaluate_reference(op("Cast"), CastAttributes{value->dtype()}, Program(), inputs));
  replace_by_constant(graph, value, std::move(cast[0]));
  return true;
}

// A shape that is no constant, of a node whose result shape is known nevertheless.
bool has_computed_shape(const Node* node, const char* op_name) {
  return node->is(op_name) && node->input(1) && !node->input(1)->is_constant();
}

Result<bool> resolve_reshape(Graph& graph, Node* node) {
  if (!has_computed_shape(node, "Reshape")) return false;
  auto form = express_target(node->input(0)->shape(), node->output()->shape());
  if (!form) return false;
  ReshapeAttributes attributes;
  attributes.shape = form->attribute;
  std::vector<Value*> inputs = node->inputs();
  const size_t root_inputs = node->num_root_inputs();
  if (form->attribute.empty()) {
    inputs[1] = graph.add_constant(node->input(1)->name(), int64_vector(form->constant));
  } else if (root_inputs == 2) {
    inputs.erase(inputs.begin() + 1);
  }
  HONE_RETURN_IF_ERROR(rewrite(graph, node, attributes, std::move(inputs)));
  return true;
}

// 1 in the shape leaves a dimension as it is.
Result<bool> resolve_expand(Graph& graph, Node* node) {
  if (!has_computed_shape(node, "Expand")) return false;
  const Shape& data = node->input(0)->shape();
  const Shape& result = node->output()->shape();
  std::vector<int64_t> wanted;
  for (size_t i = 0; i < result.size(); ++i) {
    const size_t from_end = result.size() - i;
    const bool same = from_end <= data.size() && data[data.size() - from_end] == result[i];
    if (!same && !result[i].is_const()) return false;
    wanted.push_back(same ? 1 : result[i].value());
  }
  std::vector<Value*> inputs = node->inputs();
  inputs[1] = graph.add_constant(node->input(1)->name(), int64_vector(wanted));
  HONE_RETURN_IF_ERROR(rewrite(graph, node, node->attributes(), std::move(inputs)));
  return true;
}

Result<bool> drop_size(Graph& graph, Node* node, size_t input, Attributes attributes) {
  std::vector<Value*> inputs = node->inputs();
  inputs.erase(inputs.begin() + static_cast<std::ptrdiff_t>(input));
  HONE_RETURN_IF_ERROR(rewrite(graph, node, std::move(attributes), std::move(inputs)));
  return true;
}

// The given size of a ConvTranspose as explicit pads: 2 * H and alike, or numbers. Then the tactic
// knows its pads when the plan is built, and nothing computes the size at run time.
Result<bool> resolve_transposed(Graph& graph, Node* node) {
  if (!node->is("ConvTranspose") || node->num_root_inputs() < 3) return false;
  auto attributes = node->attr<ConvTransposeAttributes>();
  const auto shape = to_static(node->input(1)->shape());
  if (!shape) return false;
  const std::vector<int64_t> kernel(shape->begin() + 1, shape->end() - 1);
  HONE_ASSIGN_OR_RETURN(const auto windows, transposed_windows(attributes, kernel, {}, {}));
  const size_t rank = kernel.size();
  std::vector<int64_t> extra = attributes.output_padding;
  extra.resize(rank, 0);
  attributes.pads.assign(2 * rank, 0);
  attributes.output_padding.assign(rank, 0);
  for (size_t i = 0; i < rank; ++i) {
    const Window& window = windows[i];
    const Dim reach =
        (node->input(0)->shape()[i + 1] - Dim(1)) * Dim(window.stride) + Dim(window.extent());
    const Dim cut = reach - node->output()->shape()[i + 1];  // by both pads together
    if (!cut.is_const()) return false;
    const int64_t total = std::max<int64_t>(cut.value() + extra[i], 0);
    int64_t begin = window.pad_begin;
    if (attributes.auto_pad == "same_upper") begin = total / 2;
    if (attributes.auto_pad == "same_lower") begin = total - total / 2;
    attributes.pads[i] = begin;
    attributes.pads[i + rank] = std::max<int64_t>(cut.value() - begin, 0);
    attributes.output_padding[i] = std::max<int64_t>(begin - cut.value(), 0);
  }
  attributes.auto_pad = "explicit";
  return drop_size(graph, node, 2, attributes);
}

// Computed sizes of a Resize that are multiples of data's, as scales.
Result<bool> resolve_resize(Graph& graph, Node* node) {
  if (!has_computed_shape(node, "Resize")) return false;
  auto attributes = node->attr<ResizeAttributes>();
  const Shape& data = node->input(0)->shape();
  HONE_ASSIGN_OR_RETURN(const auto axes, resize_axes(attributes, data.size()));
  for (int axis : axes) {
    const auto scale = divide_exact(node->output()->shape()[axis], data[axis]);
    if (!scale || !scale->is_const() || scale->value() < 1 || scale->value() > 1024) return false;
    attributes.scales.push_back(static_cast<double>(scale->value()));
  }
  return drop_size(graph, node, 1, attributes);
}

// In order, so that what one node tells reaches the next ones.
Result<bool> resolve_once(Graph& graph) {
  bool changed = false;
  std::vector<Value*> retyped;
  for (Node* node : graph.nodes()) {
    for (Value* output : node->outputs()) {
      HONE_ASSIGN_OR_RETURN(const bool constant, make_constant(graph, output));
      changed = changed || constant;
    }
    const TensorType old = node->output()->type();
    HONE_ASSIGN_OR_RETURN(const bool reshape, resolve_reshape(graph, node));
    HONE_ASSIGN_OR_RETURN(const bool expand, resolve_expand(graph, node));
    HONE_ASSIGN_OR_RETURN(const bool transposed, resolve_transposed(graph, node));
    HONE_ASSIGN_OR_RETURN(const bool resize, resolve_resize(graph, node));
    changed = changed || reshape || expand || transposed || resize;
    if (node->output()->type() != old) retyped.push_back(node->output());
  }
  if (!retyped.empty()) HONE_RETURN_IF_ERROR(infer_users(graph, retyped));
  return changed;
}

}  // namespace

Result<bool> resolve_shapes(Graph& graph) {
  // Each round but the last removes a computed shape; more than a few are rare.
  constexpr int kMaxRounds = 8;
  bool changed = false;
  for (int round = 0; round < kMaxRounds; ++round) {
    HONE_ASSIGN_OR_RETURN(const bool again, resolve_once(graph));
    if (!again) break;
    changed = true;
    graph.remove_dead();
  }
  return changed;
}

}  // namespace hone
