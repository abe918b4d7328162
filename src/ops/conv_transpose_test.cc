#include "ops/conv_transpose.h"

#include <gtest/gtest.h>

#include "ops/ops.h"

namespace hone {
namespace {

Tensor row(const std::vector<float>& values) {
  return Tensor::from<float>({1, static_cast<int64_t>(values.size()), 1}, values);
}

// One channel, data 1 2 3, in one dimension.
Result<Tensor> run(const ConvTransposeAttributes& attributes, const std::vector<float>& kernel,
                   std::vector<int64_t> size = {}) {
  std::vector<Tensor> inputs = {row({1, 2, 3}), row(kernel)};
  if (!size.empty()) inputs.push_back(Tensor::from({1}, size));
  HONE_ASSIGN_OR_RETURN(auto outputs,
                        evaluate_reference(op("ConvTranspose"), attributes, {}, inputs));
  return outputs[0];
}

TEST(ConvTransposeTest, AddsShiftedKernels) {
  EXPECT_EQ(*run({.strides = {2}}, {1, 10}), row({1, 10, 2, 20, 3, 30}));
  EXPECT_EQ(*run({.strides = {2}}, {1, 10, 100}), row({1, 10, 102, 20, 203, 30, 300}));
  EXPECT_EQ(*run({}, {1, 10}), row({1, 12, 23, 30}));
  EXPECT_EQ(*run({.strides = {2}, .dilations = {3}}, {1, 10}), row({1, 0, 2, 10, 3, 20, 0, 30}));
}

TEST(ConvTransposeTest, PadsCutAndOutputPaddingAdds) {
  EXPECT_EQ(*run({.strides = {2}, .pads = {1, 2}}, {1, 10, 100}), row({10, 102, 20, 203}));
  EXPECT_EQ(*run({.strides = {2}, .output_padding = {1}}, {1}), row({1, 0, 2, 0, 3, 0}));
}

TEST(ConvTransposeTest, SizeGivesThePads) {
  const std::vector<float> kernel = {1, 10, 100};  // of 7 elements, as above
  EXPECT_EQ(*run({.strides = {2}, .auto_pad = "same_upper"}, kernel),
            row({1, 10, 102, 20, 203, 30}));
  EXPECT_EQ(*run({.strides = {2}, .auto_pad = "same_lower"}, kernel),
            row({10, 102, 20, 203, 30, 300}));
  EXPECT_EQ(*run({.strides = {2}, .auto_pad = "same_upper"}, kernel, {5}),
            row({10, 102, 20, 203, 30}));
  EXPECT_EQ(*run({.strides = {2}, .auto_pad = "same_upper"}, {1}, {6}), row({1, 0, 2, 0, 3, 0}));
  EXPECT_EQ(*run({.strides = {2}}, kernel, {9}), row({1, 10, 102, 20, 203, 30, 300, 0, 0}));
}

TEST(ConvTransposeTest, WrongAttributesAreErrors) {
  EXPECT_FALSE(run({.strides = {0}}, {1}).ok());
  EXPECT_FALSE(run({.output_padding = {-1}}, {1}).ok());
  EXPECT_FALSE(run({.output_padding = {1, 1}}, {1}).ok());
  EXPECT_FALSE(run({.groups = 2}, {1}).ok());
  EXPECT_FALSE(run({.pads = {9, 9}}, {1}).ok());
  EXPECT_FALSE(run({.auto_pad = "other"}, {1}).ok());
}

}  // namespace
}  // namespace hone
