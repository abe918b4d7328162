// What the importer function of an ONNX operator works with: the node's inputs and attributes, and
// the means to build what it stands for. An importer function reads its inputs and attributes in
// its first lines and returns the values of the node's outputs.
//
// Everything here may throw ImportError, which the importer of the node catches.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"
#include "importers/onnx/model.h"
#include "importers/onnx/tensor.h"
#include "ops/ops.h"

namespace hone::onnx {

using Values = std::vector<Value*>;

class Call {
 public:
  // The arguments outlive the call. `inputs`: null = absent, none at the end.
  Call(Graph* graph, TensorReader* tensors, const NodeData& node, std::string name, int64_t opset,
       Values inputs);

  const std::string& name() const { return name_; }
  std::string_view op_type() const { return node_.op_type; }
  int64_t opset() const { return opset_; }

  // --- Inputs.
  size_t num_inputs() const { return inputs_.size(); }
  size_t num_outputs() const { return node_.outputs.size(); }
  const Values& inputs() const { return inputs_; }
  Value* input(size_t i) const;     // kModel if it is absent
  Value* optional(size_t i) const;  // null if it is absent
  // The integer elements of `value`, where they are known now; else nothing.
  std::optional<std::vector<int64_t>> known_ints(const Value* value) const;
  // Input i as integers that must be known now; nothing if it is absent. kUnsupported.
  std::optional<std::vector<int64_t>> constant_ints(size_t i, const char* what) const;

  // --- Attributes. Reading one marks it as known; missing without a fallback is kModel.
  bool has(std::string_view name) const;
  int64_t integer(std::string_view name, std::optional<int64_t> fallback = std::nullopt);
  bool flag(std::string_view name, bool fallback) { return integer(name, fallback ? 1 : 0) != 0; }
  double real(std::string_view name, std::optional<double> fallback = std::nullopt);
  std::string text(std::string_view name, std::optional<std::string> fallback = std::nullopt);
  std::vector<int64_t> integers(std::string_view name);  // empty if missing
  std::vector<double> reals(std::string_view name);      // empty if missing
  std::vector<std::string> texts(std::string_view name);
  std::optional<Tensor> tensor(std::string_view name);
  void ignore(std::initializer_list<std::string_view> names);
  // kUnsupported if there is an attribute that was not read. Called by the importer of the node.
  void check_attributes() const;

  // What was an attribute before opset `since` and is input `i` from then on; nothing if missing.
  std::optional<std::vector<int64_t>> ints_of(std::string_view name, size_t i, int64_t since);

  // --- Building. Errors of inference become ImportErrors.
  Graph& graph() { return *graph_; }
  Node* node(std::string_view op, Values inputs, Attributes attributes = {});
  Value* emit(std::string_view op, Values inputs, Attributes attributes = {}) {
    return node(op, std::move(inputs), std::move(attributes))->output();
  }
  Value* constant(Tensor tensor);
  Value* scalar(DataType dtype, double value);  // rank 0
  Value* scalar_like(const Value* like, double value) { return scalar(like->dtype(), value); }
  Value* ints(const std::vector<int64_t>& values);  // i64[n]
  Value* cast(Value* value, DataType dtype);        // itself if it has that dtype
  Value* transpose(Value* value, std::vector<int64_t> perm);
  Value* reshape(Value* value, const std::vector<int64_t>& shape);  // 0 copies, -1 is computed
  Value* reshape_like(Value* value, Value* like);                   // to the shape of `like`
  // [N, C, spatial...] to and from [N, spatial..., C]; also weights [O, I, spatial...].
  Value* channels_last(Value* value);
  Value* channels_first(Value* value);

  // --- Errors.
  [[noreturn]] void unsupported(std::string what) const;
  [[noreturn]] void bad_model(std::string what) const;
  void require(bool condition, const char* what) const {  // kUnsupported
    if (!condition) unsupported(what);
  }
  // `axis` in [-rank, rank) -> [0, rank); kModel.
  int64_t positive_axis(int64_t axis, size_t rank) const;

 private:
  const AttributeData* find(std::string_view name, int type);

  Graph* graph_;
  TensorReader* tensors_;
  const NodeData& node_;
  std::string name_;
  int64_t opset_;
  Values inputs_;
  std::vector<bool> read_;  // by attribute
};

}  // namespace hone::onnx
