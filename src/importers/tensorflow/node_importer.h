// What the function of one TensorFlow operator sees: its inputs, its attributes, and ways to add
// nodes.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "graph/graph.h"
#include "importers/tensorflow/graph_def.h"
#include "ops/ops.h"

namespace hone::tf {

class NodeImporter;

// Imports one node; errors say why not.
struct OpImporter {
  const char* op;
  Status (*run)(NodeImporter&);
  const char* limits;            // what is not taken, for people; "" = nothing
  const char* target = nullptr;  // Hone's operator, for functions that serve several rows
};

class NodeImporter {
 public:
  NodeImporter(Graph& graph, const NodeDef& node, const OpImporter& importer,
               std::vector<Value*> inputs)
      : graph_(graph), node_(node), target_(importer.target), inputs_(std::move(inputs)) {}

  const NodeDef& node() const { return node_; }
  const char* target() const { return target_; }  // of the table row
  Graph& graph() { return graph_; }
  size_t num_inputs() const { return inputs_.size(); }
  // kModel if there are fewer inputs.
  Result<Value*> input(size_t i) const;
  // Elements of an integer input that are known at import. kUnsupported: "input 1 (shape) is not
  // constant".
  Result<std::vector<int64_t>> ints(size_t i, const char* what) const;
  Result<int64_t> scalar_int(size_t i, const char* what) const;
  // An axis counted from the front. kModel when out of range.
  static Result<int64_t> axis(int64_t axis, size_t rank);

  // Attributes with TensorFlow's defaults.
  Result<std::vector<int64_t>> attr_ints(std::string_view name) const;
  Result<std::string> attr_string(std::string_view name, std::string fallback) const;
  Result<int64_t> attr_int(std::string_view name, int64_t fallback) const;
  Result<bool> attr_bool(std::string_view name, bool fallback) const;
  Result<double> attr_float(std::string_view name, double fallback) const;
  Result<DataType> attr_type(std::string_view name) const;

  // Adds a node that stands for this TensorFlow node.
  Result<Value*> add(std::string_view op, Attributes attributes, std::vector<Value*> inputs);
  Result<std::vector<Value*>> add_many(std::string_view op, Attributes attributes,
                                       std::vector<Value*> inputs);
  Value* constant(Tensor tensor);
  Value* int_constant(std::vector<int64_t> values) {
    return constant(Tensor::from<int64_t>({static_cast<int64_t>(values.size())}, values));
  }
  // A scalar constant; integers are cut to the integer part. REQUIRES: dtype is not string.
  Value* scalar(double value, DataType dtype);
  Result<Value*> transpose(Value* value, std::vector<int64_t> perm);
  // The order of elements along these axes (not negative) reversed.
  Result<Value*> reverse(Value* value, const std::vector<int64_t>& axes);

  void output(Value* value) { outputs_.push_back(value); }
  const std::vector<Value*>& outputs() const { return outputs_; }

  static Status unsupported(std::string what) {
    return Status(Code::kUnsupported, std::move(what));
  }

 private:
  Graph& graph_;
  const NodeDef& node_;
  const char* target_;
  std::vector<Value*> inputs_, outputs_;
};

// The operator `target` of the table row on all inputs, without attributes.
Status import_same(NodeImporter& n);

// One table per file import_<subject>.cc.
std::span<const OpImporter> block_importers();
std::span<const OpImporter> convolution_importers();
std::span<const OpImporter> detection_importers();
std::span<const OpImporter> logic_importers();
std::span<const OpImporter> math_importers();
std::span<const OpImporter> normalization_importers();
std::span<const OpImporter> reduction_importers();
std::span<const OpImporter> resize_importers();
std::span<const OpImporter> selection_importers();
std::span<const OpImporter> shape_importers();
std::span<const OpImporter> slice_importers();
std::span<const OpImporter> transposed_importers();

std::vector<OpImporter> all_importers();  // sorted by op
const OpImporter* find_importer(std::string_view op);

}  // namespace hone::tf
