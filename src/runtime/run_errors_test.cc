// What goes wrong at run time says what, where and with which code.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/runtime_test_util.h"

namespace hone::runtime_test {
namespace {

using ::testing::HasSubstr;

constexpr const char* kTwoInputs = R"(graph "two" {
  input %a: f32[N,4]
  input %b: f32[M,4]
  %sum = Add(%a, %b)
  %y = Relu(%sum)
  output %y as "y"
})";

class RunErrors : public testing::Test {
 protected:
  void expect(const Status& status, Code code, const std::vector<std::string>& texts) {
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.code(), code) << status.message();
    for (const std::string& text : texts) EXPECT_THAT(status.message(), HasSubstr(text));
  }
  Status run_with(std::vector<TensorView> views) {
    return context_.run(views, [this](size_t, const std::vector<int64_t>&, DataType, size_t bytes) {
      memory_.resize(bytes);
      return memory_.data();
    });
  }
  Engine engine_ = load(make_plan(read_graph(kTwoInputs)));
  ExecutionContext context_ = engine_.create_context();
  std::vector<float> data_ = std::vector<float>(64, 1.0f);
  std::vector<std::byte> memory_;
};

TEST_F(RunErrors, Inputs) {
  float* d = data_.data();
  EXPECT_TRUE(run_with({{d, {2, 4}}, {d, {2, 4}}}).ok());
  expect(run_with({{d, {2, 4}}}), Code::kShape, {"1 inputs given", "2"});
  expect(run_with({{d, {2, 4}}, {d, {2, 4}, DataType::i32}}), Code::kShape,
         {"input 'b'", "i32", "f32"});
  expect(run_with({{d, {2, 4}}, {d, {2, 4, 1}}}), Code::kShape, {"input 'b'", "rank 3"});
  expect(run_with({{d, {2, 4}}, {d, {2, 5}}}), Code::kShape,
         {"input 'b'", "dimension 1 is 5 instead of 4"});
  expect(run_with({{d, {2, 4}}, {d, {-2, 4}}}), Code::kShape, {"input 'b'", "negative"});
  expect(run_with({{d, {2, 4}}, {d, {3, 4}}}), Code::kShape, {"N = 2", "M = 3"});
  expect(run_with({{d, {2, 4}}, {static_cast<float*>(nullptr), {2, 4}}}), Code::kInvalidArgument,
         {"input 'b'", "null"});
  expect(run_with({{d, {int64_t{1} << 40, 4}}, {d, {int64_t{1} << 40, 4}}}), Code::kOutOfResources,
         {"value '"});
  expect(run_with({{d, {int64_t{1} << 62, 4}}, {d, {int64_t{1} << 62, 4}}}), Code::kOutOfResources,
         {"value '"});
  EXPECT_TRUE(run_with({{d, {2, 4}}, {d, {2, 4}}}).ok());
}

TEST_F(RunErrors, Allocator) {
  const std::vector<TensorView> views{{data_.data(), {2, 4}}, {data_.data(), {2, 4}}};
  const auto none = [](size_t, const std::vector<int64_t>&, DataType, size_t) -> void* {
    return nullptr;
  };
  expect(context_.run(views, none), Code::kOutOfResources, {"output 'y'"});
}

TEST_F(RunErrors, Names) {
  float out[8];
  const TensorView in(data_.data(), {2, 4}), result(out, {2, 4});
  EXPECT_TRUE(context_.run({{"b", in}, {"a", in}}, {{"y", result}}).ok());
  EXPECT_EQ(out[7], 2.0f);
  expect(context_.run({{"a", in}, {"c", in}}, {{"y", result}}), Code::kShape,
         {"no input 'c'", "'a', 'b'"});
  expect(context_.run({{"a", in}, {"a", in}}, {{"y", result}}), Code::kShape,
         {"input 'a' given twice"});
  expect(context_.run({{"a", in}}, {{"y", result}}), Code::kShape, {"input 'b' is missing"});
  expect(context_.run({{"a", in}, {"b", in}}, {{"z", result}}), Code::kShape,
         {"no output 'z'", "'y'"});
  expect(context_.run({{"a", in}, {"b", in}}, {{"y", TensorView(out, {2, 3})}}), Code::kShape,
         {"output 'y'", "[2,3]", "[2,4]"});
  expect(context_.run({{"a", in}, {"b", in}}, {{"y", TensorView(out, {2, 4}, DataType::i32)}}),
         Code::kShape, {"output 'y'", "i32"});
}

