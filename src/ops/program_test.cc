#include "ops/program.h"

#include <gtest/gtest.h>

#include "ops/op_def.h"

namespace hone {
namespace {

Program parsed(const char* text, int num_inputs) {
  auto program = Program::parse(text, num_inputs);
  EXPECT_TRUE(program.ok()) << program.status().message();
  return program.ok() ? *program : Program();
}

TEST(Program, TextRoundTrip) {
  for (const char* text :
       {"", "t0=Add(x0,x1);t1=Max(t0,0);", "t0=Mul(x0,0.1);t1=Add(t0,-0);t2=Mul(t1,0.1);",
        "t0=Where(x0,x1,inf);"}) {
    const Program program = parsed(text, 3);
    EXPECT_EQ(program.text(), text);
    EXPECT_EQ(parsed(program.text().c_str(), 3), program);
  }
}

// Constants that are not in the order of their first use, or unused, keep their places.
TEST(Program, TextKeepsOddConstants) {
  Program program;
  program.num_inputs = 1;
  program.add_constant(1.0);
  const int two = program.add_constant(2.0);
  EXPECT_EQ(program.add_constant(2.0), two);
  program.add(&op("Mul"), {0, two});
  EXPECT_EQ(program.text(), "c0=1;c1=2;t0=Mul(x0,c1);");
  EXPECT_EQ(parsed(program.text().c_str(), 1), program);
}

TEST(Program, Evaluates) {
  const double inputs[] = {3.0, -5.0};
  EXPECT_EQ(parsed("t0=Add(x0,x1);t1=Max(t0,0);", 2).evaluate(inputs), 0.0);
  EXPECT_EQ(parsed("t0=Sub(x0,x1);t1=Mul(t0,t0);", 2).evaluate(inputs), 64.0);
  EXPECT_EQ(parsed("t0=Less(x0,x1);t1=Where(t0,x0,x1);", 2).evaluate(inputs), -5.0);
}

TEST(Program, RefusesBadText) {
  for (const char* text :
       {"t0=Add(x0,x1)", "t1=Add(x0,x1);", "t0=Add(x0);", "t0=Add(x0,x9);", "t0=Add(x0,t0);",
        "t0=Conv(x0,x1);", "t0=Nothing(x0);", "t0=Add(x0,y);", "Add(x0,x1);", "t0=Add(x0,x1);;",
        "c0=1;c0=2;t0=Add(x0,c0);", "t0=Add(x0,c0);", "t0=Add(x0,x-1);", "t0=", "c0=z;"}) {
    const auto program = Program::parse(text, 2);
    ASSERT_FALSE(program.ok()) << text;
    EXPECT_EQ(program.status().code(), Code::kModel) << text;
  }
  EXPECT_FALSE(Program::parse("", -1).ok());
  EXPECT_FALSE(Program::parse("", 1 << 30).ok());
}

TEST(Program, VerifyFindsOutOfRangeOperands) {
  Program program;
  program.num_inputs = 1;
  program.add(&op("Relu"), {0});
  EXPECT_TRUE(program.verify().ok());
  program.instructions[0].args = {1};
  EXPECT_FALSE(program.verify().ok());
  program.instructions[0].args = {-1};
  EXPECT_FALSE(program.verify().ok());
  program.instructions[0].args = {0, 0};
  EXPECT_FALSE(program.verify().ok());
}

TEST(Program, ComposeEqualsRunningOneAfterTheOther) {
  const Program first = parsed("t0=Mul(x0,2);t1=Add(t0,x1);", 2);
  const Program second = parsed("t0=Sub(x0,x1);t1=Mul(t0,x2);t2=Add(t1,2);", 3);
  for (int place = 0; place < 3; ++place) {
    const Program both = compose(first, second, place);
    ASSERT_TRUE(both.verify().ok());
    ASSERT_EQ(both.num_inputs, 4);
    EXPECT_EQ(both.constants.size(), 1u);  // the 2 is shared
    const double inputs[] = {3, 5, 7, 11};
    double second_inputs[3];
    for (int i = 0, next = 2; i < 3; ++i) {
      second_inputs[i] = i == place ? first.evaluate(inputs) : inputs[next++];
    }
    EXPECT_EQ(both.evaluate(inputs), second.evaluate(second_inputs)) << place;
  }
}

TEST(Program, ComposeWithEmptyPrograms) {
  const Program program = parsed("t0=Sub(x0,x1);", 2);
  EXPECT_EQ(compose(Program(), program, 0), program);
  EXPECT_EQ(compose(program, Program(), 0), program);
  const double inputs[] = {3, 5};  // x1 first now
  EXPECT_EQ(compose(Program(), program, 1).evaluate(inputs), 2.0);
}

}  // namespace
}  // namespace hone
