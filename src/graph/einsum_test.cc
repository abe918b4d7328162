#include "graph/einsum.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

#include "graph/evaluate.h"
#include "graph/verify.h"
#include "ops/ops.h"

namespace hone {
namespace {

using ::testing::HasSubstr;

// Sizes of the labels used below.
const std::map<char, int64_t> kSizes = {{'a', 2}, {'b', 3}, {'c', 4}, {'d', 5}, {'e', 6}, {'f', 2}};

std::vector<int64_t> shape_of(const std::string& labels) {
  std::vector<int64_t> shape;
  for (char label : labels) shape.push_back(kSizes.at(label));
  return shape;
}

// The sum by loops over all labels.
std::vector<double> by_loops(const std::vector<std::string>& terms, const std::string& result,
                             const std::vector<Tensor>& inputs) {
  std::map<char, int64_t> index;
  for (const std::string& term : terms) {
    for (char label : term) index[label] = 0;
  }
  const auto offset = [&](const std::string& labels) {
    int64_t at = 0;
    for (char label : labels) at = at * kSizes.at(label) + index[label];
    return static_cast<size_t>(at);
  };
  int64_t size = 1;
  for (char label : result) size *= kSizes.at(label);
  std::vector<double> sums(static_cast<size_t>(size), 0.0);
  while (true) {
    double product = 1;
    for (size_t i = 0; i < terms.size(); ++i) product *= inputs[i].data<float>()[offset(terms[i])];
    sums[offset(result)] += product;
    auto next = index.begin();
    for (; next != index.end() && ++next->second == kSizes.at(next->first); ++next) {
      next->second = 0;
    }
    if (next == index.end()) return sums;
  }
}

void check(const std::vector<std::string>& terms, const std::string& result, bool arrow = true) {
  std::string equation;
  for (const std::string& term : terms) equation += (equation.empty() ? "" : ",") + term;
  if (arrow) equation += "->" + result;
  SCOPED_TRACE(equation);
  std::mt19937 random(5);
  std::uniform_real_distribution<float> uniform(-1, 1);
  // Operand 1 once as a constant, once as an input; dimension a of inputs is a symbol.
  for (const bool constant : {false, true}) {
    Graph graph;
    std::vector<Tensor> inputs, all;
    std::vector<Value*> values;
    for (size_t i = 0; i < terms.size(); ++i) {
      Tensor tensor = Tensor::zeros(DataType::f32, shape_of(terms[i]));
      float* data = tensor.mutable_data<float>();
      for (int64_t k = 0; k < tensor.num_elements(); ++k) data[k] = uniform(random);
      all.push_back(tensor);
      if (constant && i == 1) {
        values.push_back(graph.add_constant("w", tensor));
        continue;
      }
      Shape shape = to_shape(tensor.shape());
      for (size_t d = 0; d < shape.size(); ++d) {
        if (terms[i][d] == 'a') shape[d] = Dim::symbol("A");
      }
      values.push_back(graph.add_input("x" + std::to_string(i), {DataType::f32, shape}));
      inputs.push_back(tensor);
    }
    const EmitNode emit = [&](std::string_view op, Attributes attributes,
                              std::vector<Value*> operands) {
      return graph.add(op, std::move(attributes), std::move(operands));
    };
    auto value = build_einsum(graph, equation, values, emit);
    ASSERT_TRUE(value.ok()) << value.status().message();
    graph.add_output(*value, "y");
    ASSERT_TRUE(verify(graph).ok()) << verify(graph).message();
    auto found = evaluate_graph(graph, inputs);
    ASSERT_TRUE(found.ok()) << found.status().message();
    EXPECT_EQ((*found)[0].shape(), shape_of(result));
    const std::vector<double> wanted = by_loops(terms, result, all);
    const auto numbers = (*found)[0].as_doubles();
    ASSERT_EQ(numbers->size(), wanted.size());
    // Up to 1440 products below 1, each rounded once, in at most three steps.
    for (size_t i = 0; i < wanted.size(); ++i) EXPECT_NEAR((*numbers)[i], wanted[i], 3e-4);
  }
}

TEST(Einsum, TwoOperands) {
  check({"ab", "bc"}, "ac");
  check({"ab", "cb"}, "ac");
  check({"ab", "bc"}, "ca");
  check({"ba", "bc"}, "ac");
  check({"abc", "cde"}, "abde");
  check({"acd", "cde"}, "ae");
  check({"abcd", "aecd"}, "acbe");
  check({"acbe", "aecd"}, "abcd");
  check({"abc", "acd"}, "abd");
  check({"abcd", "bce"}, "abe");
  check({"abcd", "acde"}, "bca");
  check({"a", "a"}, "");
  check({"a", "b"}, "ba");
  check({"ab", "ac"}, "abc");
  check({"ab", "b"}, "a");
  check({"b", "ab"}, "a");
  check({"abe", "bcf"}, "ac");
  check({"ab", "ab"}, "ab");
  check({"ab", ""}, "ab");
}

TEST(Einsum, OneOrMoreOperands) {
  check({"abc"}, "ca");
  check({"abc"}, "");
  check({"ba"}, "ab", false);
  check({"ab", "bc"}, "ac", false);
  check({"ab", "bc", "cd"}, "ad");
  check({"ab", "ac", "bc"}, "a");
}

Status error(const std::string& equation, std::vector<Shape> shapes) {
  Graph graph;
  std::vector<Value*> values;
  for (Shape& shape : shapes) values.push_back(graph.add_input("x", {DataType::f32, shape}));
  const EmitNode emit = [&](std::string_view op, Attributes attributes,
                            std::vector<Value*> operands) {
    return graph.add(op, std::move(attributes), std::move(operands));
  };
  return build_einsum(graph, equation, values, emit).status();
}

TEST(Einsum, SaysWhyNot) {
  const Shape matrix = {Dim(3), Dim(3)};
  EXPECT_THAT(error("ii->i", {matrix}).message(), HasSubstr("twice"));
  EXPECT_THAT(error("...i->i", {matrix}).message(), HasSubstr("ellipsis"));
  EXPECT_THAT(error("ij,jk->ik", {matrix}).message(), HasSubstr("2 operands"));
  EXPECT_THAT(error("ijk->i", {matrix}).message(), HasSubstr("rank 2"));
  EXPECT_THAT(error("ij->k", {matrix}).message(), HasSubstr("'k'"));
  EXPECT_THAT(error("i1->i", {matrix}).message(), HasSubstr("term"));
  EXPECT_EQ(error("ij,jk->ik", {matrix, {Dim(4), Dim(3)}}).code(), Code::kShape);
}

}  // namespace
}  // namespace hone
