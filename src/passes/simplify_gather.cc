#include "passes/simplify_gather.h"

#include "graph/pattern.h"
#include "ops/ops.h"
#include "passes/edit.h"
#include "passes/reshape_to.h"

namespace hone {
namespace {

// Size of the gathered dimension, if it is known.
std::optional<int64_t> gathered_size(const Node* gather) {
  const Shape& shape = gather->input(0)->shape();
  const auto axis = positive_axis(gather->attr<GatherAttributes>().axis, shape.size());
  if (!shape[axis].is_const()) return std::nullopt;
  return shape[axis].value();
}

// The first of constant indices that follow each other, none outside.
std::optional<int64_t> first_of_range(const Node* gather) {
  const auto size = gathered_size(gather);
  auto indices = constant_as_int64s(gather->input(1));
  if (!size || !indices || indices->empty()) return std::nullopt;
  for (int64_t& index : *indices) {
    if (index < -*size || index >= *size) return std::nullopt;  // an error, at run time
    if (index < 0) index += *size;
  }
  for (size_t i = 1; i < indices->size(); ++i) {
    if ((*indices)[i] != (*indices)[i - 1] + 1) return std::nullopt;
  }
  return indices->front();
}

Result<bool> become_slice(Graph& graph, Node* gather) {
  const auto& attributes = gather->attr<GatherAttributes>();
  const auto first = first_of_range(gather);
  if (!first || attributes.batch_dims != 0 || gather->input(0)->is_constant()) return false;
  Value* data = gather->input(0);
  const int64_t count = gather->input(1)->constant()->num_elements();
  const int64_t axis = positive_axis(attributes.axis, data->shape().size());
  std::vector<Value*> inputs = {data};
  for (const int64_t bound : {*first, *first + count, axis}) {
    inputs.push_back(graph.add_constant(gather->name() + "/slice", int64_vector({bound})));
  }
  Shape kept = data->shape();
  kept[axis] = Dim(count);
  if (kept == gather->output()->shape()) {
    HONE_RETURN_IF_ERROR(replace_node(graph, gather, "Slice", {}, inputs).status());
    return true;
  }
  NodeOptions options;
  options.name = gather->name() + "/slice";
  options.sources = gather->sources();
  options.before = gather;
  HONE_ASSIGN_OR_RETURN(Value * slice, graph.add("Slice", {}, inputs, options));
  HONE_ASSIGN_OR_RETURN(const bool done, become_reshape(graph, gather, slice));
  if (!done) graph.erase(slice->producer());
  return done;
}

bool is_constant_of(const Value* value, double wanted) {
  double scalar;
  return is_scalar_constant(value, &scalar) && scalar == wanted;
}

// `plain` for where(plain < 0, plain + size, plain); else null.
Value* wrapped_index(const Value* indices, int64_t size) {
  const Node* where = producer(indices, "Where");
  if (!where) return nullptr;
  Value* plain = where->input(2);
  const Node* less = producer(where->input(0), "Less");
  const Node* add = producer(where->input(1), "Add");
  if (!less || !add || plain->shape() != indices->shape()) return nullptr;
  if (less->input(0) != plain || !is_constant_of(less->input(1), 0)) return nullptr;
  const int other = add->input(0) == plain ? 1 : 0;
  if (add->input(1 - other) != plain) return nullptr;
  return is_constant_of(add->input(other), static_cast<double>(size)) ? plain : nullptr;
}

bool take_plain_index(Graph& graph, Node* gather) {
  const auto size = gathered_size(gather);
  Value* plain = size ? wrapped_index(gather->input(1), *size) : nullptr;
  if (plain) graph.set_input(gather, 1, plain);
  return plain != nullptr;
}

}  // namespace

Result<bool> simplify_gather(Graph& graph) {
  bool changed = false;
  for (Node* node : graph.nodes()) {
    if (!node->is("Gather") || !node->epilogue().empty()) continue;
    changed |= take_plain_index(graph, node);
    HONE_ASSIGN_OR_RETURN(const bool slice, become_slice(graph, node));
    changed |= slice;
  }
  if (changed) graph.remove_dead();
  return changed;
}

}  // namespace hone
