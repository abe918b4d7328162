#include "passes/fold_pad.h"

#include "passes/pass_test_util.h"

namespace hone {
namespace {

TEST(FoldPadTest, ConvAveragePoolMaxPool) {
  expect_pass(fold_pad, R"(graph {
    input %x: f32[N,H,W,2]
    const %pads: i64[8] = [0,1,1,0,0,1,2,0]
    const %w: f32[3,3,3,2] = random(1)
    %p = Pad(%x, %pads)
    %conv = Conv(%p, %w) {strides=[2,2], auto_pad="valid"}
    %average = AveragePool(%p) {kernel=[3,3], strides=[2,2]}
    %relu = Relu(%x)
    %q = Pad(%relu, %pads)
    %max = MaxPool(%q) {kernel=[3,3], strides=[2,2]}
    output %conv
    output %average
    output %max
  })",
              R"(graph {
    input %x: f32[N,H,W,2]
    const %w: f32[3,3,3,2] = random(1)
    %conv = Conv(%x, %w) {strides=[2,2], pads=[1,1,1,2]}
    %average = AveragePool(%x) {kernel=[3,3], strides=[2,2], pads=[1,1,1,2],
        count_include_pad=true}
    %relu = Relu(%x)
    %max = MaxPool(%relu) {kernel=[3,3], strides=[2,2], pads=[1,1,1,2]}
    output %conv
    output %average
    output %max
  })");
}

TEST(FoldPadTest, OtherPadsStay) {
  expect_unchanged(fold_pad, R"(graph {
    input %x: f32[2,8,8,2]
    const %one: f32[] = [1]
    const %pads: i64[8] = [0,1,1,0,0,1,1,0]
    const %wide: i64[8] = [0,3,3,0,0,3,3,0]
    const %channels: i64[8] = [0,0,0,1,0,0,0,1]
    const %cut: i64[8] = [0,-1,0,0,0,0,0,0]
    const %w: f32[3,3,3,2] = random(1)
    const %w4: f32[3,3,3,4] = random(2)
    %a = Pad(%x, %pads, %one)
    %conv_a = Conv(%a, %w)
    %b = Pad(%x, %channels)
    %conv_b = Conv(%b, %w4)
    %c = Pad(%x, %cut)
    %conv_c = Conv(%c, %w)
    %d = Pad(%x, %pads) {mode="reflect"}
    %conv_d = Conv(%d, %w)
    %e = Pad(%x, %pads)
    %conv_e = Conv(%e, %w) {auto_pad="same_upper"}
    %max_e = MaxPool(%e) {kernel=[3,3]}
    %average_e = AveragePool(%e) {kernel=[3,3], pads=[1,1,1,1]}
    %relu = Relu(%x)
    %f = Pad(%relu, %wide)
    %max_f = MaxPool(%f) {kernel=[3,3]}
    output %conv_a
    output %conv_b
    output %conv_c
    output %conv_d
    output %conv_e
    output %max_e
    output %average_e
    output %max_f
  })");
}

}  // namespace
}  // namespace hone
