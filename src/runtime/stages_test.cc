// Plans with sizes that depend on values: what a run finds out, checks and says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/evaluate.h"
#include "runtime/any_order_test_util.h"

namespace hone::runtime_test {
namespace {

using ::testing::HasSubstr;

constexpr const char* kPicked = R"(graph "picked" {
  input %x: f32[N,5]
  const %zero: f32[] = [0]
  %mask = Greater(%x, %zero)
  %places = NonZero(%mask)
  %rows = Transpose(%places) {perm=[1,0]}
  %picked = GatherND(%x, %rows)
  %squares = Mul(%picked, %picked)
  %both = Concat(%picked, %squares) {axis=0}
  %all = Relu(%x)
  %best = ReduceMax(%all) {axes=[1], keepdims=true}
  output %places as "places"
  output %picked as "picked"
  output %both as "both"
  output %best as "best"
  output %all as "all"
})";

void expect_reference(const std::string& text, const std::vector<std::vector<Tensor>>& runs) {
  const Graph graph = read_graph(text);
  for (const bool passes : {false, true}) {
    const Engine engine = load(make_plan(graph.clone(), {.passes = passes}));
    ExecutionContext context = engine.create_context();
    for (const auto& inputs : runs) {
      const auto expected = evaluate_graph(graph, inputs);
      ASSERT_TRUE(expected.ok()) << expected.status().message();
      const auto got = run_any_order(context, inputs);
      ASSERT_TRUE(got.ok()) << got.status().message() << engine.summary();
      ASSERT_EQ(got->size(), expected->size());
      for (size_t i = 0; i < got->size(); ++i) {
        EXPECT_EQ((*got)[i].shape(), (*expected)[i].shape()) << i << engine.summary();
        if ((*got)[i].num_elements() == 0) continue;
        EXPECT_TRUE((*got)[i] == (*expected)[i]) << i << engine.summary();
      }
    }
  }
}

TEST(Stages, ResultsOfAnySize) {
  std::mt19937 rng(1);
  std::vector<std::vector<Tensor>> runs;
  for (const int64_t n : {3, 1, 0, 40, 3, 3}) runs.push_back({random_tensor(rng, {n, 5})});
  Tensor negative = Tensor::zeros(DataType::f32, {4, 5});
  runs.push_back({negative});
  expect_reference(kPicked, runs);
}

TEST(Stages, OutputShapesAreUnknownBeforeTheRun) {
  const Engine engine = load(make_plan(read_graph(kPicked)));
  ExecutionContext context = engine.create_context();
  const auto shapes = context.output_shapes({{7, 5}});
  ASSERT_TRUE(shapes.ok());
  const std::vector<std::vector<int64_t>> expected = {{2, -1}, {-1}, {-1}, {7, 1}, {7, 5}};
  EXPECT_EQ(*shapes, expected);
}

TEST(Stages, ProfileCountsAllSteps) {
  const Engine engine = load(make_plan(read_graph(kPicked)));
  ExecutionContext context = engine.create_context();
  std::mt19937 rng(2);
  const std::vector<Tensor> inputs{random_tensor(rng, {3, 5})};
  const auto profile = context.profile(views_of(inputs));
  ASSERT_TRUE(profile.ok()) << profile.status().message();
  EXPECT_TRUE(std::any_of(profile->begin(), profile->end(),
                          [](const StepProfile& step) { return step.op == "NonZero"; }));
  EXPECT_TRUE(std::any_of(profile->begin(), profile->end(),
                          [](const StepProfile& step) { return step.op == "GatherND"; }));
  for (const StepProfile& step : *profile) {
    EXPECT_NE(step.tactic, "reference") << step.op;
  }
}

constexpr const char* kTwoSizes = R"(graph "two sizes" {
  input %x: f32[N]
  input %y: f32[N]
  const %zero: f32[] = [0]
  %mx = Greater(%x, %zero)
  %my = Greater(%y, %zero)
  %cx = Compress(%x, %mx) {axis=0}
  %cy = Compress(%y, %my) {axis=0}
  %sum = Add(%cx, %cy)
  output %sum as "sum"
})";

TEST(Stages, SizesThatMustBeEqual) {
  const Engine engine = load(make_plan(read_graph(kTwoSizes)));
  ExecutionContext context = engine.create_context();
  const Tensor x = Tensor::from<float>({4}, {1, -1, 2, 3}),
               y = Tensor::from<float>({4}, {1, 2, 3, -1}),
               z = Tensor::from<float>({4}, {1, -2, 3, -1});
  const auto good = run_any_order(context, {x, y});
  ASSERT_TRUE(good.ok()) << good.status().message();
  EXPECT_EQ((*good)[0], Tensor::from<float>({3}, {2, 4, 6}));
  const auto bad = run_any_order(context, {x, z});
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.status().code(), Code::kShape);
  EXPECT_THAT(bad.status().message(), HasSubstr("node 'cy'"));
  EXPECT_THAT(bad.status().message(), HasSubstr("= 3 must equal"));
  EXPECT_TRUE(run_any_order(context, {x, y}).ok());  // as if nothing had been
}

