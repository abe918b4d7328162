#include "tactics/cpu/conv_problem.h"

#include <fmt/core.h>

#include "base/check.h"
#include "base/thread_pool.h"
#include "ops/spatial.h"

namespace hone {
namespace {

constexpr size_t kData = 0, kWeights = 1;

std::vector<int64_t> kernel_sizes(const StepDesc& step) {
  const Shape& weights = step.in_shape(kWeights);
  std::vector<int64_t> kernel;
  for (size_t i = 1; i + 1 < weights.size(); ++i) kernel.push_back(weights[i].value());
  return kernel;
}

// Input sizes of the spatial dimensions; free ones are `otherwise`.
std::vector<int64_t> input_sizes(const StepDesc& step, int64_t otherwise) {
  const Shape& data = step.in_shape(kData);
  std::vector<int64_t> sizes;
  for (size_t i = 1; i + 1 < data.size(); ++i)
    sizes.push_back(data[i].is_const() ? data[i].value() : otherwise);
  return sizes;
}

bool is_same(const ConvAttributes& attributes) { return attributes.auto_pad.starts_with("same"); }

// Strides of [N, H, W, C] or, with height 1, of [N, W, C].
cpu::Strides image_strides(const TensorLayout& layout) {
  if (layout.rank == 4) return {layout.stride[0], layout.stride[1], layout.stride[2]};
  return {layout.stride[0], layout.stride[0], layout.stride[1]};
}

}  // namespace

Verdict conv_basics(const StepDesc& step) {
  if (const Verdict verdict = all_f32(step); !verdict.ok()) return verdict;
  const size_t rank = step.in_shape(kData).size();
  if (rank != 3 && rank != 4) return Verdict::no(fmt::format("{} spatial dimensions", rank - 2));
  if (!step.inputs[kWeights].is_constant) return Verdict::no("weights are not constant");
  if (!is_static(step.in_shape(kWeights)) || !step.in_shape(kData).back().is_const()) {
    return Verdict::no("the number of channels or the kernel size is not fixed");
  }
  for (int64_t pad : step.attr<ConvAttributes>().pads) {
    if (pad < 0) return Verdict::no("negative padding");
  }
  for (const Dim& dim : step.in_shape(kWeights)) {
    if (dim.value() == 0) return Verdict::no("empty weights");
  }
  return can_fuse_epilogue(step);
}

cpu::ConvProblem conv_problem(const StepDesc& step) {
  const auto& attributes = step.attr<ConvAttributes>();
  const Shape& data = step.in_shape(kData);
  const bool fixed = is_static(data) && is_static(step.out_shape());
  auto windows = resolve_windows(attributes, kernel_sizes(step), input_sizes(step, 1));
  HONE_CHECK(windows.ok());
  const bool one_dimensional = data.size() == 3;
  const Window height = one_dimensional ? Window() : (*windows)[0];
  const Window width = windows->back();
  cpu::ConvProblem problem;
  problem.in_c = data.back().value();
  problem.out_c = step.in_shape(kWeights)[0].value();
  problem.groups = attributes.groups;
  problem.kernel_h = height.kernel;
  problem.kernel_w = width.kernel;
  problem.stride_h = height.stride;
  problem.stride_w = width.stride;
  problem.dilation_h = height.dilation;
  problem.dilation_w = width.dilation;
  if (!fixed) return problem;
  const Shape& out = step.out_shape();
  problem.batch = data[0].value();
  problem.in_h = one_dimensional ? 1 : data[1].value();
  problem.in_w = data[data.size() - 2].value();
  problem.out_h = one_dimensional ? 1 : out[1].value();
  problem.out_w = out[out.size() - 2].value();
  problem.pad_top = height.pad_begin;
  problem.pad_bottom = height.pad_end;
  problem.pad_left = width.pad_begin;
  problem.pad_right = width.pad_end;
  // Dense strides until prepare() knows better: candidates() looks at them.
  problem.input = cpu::padded_strides(problem);
  problem.output = cpu::dense_strides(problem.out_h, problem.out_w, problem.out_c);
  problem.has_addend = split_epilogue(step).addend >= 0;
  if (problem.has_addend) problem.addend = problem.output;
  return problem;
}

cpu::ConvProblem conv_problem(const PrepareArgs& args, const FusedEpilogue& epilogue) {
  StepDesc step = *args.step;
  for (size_t i = 0; i < args.inputs.size(); ++i) {
    step.inputs[i].type.shape.assign(args.inputs[i].shape,
                                     args.inputs[i].shape + args.inputs[i].rank);
  }
  step.outputs[0].type.shape.assign(args.outputs[0].shape,
                                    args.outputs[0].shape + args.outputs[0].rank);
  cpu::ConvProblem problem = conv_problem(step);
  problem.output = image_strides(args.outputs[0]);
  problem.has_addend = epilogue.addend >= 0;
  if (problem.has_addend)
    problem.addend = image_strides(args.inputs[static_cast<size_t>(epilogue.addend)]);
  return problem;
}

StorageWish conv_storage(const StepDesc& step) {
  const auto& attributes = step.attr<ConvAttributes>();
  const Shape& data = step.in_shape(kData);
  const size_t rank = data.size();
  auto windows = resolve_windows(attributes, kernel_sizes(step), input_sizes(step, 1));
  HONE_CHECK(windows.ok());
  Halo halo;
  halo.before.assign(rank, 0);
  halo.after.assign(rank, 0);
  bool any = false;
  for (size_t i = 0; i < windows->size(); ++i) {
    const Window& window = (*windows)[i];
    int64_t before = window.pad_begin, after = window.pad_end;
    if (is_same(attributes) && !data[i + 1].is_const()) {
      // The padding depends on the size; never more than this.
      before = after = window.extent() / 2;
    }
    halo.before[i + 1] = before;
    halo.after[i + 1] = after;
    any = any || before > 0 || after > 0;
  }
  StorageWish wish;
  if (any) wish.input_halo.push_back(std::move(halo));
  return wish;
}

void PaddedInput::prepare(const PrepareArgs& args, cpu::ConvProblem* problem) {
  const TensorLayout& layout = args.inputs[kData];
  source_ = image_strides(layout);
  image_.batch = problem->batch;
  image_.h = problem->in_h;
  image_.w = problem->in_w;
  image_.c = problem->in_c;
  image_.pad_top = problem->pad_top;
  image_.pad_left = problem->pad_left;
  image_.pad_bottom = problem->pad_bottom;
  image_.pad_right = problem->pad_right;
  has_padding_ = image_.pad_top + image_.pad_left + image_.pad_bottom + image_.pad_right > 0;
  const int w = layout.rank - 2, h = layout.rank == 4 ? 1 : -1;
  bool in_place =
      layout.halo_before[w] >= image_.pad_left && layout.halo_after[w] >= image_.pad_right;
  if (h > 0) {
    in_place = in_place && layout.halo_before[h] >= image_.pad_top &&
               layout.halo_after[h] >= image_.pad_bottom;
  }
  if (in_place || !has_padding_) {
    problem->input = source_;
  } else {
    problem->input = cpu::padded_strides(*problem);
    origin_ = cpu::padded_origin(*problem);
    workspace_bytes_ = static_cast<size_t>(cpu::padded_floats(*problem)) * sizeof(float);
  }
  image_.strides = problem->input;
}

const float* PaddedInput::make(const StepContext& context) const {
  const auto* input = static_cast<const float*>(context.inputs[kData]);
  if (!has_padding_) return input;
  if (workspace_bytes_ == 0) {
    // The halo belongs to this tensor and to no other reader; its producer leaves it alone.
    cpu::fill_padding(image_, const_cast<float*>(input));
    return input;
  }
  float* origin = reinterpret_cast<float*>(context.workspace) + origin_;
  cpu::copy_padded(image_, input, source_, origin, 0, image_.batch);
  return origin;
}

}  // namespace hone
