// verify_plan: one plan that is right, and what is wrong about its variations.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "ops/selection.h"
#include "plan/equalities.h"
#include "plan/plan_test_util.h"

namespace hone {
namespace {

using plan_test::example_plan;
using plan_test::PlanBuilder;
using ::testing::HasSubstr;

TEST(VerifyPlanTest, ExampleIsValid) {
  const Status status = verify_plan(example_plan());
  EXPECT_TRUE(status.ok()) << status.message();
}

struct Mistake {
  const char* expected;  // part of the message
  std::function<void(PlanData&)> make;
};

PlanStep& step(PlanData& plan, int i) { return plan.portable.steps[i]; }
PlanValue& value_of(PlanData& plan, int s) {
  return plan.portable.values[step(plan, s).outputs[0]];
}

std::vector<Mistake> portable_mistakes() {
  return {
      {"there is no value 99", [](PlanData& p) { step(p, 1).inputs[0] = 99; }},
      {"there is no value -1", [](PlanData& p) { step(p, 1).inputs[0] = -1; }},
      {"there is no value 99", [](PlanData& p) { step(p, 1).outputs[0] = 99; }},
      {"there is no value 99", [](PlanData& p) { p.portable.inputs[0] = 99; }},
      {"there is no value -5", [](PlanData& p) { p.portable.outputs[0] = -5; }},
      {"not computed before",
       [](PlanData& p) {
         std::swap(step(p, 0), step(p, 1)), std::swap(step(p, 0).group, step(p, 1).group);
       }},
      {"not computed before", [](PlanData& p) { step(p, 1).inputs[0] = step(p, 1).outputs[0]; }},
      {"not computed before", [](PlanData& p) { step(p, 1).group = 0; }},
      {"groups do not ascend", [](PlanData& p) { step(p, 4).group = 2; }},
      {"groups do not ascend", [](PlanData& p) { step(p, 0).group = -1; }},
      {"has its bytes from elsewhere",
       [](PlanData& p) { step(p, 2).outputs[0] = step(p, 1).outputs[0]; }},
      {"has its bytes from elsewhere", [](PlanData& p) { step(p, 2).outputs[0] = 0; }},
      {"no step computes value", [](PlanData& p) { p.portable.steps.pop_back(); }},
      {"but should have", [](PlanData& p) { value_of(p, 1).type.shape[0] = Dim::symbol("K"); }},
      {"but should have", [](PlanData& p) { value_of(p, 1).type.shape[0] = Dim::symbol("M"); }},
      {"but should have", [](PlanData& p) { value_of(p, 7).type.shape[2] = Dim(3); }},
      {"but should have", [](PlanData& p) { value_of(p, 1).type.dtype = DataType::f64; }},
      {"more than 8", [](PlanData& p) { value_of(p, 1).type.shape.resize(9, Dim(1)); }},
      {"dimension is negative", [](PlanData& p) { value_of(p, 1).type.shape[1] = Dim(-4); }},
      {"not valid", [](PlanData& p) { value_of(p, 1).type.shape[1] = Dim::invalid(); }},
      {"no known data type",
       [](PlanData& p) { value_of(p, 1).type.dtype = static_cast<DataType>(99); }},
      {"it needs N = M", [](PlanData& p) { p.portable.must_be_equal.clear(); }},
      {"it needs N = M", [](PlanData& p) { p.portable.must_be_equal[0].first = Dim::symbol("K"); }},
      {"not listed as one",
       [](PlanData& p) { p.portable.inputs.pop_back(), p.portable.input_names.pop_back(); }},
      {"listed twice", [](PlanData& p) { p.portable.inputs[1] = p.portable.inputs[0]; }},
      {"listed twice", [](PlanData& p) { p.portable.outputs[1] = p.portable.outputs[0]; }},
      {"wrong kind", [](PlanData& p) { p.portable.outputs[1] = p.portable.inputs[0]; }},
      {"empty or taken", [](PlanData& p) { p.portable.output_names[1] = "reshaped"; }},
      {"names", [](PlanData& p) { p.portable.input_names.pop_back(); }},
      {"no operator", [](PlanData& p) { step(p, 1).op = nullptr; }},
      {"attributes of another", [](PlanData& p) { step(p, 1).attributes = SplitAttributes{}; }},
      {"operator Sub has 3",
       [](PlanData& p) { step(p, 1).op = &op("Sub"), step(p, 1).inputs.push_back(0); }},
      {"operator Add has 2 outputs", [](PlanData& p) { step(p, 1).outputs.push_back(0); }},
      {"outputs", [](PlanData& p) { step(p, 8).outputs.pop_back(); }},
      {"its epilogue has no input",
       [](PlanData& p) {
         step(p, 0).epilogue = Program(), step(p, 0).epilogue.add_constant(1),
                 step(p, 0).epilogue.add(&op("Neg"), {0});
       }},
      {"uses operand", [](PlanData& p) { step(p, 0).epilogue.instructions[0].args[0] = 50; }},
      {"but no instructions", [](PlanData& p) { step(p, 1).epilogue.num_inputs = 2; }},
      {"there is no device 'gpu'", [](PlanData& p) { step(p, 1).device = "gpu"; }},
      {"bytes", [](PlanData& p) { step(p, 1).name.assign(100'000, 'x'); }},
      {"is no constant", [](PlanData& p) { value_of(p, 1).has_data = true; }},
      {"has the type",
       [](PlanData& p) { p.portable.values[3].constant = Tensor::from<float>({1}, {1}); }},
      {"neither stored nor packed", [](PlanData& p) { p.portable.values[3].has_data = false; }},
      {"neither stored nor packed", [](PlanData& p) { p.tuned.clear(); }},
      {"neither stored nor packed",
       [](PlanData& p) { p.tuned[1].steps[0].replaced_inputs.clear(); }},
      {"its rank is not 2", [](PlanData& p) { p.portable.profiles[0].inputs[0].max = {8}; }},
      {"does not hold", [](PlanData& p) { p.portable.profiles[0].inputs[0].opt[0] = 9; }},
      {"does not hold", [](PlanData& p) { p.portable.profiles[0].inputs[1].min[0] = -1; }},
      {"dimension 1 is 4", [](PlanData& p) { p.portable.profiles[1].inputs[1].max[1] = 5; }},
      {"ranges for 2 inputs", [](PlanData& p) { p.portable.profiles[1].inputs.pop_back(); }},
  };
}

std::vector<Mistake> tuned_mistakes() {
  return {
      {"steps instead of", [](PlanData& p) { p.tuned[1].steps.pop_back(); }},
      {"not inside", [](PlanData& p) { p.tuned[0].steps[1].packed_offset += 1; }},
      {"not inside", [](PlanData& p) { p.tuned[0].steps[1].packed_bytes = SIZE_MAX; }},
      {"not inside", [](PlanData& p) { p.tuned[0].steps[1].packed_offset = 1 << 20; }},
      {"not inside", [](PlanData& p) { p.tuned[0].packed_bytes -= 64; }},
      {"are missing", [](PlanData& p) { p.tuned[0].packed = nullptr; }},
      {"3 configurations", [](PlanData& p) { p.tuned[0].steps[1].configs.resize(3); }},
      {"view", [](PlanData& p) { p.tuned[0].steps[1].tactic = ""; }},
      {"input 5 cannot",
       [](PlanData& p) {
         p.tuned[0].steps[0].replaced_inputs = {1, 5};
       }},
      {"input 1 cannot",
       [](PlanData& p) {
         p.tuned[0].steps[0].replaced_inputs = {1, 1};
       }},
      {"input 0 cannot",
       [](PlanData& p) {
         p.tuned[0].steps[0].replaced_inputs = {1, 0};
       }},
      {"not a number", [](PlanData& p) { p.tuned[0].steps[0].milliseconds = NAN; }},
      {"0 threads", [](PlanData& p) { p.tuned[0].threads = 0; }},
      {"bytes", [](PlanData& p) { p.tuned[0].steps[0].configs[0].assign(100'000, 'x'); }},
      {"too many tuned parts", [](PlanData& p) { p.tuned.resize(65, p.tuned[0]); }},
  };
}

void expect_rejected(const std::vector<Mistake>& mistakes) {
  for (size_t i = 0; i < mistakes.size(); ++i) {
    SCOPED_TRACE(testing::Message() << "mistake " << i << ": " << mistakes[i].expected);
    PlanData plan = example_plan();
    mistakes[i].make(plan);
    const Status status = verify_plan(plan);
    EXPECT_EQ(status.code(), Code::kPlan);
    EXPECT_THAT(status.message(), HasSubstr(mistakes[i].expected));
    EXPECT_FALSE(write_plan(plan).ok());
  }
}

TEST(VerifyPlanTest, PortableMistakes) { expect_rejected(portable_mistakes()); }
TEST(VerifyPlanTest, TunedMistakes) { expect_rejected(tuned_mistakes()); }

// Sizes that inference cannot know are symbols that only this step gives values to, nothing else.
TEST(VerifyPlanTest, UnknownSizesAreNothingElse) {
  PlanBuilder b;
  const int x = b.input("x", DataType::f32, {Dim(12)});
  const int shape = b.input("shape", DataType::i64, {Dim(2)});
  const int y = b.step("Reshape", {}, {x, shape});
  b.output("y", y);
  PlanData plan = b.finish();
  EXPECT_TRUE(verify_plan(plan).ok());
  plan.portable.values[y].type.shape = {Dim(3), Dim(4)};
  plan.portable.must_be_equal.clear();
  EXPECT_EQ(verify_plan(plan).code(), Code::kPlan);
  // The names of the fresh symbols of the verifier, guessed.
  for (int first : {0, 1 << 24, (1 << 24) + 1}) {
    SymbolScope scope;
    scope.next = first;
    plan.portable.values[y].type.shape = {scope.fresh(), scope.fresh()};
    PlanData guessed = plan;
    for (const Dim& dim : guessed.portable.values[y].type.shape) {
      guessed.portable.values.push_back({"g" + dim.text(), "", {DataType::f32, {dim}}});
      guessed.portable.values.back().kind = ValueKind::kInput;
      guessed.portable.inputs.push_back(static_cast<int>(guessed.portable.values.size()) - 1);
      guessed.portable.input_names.push_back("g" + dim.text());
    }
    EXPECT_EQ(verify_plan(guessed).code(), Code::kPlan) << first;
  }
}

// An input whose size has no name in the model has a fresh symbol: no mistake.
TEST(VerifyPlanTest, FreshSymbolsOfInputs) {
  PlanBuilder b;
  SymbolScope scope;
  const int x = b.input("x", DataType::f32, {scope.fresh(), Dim(2)});
  b.output("y", b.step("Neg", {}, {x}));
  EXPECT_TRUE(verify_plan(b.finish()).ok());
}

TEST(VerifyPlanTest, EmptyPlan) { EXPECT_TRUE(verify_plan(PlanData()).ok()); }

TEST(EqualitiesTest, WhatFollows) {
  const Dim n = Dim::symbol("N"), m = Dim::symbol("M"), k = Dim::symbol("K"), h = Dim::symbol("H");
  Equalities e({{n, m}, {k, m}, {2 * h, n + 1}});
  EXPECT_TRUE(e.implied(n, k));
  EXPECT_TRUE(e.implied(k, n));
  EXPECT_TRUE(e.implied(h, h));
  EXPECT_TRUE(e.implied(2 * n + h, k + m + h));
  EXPECT_TRUE(e.implied(2 * h, k + 1));
  EXPECT_FALSE(e.implied(h, n));
  EXPECT_FALSE(e.implied(n, n + 1));
  EXPECT_FALSE(e.implied(Dim::invalid(), Dim::invalid()));
  EXPECT_FALSE(Equalities({}).implied(n, m));
  // A pair that no replacement serves: both sides are sums.
  Equalities sums({{n + m, k + 1}, {k + 1, 2 * h}});
  EXPECT_TRUE(sums.implied(n + m, 2 * h));
  EXPECT_FALSE(sums.implied(n, 2 * h));
  // Contradictions and cycles do no harm.
  Equalities odd({{n, n + 1}, {m, n}, {n, m}, {Dim(3), m}});
  EXPECT_TRUE(odd.implied(m, Dim(3)));
}

// Two vectors of the positive elements of x and y, and their sum: sizes that only a run finds out.
PlanData found_sizes_plan() {
  PlanBuilder b;
  const int x = b.input("x", DataType::f32, {Dim::symbol("N")});
  const int mask = b.input("mask", DataType::boolean, {Dim::symbol("N")});
  const int other = b.input("other", DataType::boolean, {Dim::symbol("N")});
  const int first = b.step("Compress", CompressAttributes{}, {x, mask});
  const int second = b.step("Compress", CompressAttributes{}, {x, other});
  const int sum = b.step("Add", {}, {first, second});
  b.output("sum", sum);
  return b.finish();
}

TEST(VerifyPlanTest, SizesFoundWhileRunning) {
  const Status status = verify_plan(found_sizes_plan());
  EXPECT_TRUE(status.ok()) << status.message();
  const std::vector<Mistake> mistakes = {
      // The sum would read beyond the shorter one.
      {"which is not among the plan's shape checks",
       [](PlanData& p) { p.portable.must_be_equal.clear(); }},
      {"but should have", [](PlanData& p) { value_of(p, 0).type.shape[0] = Dim(3); }},
      {"but should have", [](PlanData& p) { value_of(p, 0).type.shape[0] = Dim::symbol("N"); }},
      {"but should have",
       [](PlanData& p) { value_of(p, 1).type.shape = value_of(p, 0).type.shape; }},
      {"but should have",
       [](PlanData& p) { value_of(p, 0).type.shape[0] = Dim::symbol("K") + Dim(1); }},
      {"reserved name",
       [](PlanData& p) {
         SymbolScope scope;
         scope.next = (1 << 24) + 1;  // what inference will call the second size
         value_of(p, 0).type.shape[0] = scope.fresh();
       }},
      {"gives a value to 'K'",
       [](PlanData& p) { p.portable.must_be_equal.emplace_back(Dim::symbol("K"), Dim(1)); }},
  };
  for (const Mistake& mistake : mistakes) {
    PlanData plan = found_sizes_plan();
    mistake.make(plan);
    const Status wrong = verify_plan(plan);
    EXPECT_FALSE(wrong.ok()) << mistake.expected;
    EXPECT_THAT(wrong.message(), HasSubstr(mistake.expected));
  }
}

// A check that can be made only after a step is of no use to it.
TEST(VerifyPlanTest, ChecksComeBeforeTheStepsThatNeedThem) {
  PlanBuilder b;
  const int x = b.input("x", DataType::f32, {Dim::symbol("N")});
  const int y = b.input("y", DataType::f32, {Dim::symbol("M")});
  const int mask = b.input("mask", DataType::boolean, {Dim::symbol("N")});
  b.output("sum", b.step("Add", {}, {x, y}));  // needs N = M
  const int found = b.step("Compress", CompressAttributes{}, {x, mask});
  b.output("found", found);
  PlanData plan = b.finish();
  EXPECT_TRUE(verify_plan(plan).ok());
  const Dim size = plan.portable.values[found].type.shape[0];
  plan.portable.must_be_equal = {{Dim::symbol("N"), size}, {size, Dim::symbol("M")}};
  EXPECT_THAT(verify_plan(plan).message(), HasSubstr("it needs N = M"));
}

}  // namespace
}  // namespace hone