TEST(Stages, EqualNodesAreOne) {
  // Both give the same size, which only one symbol can say.
  const std::string text = R"(graph {
    input %x: f32[N]
    const %zero: f32[] = [0]
    %m = Greater(%x, %zero)
    %a = Compress(%x, %m) {axis=0}
    %b = Compress(%x, %m) {axis=0}
    %sum = Add(%a, %b)
    output %sum as "sum"
  })";
  expect_reference(text, {{Tensor::from<float>({4}, {1, -1, 2, 3})}});
}

TEST(Stages, ValuesOutOfRangeNameTheNode) {
  const Engine engine = load(make_plan(read_graph(R"(graph {
    input %x: f32[N]
    input %k: i64[1]
    input %i: i64[2]
    %best, %places = TopK(%x, %k)
    %chosen = Gather(%best, %i)
    output %chosen as "chosen"
  })")));
  ExecutionContext context = engine.create_context();
  const Tensor x = Tensor::from<float>({4}, {1, -1, 2, 3});
  const auto ints = [](const std::vector<int64_t>& values) {
    return Tensor::from<int64_t>({static_cast<int64_t>(values.size())}, values);
  };
  const auto good = run_any_order(context, {x, ints({3}), ints({0, -1})});
  ASSERT_TRUE(good.ok()) << good.status().message();
  EXPECT_EQ((*good)[0], Tensor::from<float>({2}, {3, 1}));
  const auto many = run_any_order(context, {x, ints({5}), ints({0, 1})});
  ASSERT_FALSE(many.ok());
  EXPECT_THAT(many.status().message(), HasSubstr("node 'best'"));
  EXPECT_THAT(many.status().message(), HasSubstr("k is 5, the dimension 4"));
  const auto beyond = run_any_order(context, {x, ints({2}), ints({0, 2})});
  ASSERT_FALSE(beyond.ok());
  EXPECT_THAT(beyond.status().message(), HasSubstr("'chosen'"));
  EXPECT_THAT(beyond.status().message(), HasSubstr("index 2 is out of range"));
}

TEST(Stages, RunTimeShapesOfOtherOperators) {
  const std::string text = R"(graph {
    input %x: f32[4,6]
    input %shape: i64[2]
    input %end: i64[1]
    input %limit: i64[]
    const %start: i64[1] = [1]
    const %zero: i64[] = [0]
    const %one: i64[] = [1]
    const %half: f32[] = [0.5]
    %r = Reshape(%x, %shape)
    %s = Slice(%x, %start, %end)
    %f = Fill(%shape, %half)
    %n = Range(%zero, %limit, %one)
    %t = Tile(%s, %shape)
    output %r as "r"
    output %s as "s"
    output %f as "f"
    output %n as "n"
    output %t as "t"
  })";
  std::mt19937 rng(3);
  const Tensor x = random_tensor(rng, {4, 6});
  const auto ints = [](const std::vector<int64_t>& values) {
    return Tensor::from<int64_t>({static_cast<int64_t>(values.size())}, values);
  };
  expect_reference(text, {{x, ints({3, 8}), ints({3}), Tensor::scalar<int64_t>(5)},
                          {x, ints({24, 1}), ints({-1}), Tensor::scalar<int64_t>(0)}});
  const Engine engine = load(make_plan(read_graph(text)));
  ExecutionContext context = engine.create_context();
  const auto bad = run_any_order(context, {x, ints({5, 5}), ints({3}), Tensor::scalar<int64_t>(1)});
  ASSERT_FALSE(bad.ok());
  EXPECT_THAT(bad.status().message(), HasSubstr("node 'r'"));
  EXPECT_THAT(bad.status().message(), HasSubstr("number of elements changes"));
}

TEST(Stages, OutputsByName) {
  const Engine engine = load(make_plan(read_graph(kTwoSizes)));
  ExecutionContext context = engine.create_context();
  const Tensor x = Tensor::from<float>({2}, {1, 2});
  float sum[2] = {};
  const NamedTensors inputs = {{"x", TensorView(x.raw(), {2}, DataType::f32)},
                               {"y", TensorView(x.raw(), {2}, DataType::f32)}};
  EXPECT_TRUE(context.run(inputs, {{"sum", TensorView(sum, {2}, DataType::f32)}}).ok());
  EXPECT_EQ(sum[1], 4);
  const Status wrong = context.run(inputs, {{"sum", TensorView(sum, {1}, DataType::f32)}});
  ASSERT_FALSE(wrong.ok());
  EXPECT_THAT(wrong.message(), HasSubstr("output 'sum'"));
}

}  // namespace
}  // namespace hone::runtime_test
