// Edits that several passes make.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"
#include "ops/ops.h"

namespace hone {

// Puts another operator in the place of `old`, which has one output and is erased. Names and
// sources stay, unless `sources` says otherwise.
Result<Node*> replace_node(Graph& graph, Node* old, std::string_view op_name, Attributes attributes,
                           std::vector<Value*> inputs, std::vector<std::string> sources = {});

// Gives `node` other attributes and inputs and infers its outputs; on error nothing has changed.
Status rewrite(Graph& graph, Node* node, Attributes attributes, std::vector<Value*> inputs);

// The users of `node`'s one output read `value` instead; `node` is erased.
void bypass(Graph& graph, Node* node, Value* value);

// bypass(), and `value` takes the name and the source of the node's output.
void replace_output(Graph& graph, Node* node, Value* value);

// `survivor` now computes what `absorbed` did: takes its users, its value's names and its sources.
void take_over(Graph& graph, Node* survivor, Node* absorbed);

// The users of `value`'s node read a constant instead, which takes the value's name; the node stays
// behind, dead. REQUIRES: `value` has a producer.
void replace_by_constant(Graph& graph, Value* value, Tensor tensor);

// Infers the outputs of all nodes again that depend on a type of `changed`. REQUIRES: the nodes are
// in order.
Status infer_users(Graph& graph, const std::vector<Value*>& changed);

// perm of a Transpose, spelled out, not negative.
std::vector<int64_t> permutation_of(const Node* transpose);
bool is_identity(const std::vector<int64_t>& perm);
std::vector<int64_t> inverse_of(const std::vector<int64_t>& perm);
// The permutation of first `inner`, then `outer`.
std::vector<int64_t> compose_permutations(const std::vector<int64_t>& inner,
                                          const std::vector<int64_t>& outer);
Shape permuted(const Shape& shape, const std::vector<int64_t>& perm);
Result<Tensor> transposed(const Tensor& tensor, const std::vector<int64_t>& perm);

// axis in [0, rank) for one that may be negative.
inline int64_t positive_axis(int64_t axis, size_t rank) {
  return axis < 0 ? axis + static_cast<int64_t>(rank) : axis;
}

// A vector of i64.
inline Tensor int64_vector(const std::vector<int64_t>& values) {
  return Tensor::from<int64_t>({static_cast<int64_t>(values.size())}, values);
}

// Whether `extra` has one element, or one per channel (the last dimension) of `full`, whatever the
// values of the symbols, and no more dimensions.
bool is_single(const Shape& extra);
bool is_per_channel(const Shape& extra, const Shape& full);

}  // namespace hone
