#include "passes/simplify_gather.h"

#include "passes/pass_test_util.h"

namespace hone {
namespace {

TEST(SimplifyGatherTest, NeighboursBecomeSlices) {
  expect_pass(simplify_gather, R"(graph {
    input %x: f32[N,5,4]
    const %last: i64[] = [-1]
    const %pair: i64[2] = [1,2]
    const %single: i32[1] = [3]
    %a = Gather(%x, %last) {axis=1}
    %b = Gather(%x, %pair) {axis=-2}
    %c = Gather(%x, %single) {axis=2}
    output %a
    output %b
    output %c
  })",
              R"(graph {
    input %x: f32[N,5,4]
    const %a_start: i64[1] = [4]
    const %a_end: i64[1] = [5]
    const %a_axis: i64[1] = [1]
    const %b_start: i64[1] = [1]
    const %b_end: i64[1] = [3]
    const %b_axis: i64[1] = [1]
    const %c_start: i64[1] = [3]
    const %c_end: i64[1] = [4]
    const %c_axis: i64[1] = [2]
    const %shape: i64[2] = [0,4]
    %s = Slice(%x, %a_start, %a_end, %a_axis)
    %a = Reshape(%s, %shape)
    %b = Slice(%x, %b_start, %b_end, %b_axis)
    %c = Slice(%x, %c_start, %c_end, %c_axis)
    output %a
    output %b
    output %c
  })");
}

TEST(SimplifyGatherTest, OtherGathersStay) {
  expect_unchanged(simplify_gather, R"(graph {
    input %x: f32[N,5]
    input %i: i64[N]
    const %first: i64[] = [0]
    const %outside: i64[] = [5]
    const %backwards: i64[2] = [2,1]
    %a = Gather(%x, %first) {axis=0}
    %b = Gather(%x, %outside) {axis=1}
    %c = Gather(%x, %backwards) {axis=1}
    %d = Gather(%x, %i) {axis=1}
    output %a
    output %b
    output %c
    output %d
  })");
}

// The look-up of keras.ops.take; the indices here are -6 to 6.
TEST(SimplifyGatherTest, WrappedIndices) {
  expect_pass(simplify_gather, R"(graph {
    input %x: f32[7,3]
    input %f: f32[N,M]
    const %scale: f32[] = [7]
    const %zero: i64[] = [0]
    const %seven: i64[] = [7]
    %scaled = Mul(%f, %scale)
    %i = Cast(%scaled) {to=i64}
    %negative = Less(%i, %zero)
    %wrapped = Add(%i, %seven)
    %index = Where(%negative, %wrapped, %i)
    %y = Gather(%x, %index)
    output %y
  })",
              R"(graph {
    input %x: f32[7,3]
    input %f: f32[N,M]
    const %scale: f32[] = [7]
    %scaled = Mul(%f, %scale)
    %i = Cast(%scaled) {to=i64}
    %y = Gather(%x, %i)
    output %y
  })");
}

TEST(SimplifyGatherTest, OtherChoicesStay) {
  // Added is not the size of the table; another value is compared; the branches are swapped.
  for (const char* nodes : {R"(
    %wrapped = Add(%i, %six)
    %negative = Less(%i, %zero)
    %index = Where(%negative, %wrapped, %i))",
                            R"(
    %wrapped = Add(%i, %seven)
    %negative = Less(%i, %six)
    %index = Where(%negative, %wrapped, %i))",
                            R"(
    %wrapped = Add(%i, %seven)
    %negative = Less(%i, %zero)
    %index = Where(%negative, %i, %wrapped))"}) {
    expect_unchanged(simplify_gather, std::string(R"(graph {
    input %x: f32[7,3]
    input %i: i64[N]
    const %zero: i64[] = [0]
    const %six: i64[] = [6]
    const %seven: i64[] = [7])") + nodes + R"(
    %y = Gather(%x, %index)
    output %y
  })");
  }
}

}  // namespace
}  // namespace hone
