// Tests only: small graphs, imported and evaluated.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "graph/evaluate.h"
#include "graph/verify.h"
#include "importers/tensorflow/bundle_test_util.h"
#include "importers/tensorflow/freeze.h"
#include "importers/tensorflow/import.h"

namespace hone::tf {

class GraphMaker {
 public:
  GraphMaker& input(const std::string& name, DataType dtype, std::vector<int64_t> shape) {
    graph_.nodes.push_back(
        make_node(name, "Placeholder", {},
                  {{"dtype", to_tf(dtype)}, {"shape", ShapeProto{false, std::move(shape)}}}));
    return *this;
  }
  GraphMaker& constant(const std::string& name, Tensor tensor) {
    graph_.nodes.push_back(make_const(name, std::move(tensor)));
    return *this;
  }
  GraphMaker& ints(const std::string& name, const std::vector<int32_t>& values) {
    return constant(name, Tensor::from<int32_t>({static_cast<int64_t>(values.size())}, values));
  }
  GraphMaker& number(const std::string& name, int32_t value) {
    return constant(name, Tensor::scalar<int32_t>(value));
  }
  GraphMaker& node(const std::string& name, const std::string& op, std::vector<std::string> inputs,
                   AttrMap attrs = {}) {
    graph_.nodes.push_back(make_node(name, op, std::move(inputs), std::move(attrs)));
    return *this;
  }
  const GraphDef& graph() const { return graph_; }
  GraphDef& graph() { return graph_; }
  // REQUIRES: a graph that can be frozen.
  FrozenGraph frozen() const {
    auto frozen = freeze_graph_def(graph_, "test");
    EXPECT_TRUE(frozen.ok()) << frozen.status().message();
    return frozen.ok() ? *frozen : FrozenGraph();
  }

 private:
  GraphDef graph_;
};

// Outputs in the order of the consumer-less nodes, or of `outputs` ("node:1") where given.
inline Result<std::vector<Tensor>> run(const GraphMaker& maker, const std::vector<Tensor>& inputs,
                                       const std::vector<std::string>& outputs = {}) {
  FrozenGraph frozen = maker.frozen();
  if (!outputs.empty()) {
    frozen.outputs.clear();
    for (const std::string& name : outputs) frozen.outputs.push_back({name, name});
  }
  HONE_ASSIGN_OR_RETURN(const Graph graph, import_frozen_graph(frozen, "test"));
  HONE_RETURN_IF_ERROR(verify(graph));
  return evaluate_graph(graph, inputs);
}

inline ListAttr int_list(std::vector<int64_t> values) {
  ListAttr list;
  list.i = std::move(values);
  return list;
}

inline Tensor floats(std::vector<int64_t> shape, const std::vector<float>& values) {
  return Tensor::from<float>(std::move(shape), values);
}

}  // namespace hone::tf