TEST_F(RunErrors, OutputShapes) {
  EXPECT_EQ(context_.output_shapes({{3, 4}, {3, 4}}).value(),
            (std::vector<std::vector<int64_t>>{{3, 4}}));
  expect(context_.output_shapes({{3, 4}}).status(), Code::kShape, {"1 input shapes"});
  expect(context_.output_shapes({{3, 4}, {2, 4}}).status(), Code::kShape, {"N = 3"});
}

TEST(RunErrorsOther, IndexOutOfRangeNamesTheNode) {
  const Engine engine = load(make_plan(read_graph(R"(graph {
    input %i: i64[N]
    const %table: f32[5,3] = random(1)
    %rows = Gather(%table, %i) "look up"
    %y = Relu(%rows)
    output %y
  })")));
  ExecutionContext context = engine.create_context();
  EXPECT_TRUE(run(context, {Tensor::from<int64_t>({2}, {4, -5})}).ok());
  const auto bad = run(context, {Tensor::from<int64_t>({2}, {0, 5})});
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.status().code(), Code::kShape);
  EXPECT_THAT(bad.status().message(), HasSubstr("node 'look up"));
  EXPECT_TRUE(run(context, {Tensor::from<int64_t>({2}, {0, 1})}).ok());
}

TEST(RunErrorsOther, SizesThatComeOutNegative) {
  const Engine engine = load(make_plan(read_graph(R"(graph {
    input %x: f32[1,H,6,2]
    const %w: f32[3,5,5,2] = random(1)
    %y = Conv(%x, %w) {auto_pad="valid"}
    output %y
  })")));
  ExecutionContext context = engine.create_context();
  const auto bad = run(context, {Tensor::zeros(DataType::f32, {1, 3, 6, 2})});
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.status().code(), Code::kShape);
  EXPECT_THAT(bad.status().message(), HasSubstr("value 'y"));
  EXPECT_TRUE(run(context, {Tensor::zeros(DataType::f32, {1, 5, 6, 2})}).ok());
}

// A larger arena that cannot be had must not take the one of the shapes that work.
TEST(RunErrorsOther, WorksAfterTheArenaCouldNotGrow) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "AddressSanitizer ends the program when an allocation is too large";
#endif
  const Engine engine = load(make_plan(read_graph(R"(graph {
    input %x: f32[N,4]
    %a = Softmax(%x)
    %b = ReduceSum(%a) {axes=[0], keepdims=true}
    output %b
  })")));
  ExecutionContext context = engine.create_context();
  const std::vector<Tensor> good{Tensor::zeros(DataType::f32, {8, 4})};
  ASSERT_TRUE(run(context, good).ok());
  float one[4] = {};
  // Never read: the arena of 2^40 bytes comes first, and no machine has it.
  const TensorView huge(one, {int64_t{1} << 35, 4});
  const auto null = [](size_t, const std::vector<int64_t>&, DataType, size_t) -> void* {
    return nullptr;
  };
  EXPECT_EQ(context.run(std::vector<TensorView>{huge}, null).code(), Code::kOutOfResources);
  EXPECT_TRUE(run(context, good).ok());
}

TEST(RunErrorsOther, EmptyTensorsWithReshapes) {
  const Engine engine = load(make_plan(read_graph(R"(graph {
    input %x: f32[2,N,3]
    const %s: i64[2] = [2, -1]
    %a = Relu(%x)
    %b = Reshape(%a, %s)
    %c = Softmax(%b)
    output %c
  })"),
                                       {.passes = false}));
  ExecutionContext context = engine.create_context();
  const auto empty = run(context, {Tensor::zeros(DataType::f32, {2, 0, 3})});
  ASSERT_TRUE(empty.ok()) << empty.status().message();
  EXPECT_EQ((*empty)[0].shape(), (std::vector<int64_t>{2, 0}));
}

TEST(RunErrorsOther, EmptyAndDamagedPlans) {
  EXPECT_EQ(Engine::load_bytes("").status().code(), Code::kPlan);
  EXPECT_EQ(Engine::load_bytes("hello").status().code(), Code::kPlan);
  EXPECT_EQ(Engine::load("/nonexistent/x.plan").status().code(), Code::kIo);
}

}  // namespace
}  // namespace hone::runtime_test
