// A Conv step as the convolution kernels see it.
#pragma once

#include "kernels/cpu/conv.h"
#include "kernels/cpu/depthwise.h"
#include "tactics/cpu/common.h"
#include "tactics/cpu/program.h"

namespace hone {

// What all convolution tactics need: f32, fixed channels and kernel,
// constant weights, pads that are not negative, an epilogue that can be fused.
Verdict conv_basics(const StepDesc& step);

// Channels, kernel, strides, dilations and groups; sizes and pads too where the shapes are numbers
// (else 1 and 0). REQUIRES: conv_basics. One-dimensional convolutions have height 1; of
// three-dimensional ones it is one image, see ConvProblem::kernel_d.
cpu::ConvProblem conv_problem(const StepDesc& step);
// Adds the strides of the tensors.
cpu::ConvProblem conv_problem(const PrepareArgs& args, const FusedEpilogue& epilogue);

// The same for a Conv with one group per input channel; strides are not set. set_strides() takes
// them from a layout.
cpu::DepthwiseProblem depthwise_problem(const cpu::ConvProblem& conv);
void set_strides(const TensorLayout& layout, int64_t* strides);

// The halo that lets the kernels read the input in place.
StorageWish conv_storage(const StepDesc& step);

// Steps between images, rows and pixels of [N, H, W, C] or, with height 1, of [N, W, C]; between
// slices, rows and pixels of [N, D, H, W, C].
cpu::Strides image_strides(const TensorLayout& layout);

// The third spatial dimension of the data.
struct ConvDepth {
  int64_t in = 1, stride = 1, pad_front = 0, pad_back = 0;
};
ConvDepth conv_depth(const PrepareArgs& args);

// The input with its padding: in place if the halo is there, else copied into the workspace.
class PaddedInput {
 public:
  // Sets the strides of problem->input to those that the kernels will see.
  void prepare(const PrepareArgs& args, cpu::ConvProblem* problem, const ConvDepth& depth = {});
  size_t workspace_bytes() const { return workspace_bytes_; }
  int64_t image_stride() const { return image_stride_; }  // of [N, D, H, W, C]
  // Pixel (0, 0) of image 0 (and slice 0) with its padding filled.
  const float* make(const StepContext& context) const;

 private:
  void fill_slices(float* origin) const;

  cpu::PaddedImage image_ = {};  // all images; with a depth, the slices of one
  ConvDepth depth_;
  cpu::Strides source_;
  int64_t images_ = 1, source_image_ = 0, image_stride_ = 0;
  int64_t origin_ = 0;
  size_t workspace_bytes_ = 0;  // 0: in place
  bool has_padding_ = false;
};

// Runs of the kernels: one for all images, or, with a third spatial dimension, one per image.
struct ConvImages {
  int64_t count = 1;
  int64_t input = 0, output = 0, addend = 0;  // floats from one to the next
  int64_t pixels = 0;                         // of the output of one
};
ConvImages conv_images(const PrepareArgs& args, const FusedEpilogue& epilogue,
                       const PaddedInput& input);

}  // namespace hone
