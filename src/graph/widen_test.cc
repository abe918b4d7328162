#include "graph/widen.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/evaluate.h"
#include "graph/text.h"
#include "graph/verify.h"

namespace hone {
namespace {

Graph read(std::string_view text) {
  auto graph = parse_graph(text);
  if (!graph.ok()) ADD_FAILURE() << graph.status().message();
  return graph.ok() ? std::move(*graph) : Graph();
}

Tensor evaluate(const Graph& graph, const std::vector<Tensor>& inputs) {
  auto outputs = evaluate_graph(graph, inputs);
  if (!outputs.ok()) ADD_FAILURE() << outputs.status().message();
  return outputs.ok() ? outputs->at(0) : Tensor();
}

constexpr const char* kRounds = R"(graph {
  input %x: f32[N,2]
  input %i: i32[N,2]
  const %third: f32[2] = [0.33333334, 1]
  %product = Mul(%x, %third) epilogue{t0=Add(x0,1)}()
  %half = Cast(%product) {to=f16}
  %numbers = Cast(%i) {to=f32}
  %back = Cast(%half) {to=f32}
  %sum = Add(%back, %numbers)
  output %sum as "result"
})";

TEST(WidenTest, NothingIsRounded) {
  const Graph narrow = read(kRounds);
  auto wide = widen_floats(narrow);
  ASSERT_TRUE(wide.ok()) << wide.status().message();
  EXPECT_TRUE(verify(*wide).ok());
  EXPECT_EQ(wide->output_names(), narrow.output_names());
  EXPECT_EQ(type_text(wide->outputs()[0]->type()), "f64[N,2]");
  EXPECT_EQ(wide->inputs()[1]->dtype(), DataType::i32);
  ASSERT_NE(wide->find_node("half"), nullptr);

  const Tensor x = Tensor::from<float>({1, 2}, {0.1f, 1e-7f});
  const Tensor i = Tensor::from<int32_t>({1, 2}, {1, -1});
  auto wide_x = widen_floats(x);
  ASSERT_TRUE(wide_x.ok());
  const double third = 0.33333334f, tenth = 0.1f, tiny = 1e-7f;
  EXPECT_EQ(evaluate(*wide, {*wide_x, i}),
            Tensor::from<double>({1, 2}, {tenth * third + 1 + 1, tiny + 1 - 1}));
  // The graph as it was rounds 1e-7 away.
  EXPECT_EQ(evaluate(narrow, {x, i}).data<float>()[1], 0);
}

TEST(WidenTest, OtherTensorsAreShared) {
  const Tensor integers = Tensor::from<int64_t>({2}, {1, 2});
  auto same = widen_floats(integers);
  ASSERT_TRUE(same.ok());
  EXPECT_EQ(same->raw(), integers.raw());
}

TEST(WidenTest, NewSymbolsDoNotMeetOldOnes) {
  Graph graph;
  Value* x = graph.add_input("x", {DataType::f32, {graph.symbols().fresh()}});
  Value* shape = graph.add_input("shape", {DataType::i64, {2}});
  auto y = graph.add("Reshape", {}, {x, shape});
  ASSERT_TRUE(y.ok()) << y.status().message();
  graph.add_output(*y, "y");
  auto wide = widen_floats(graph);
  ASSERT_TRUE(wide.ok()) << wide.status().message();
  for (const Dim& dim : wide->outputs()[0]->shape()) {
    EXPECT_NE(dim, wide->inputs()[0]->shape()[0]);
  }
}

}  // namespace
}  // namespace hone
