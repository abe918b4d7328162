#include "graph/evaluate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/pattern.h"
#include "graph/text.h"

namespace hone {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Graph read(std::string_view text) {
  auto graph = parse_graph(text);
  if (!graph.ok()) ADD_FAILURE() << graph.status().message();
  return graph.ok() ? std::move(*graph) : Graph();
}

constexpr const char* kSmall = R"(graph {
  input %x: f32[N,2]
  input %y: f32[N,2]
  const %k: f32[2] = [10, 20]
  %a = Add(%x, %k)
  %b = Mul(%a, %y) epilogue{t0=Sub(x0,x1);t1=Max(t0,0)}(%x)
  %unused = Neg(%b)
  output %b as "first"
  output %k as "constant"
  output %x as "input"
  output %b as "again"
})";

TEST(EvaluateTest, ByHand) {
  const Graph graph = read(kSmall);
  const Tensor x = Tensor::from<float>({2, 2}, {1, 2, 3, 4});
  const Tensor y = Tensor::from<float>({2, 2}, {1, 2, -1, 0.5});
  std::vector<std::string> seen;
  EvaluateOptions options;
  options.tap = [&seen](const Value& value, const Tensor&) {
    seen.push_back(value.name());
    return ok();
  };
  auto outputs = evaluate_graph(graph, std::vector<Tensor>{x, y}, options);
  ASSERT_TRUE(outputs.ok()) << outputs.status().message();
  ASSERT_EQ(outputs->size(), 4u);
  // a = {11,22; 13,24}, a*y = {11,44; -13,12}, minus x = {10,42; -16,8}.
  EXPECT_EQ((*outputs)[0], Tensor::from<float>({2, 2}, {10, 42, 0, 8}));
  EXPECT_EQ((*outputs)[1], Tensor::from<float>({2}, {10, 20}));
  EXPECT_EQ((*outputs)[2], x);
  EXPECT_EQ((*outputs)[3], (*outputs)[0]);
  EXPECT_THAT(seen, ElementsAre("x", "y", "a", "b", "unused"));
}

TEST(EvaluateTest, TapCanStop) {
  EvaluateOptions options;
  options.tap = [](const Value& value, const Tensor&) {
    return value.name() == "a" ? Status(Code::kCancelled, "stopped") : ok();
  };
  const Tensor x = Tensor::zeros(DataType::f32, {1, 2});
  auto outputs = evaluate_graph(read(kSmall), std::vector<Tensor>{x, x}, options);
  EXPECT_EQ(outputs.status().code(), Code::kCancelled);
}

TEST(EvaluateTest, WrongInputsAreNamed) {
  const Graph graph = read(kSmall);
  const Tensor good = Tensor::zeros(DataType::f32, {3, 2});
  const std::pair<Tensor, const char*> bad[] = {
      {Tensor::zeros(DataType::f64, {3, 2}), "data types"},
      {Tensor::zeros(DataType::f32, {3, 2, 1}), "ranks"},
      {Tensor::zeros(DataType::f32, {3, 5}), "dimension 1"},
      {Tensor::zeros(DataType::f32, {4, 2}), "N is 3"},
  };
  for (const auto& [tensor, why] : bad) {
    auto outputs = evaluate_graph(graph, std::vector<Tensor>{good, tensor});
    ASSERT_FALSE(outputs.ok());
    EXPECT_EQ(outputs.status().code(), Code::kShape);
    EXPECT_THAT(outputs.status().message(), HasSubstr("input 'y'"));
    EXPECT_THAT(outputs.status().message(), HasSubstr(why));
  }
  EXPECT_EQ(evaluate_graph(graph, std::vector<Tensor>{good}).status().code(), Code::kShape);
}

TEST(EvaluateTest, ExpressionsAndChecks) {
  const Graph graph = read(R"(graph {
    symbols 0
    require M == 2*N
    input %a: f32[2*N+1]
    input %b: f32[N]
    input %c: f32[M]
    output %a
  })");
  auto run = [&graph](int64_t a, int64_t b, int64_t c) {
    auto zeros = [](int64_t n) { return Tensor::zeros(DataType::f32, {n}); };
    return evaluate_graph(graph, std::vector<Tensor>{zeros(a), zeros(b), zeros(c)}).status();
  };
  EXPECT_TRUE(run(7, 3, 6).ok());
  EXPECT_THAT(run(8, 3, 6).message(), HasSubstr("input 'a'"));
  EXPECT_EQ(run(7, 3, 5).code(), Code::kShape);
}

TEST(EvaluateTest, MemoryIsBoundedAndFreed) {
  std::string text = "graph { input %v0: f32[N]\n";
  for (int i = 1; i <= 50; ++i) {
    text += "%v" + std::to_string(i) + " = Neg(%v" + std::to_string(i - 1) + ")\n";
  }
  const Graph graph = read(text + "output %v50 }");
  const std::vector<Tensor> inputs = {Tensor::zeros(DataType::f32, {1000})};
  EvaluateOptions options;
  options.max_bytes = 2 * 4000;  // one input and one output of a node
  EXPECT_TRUE(evaluate_graph(graph, inputs, options).ok());
  options.max_bytes = 2 * 4000 - 1;
  EXPECT_EQ(evaluate_graph(graph, inputs, options).status().code(), Code::kOutOfResources);
}

TEST(PatternTest, Questions) {
  Graph graph = read(R"(graph {
    input %x: f32[2]
    const %k: f32[2,1] = [3, 3]
    const %m: f32[2] = [3, 4]
    const %s: i32[1,1] = [-7]
    const %e: f32[0] = []
    const %t: string[1] = ["text"]
    %a = Relu(%x)
    %b = Relu(%a)
    %c = Relu(%b) epilogue{t0=Neg(x0)}()
    %d = Add(%b, %b)
    output %d
  })");
  auto value = [&graph](const char* name) { return graph.find_value(name); };
  EXPECT_EQ(skip(value("b"), "Relu"), value("x"));
  EXPECT_EQ(skip(value("c"), "Relu"), value("c"));
  EXPECT_EQ(producer(value("b"), "Relu"), graph.find_node("b"));
  EXPECT_EQ(producer(value("b"), "Add"), nullptr);
  EXPECT_EQ(producer(nullptr, "Add"), nullptr);
  EXPECT_EQ(single_user(value("a"), "Relu"), graph.find_node("b"));
  EXPECT_EQ(single_user(value("a"), "Add"), nullptr);
  EXPECT_EQ(single_user(value("b"), "Add"), nullptr);
  double scalar = 0;
  EXPECT_TRUE(is_scalar_constant(value("s"), &scalar));
  EXPECT_EQ(scalar, -7);
  EXPECT_FALSE(is_scalar_constant(value("k")));
  EXPECT_FALSE(is_scalar_constant(value("e")));
  EXPECT_FALSE(is_scalar_constant(value("t")));
  EXPECT_FALSE(is_scalar_constant(value("x")));
  EXPECT_EQ(splat_value(value("k")), 3);
  EXPECT_EQ(splat_value(value("m")), std::nullopt);
  EXPECT_EQ(splat_value(value("e")), std::nullopt);
  EXPECT_THAT(*constant_as_floats(value("m")), ElementsAre(3, 4));
  EXPECT_THAT(*constant_as_int64s(value("s")), ElementsAre(-7));
  EXPECT_EQ(constant_as_int64s(value("m")), std::nullopt);
}

}  // namespace
}  // namespace hone
