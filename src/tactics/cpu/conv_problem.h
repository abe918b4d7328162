// A Conv step as the convolution kernels see it.
#pragma once

#include "kernels/cpu/conv.h"
#include "tactics/cpu/common.h"
#include "tactics/cpu/program.h"

namespace hone {

// What all convolution tactics need: 1 or 2 spatial dimensions, f32, fixed channels and kernel,
// constant weights, pads that are not negative, an epilogue that can be fused.
Verdict conv_basics(const StepDesc& step);

// Channels, kernel, strides, dilations and groups; sizes and pads too where the shapes are numbers
// (else 1 and 0). REQUIRES: conv_basics. One-dimensional convolutions have height 1.
cpu::ConvProblem conv_problem(const StepDesc& step);
// Adds the strides of the tensors.
cpu::ConvProblem conv_problem(const PrepareArgs& args, const FusedEpilogue& epilogue);

// The halo that lets the kernels read the input in place.
StorageWish conv_storage(const StepDesc& step);

// The input with its padding: in place if the halo is there, else copied into the workspace.
class PaddedInput {
 public:
  // Sets problem->input to the strides that the kernels will see.
  void prepare(const PrepareArgs& args, cpu::ConvProblem* problem);
  size_t workspace_bytes() const { return workspace_bytes_; }
  // Pixel (0, 0) of image 0 with its padding filled.
  const float* make(const StepContext& context) const;

 private:
  cpu::PaddedImage image_ = {};
  cpu::Strides source_;
  int64_t origin_ = 0;
  size_t workspace_bytes_ = 0;  // 0: in place
  bool has_padding_ = false;
};

}  // namespace hone
