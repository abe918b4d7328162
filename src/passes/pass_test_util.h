// What the tests of passes share.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "graph/evaluate.h"
#include "graph/graph.h"
#include "graph/text.h"
#include "graph/verify.h"

namespace hone {

using PassFunction = Result<bool> (*)(Graph&);

inline Graph read_graph(std::string_view text) {
  auto graph = parse_graph(text);
  if (!graph.ok()) ADD_FAILURE() << graph.status().message() << "\n" << text;
  return graph.ok() ? std::move(*graph) : Graph();
}

inline bool run_pass(PassFunction pass, Graph& graph) {
  auto changed = pass(graph);
  if (!changed.ok()) ADD_FAILURE() << changed.status().message();
  const Status status = verify(graph);
  EXPECT_TRUE(status.ok()) << status.message() << "\n" << print_graph(graph);
  return changed.ok() && *changed;
}

// Inputs in [-1, 1); symbols as below.
inline std::vector<Tensor> random_inputs(const Graph& graph, uint64_t seed) {
  const SymbolValues symbols = {{"N", 2}, {"M", 3}, {"H", 8}, {"W", 6}, {"S", 5}};
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<Tensor> inputs;
  for (const Value* input : graph.inputs()) {
    Tensor tensor = Tensor::empty(DataType::f32, eval_shape(input->shape(), symbols).value());
    float* data = tensor.mutable_data<float>();
    for (int64_t i = 0; i < tensor.num_elements(); ++i) data[i] = uniform(random);
    inputs.push_back(std::move(tensor));
  }
  return inputs;
}

// The results agree up to what reassociation may cost: 64 roundings of the largest number on the
// way. (The longest sums here have 32 terms of that size, and a pass rounds a value at most twice.)
inline void expect_same_results(const Graph& before, const Graph& after, uint64_t seed) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  const std::vector<Tensor> inputs = random_inputs(before, seed);
  double largest = 1;
  EvaluateOptions options;
  options.tap = [&largest](const Value&, const Tensor& tensor) {
    if (is_float(tensor.dtype())) {
      const auto values = tensor.as_doubles();
      for (double x : *values) largest = std::max(largest, std::fabs(x));
    }
    return ok();
  };
  auto want = evaluate_graph(before, inputs, options);
  auto got = evaluate_graph(after, inputs);
  ASSERT_TRUE(want.ok()) << want.status().message();
  ASSERT_TRUE(got.ok()) << got.status().message() << "\n" << print_graph(after);
  ASSERT_EQ(want->size(), got->size());
  for (size_t i = 0; i < want->size(); ++i) {
    ASSERT_EQ((*want)[i].dtype(), (*got)[i].dtype());
    ASSERT_EQ((*want)[i].shape(), (*got)[i].shape());
    const auto a = *(*want)[i].as_doubles(), b = *(*got)[i].as_doubles();
    for (size_t k = 0; k < a.size(); ++k) {
      ASSERT_NEAR(a[k], b[k], 64 * std::ldexp(1.0, -24) * largest) << "output " << i << " at " << k;
    }
  }
}

// `before` becomes `after`, computes the same, and stays as it is the second time.
inline void expect_pass(PassFunction pass, std::string_view before, std::string_view after) {
  const Graph original = read_graph(before);
  Graph graph = original.clone();
  EXPECT_TRUE(run_pass(pass, graph)) << "nothing changed";
  std::string why;
  EXPECT_TRUE(same_structure(graph, read_graph(after), &why)) << why << "\n" << print_graph(graph);
  expect_same_results(original, graph, 1);
  EXPECT_FALSE(run_pass(pass, graph)) << "changed again:\n" << print_graph(graph);
}

inline void expect_unchanged(PassFunction pass, std::string_view text) {
  const Graph original = read_graph(text);
  Graph graph = original.clone();
  EXPECT_FALSE(run_pass(pass, graph));
  std::string why;
  EXPECT_TRUE(same_structure(graph, original, &why)) << why << "\n" << print_graph(graph);
}

inline std::map<std::string, int> count_ops(const Graph& graph) {
  std::map<std::string, int> counts;
  for (const Node* node : graph.nodes()) ++counts[node->op().name];
  return counts;
}

}  // namespace hone
