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

// Depth, height and width of one, two or three windows.
struct Windows {
  Window d, h, w;
};
Windows by_name(const std::vector<Window>& windows) {
  Windows named;
  named.w = windows.back();
  if (windows.size() > 1) named.h = windows[windows.size() - 2];
  if (windows.size() > 2) named.d = windows[0];
  return named;
}

StepDesc with_shapes(const PrepareArgs& args) {
  StepDesc step = *args.step;
  for (size_t i = 0; i < args.inputs.size(); ++i) {
    step.inputs[i].type.shape.assign(args.inputs[i].shape,
                                     args.inputs[i].shape + args.inputs[i].rank);
  }
  step.outputs[0].type.shape.assign(args.outputs[0].shape,
                                    args.outputs[0].shape + args.outputs[0].rank);
  return step;
}

}  // namespace

cpu::Strides image_strides(const TensorLayout& layout) {
  if (layout.rank == 5) return {layout.stride[1], layout.stride[2], layout.stride[3]};
  if (layout.rank == 4) return {layout.stride[0], layout.stride[1], layout.stride[2]};
  return {layout.stride[0], layout.stride[0], layout.stride[1]};
}

Verdict conv_basics(const StepDesc& step) {
  if (const Verdict verdict = all_f32(step); !verdict.ok()) return verdict;
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
  const size_t rank = data.size();
  const auto [depth, height, width] = by_name(*windows);
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
  problem.kernel_d = depth.kernel;
  problem.dilation_d = depth.dilation;
  if (!fixed) return problem;
  const Shape& out = step.out_shape();
  problem.batch = rank == 5 ? out[1].value() : data[0].value();
  problem.in_h = rank == 3 ? 1 : data[rank - 3].value();
  problem.in_w = data[rank - 2].value();
  problem.out_h = rank == 3 ? 1 : out[rank - 3].value();
  problem.out_w = out[rank - 2].value();
  problem.pad_front = depth.pad_begin;
  problem.pad_top = height.pad_begin;
  problem.pad_bottom = height.pad_end;
  problem.pad_left = width.pad_begin;
  problem.pad_right = width.pad_end;
  // Dense strides until prepare() knows better: candidates() looks at them.
  problem.input = cpu::padded_strides(problem);
  problem.input_d = problem.input.n;
  if (rank == 5) problem.input.n *= depth.stride;
  problem.output = cpu::dense_strides(problem.out_h, problem.out_w, problem.out_c);
  problem.has_addend = split_epilogue(step).addend >= 0;
  if (problem.has_addend) problem.addend = problem.output;
  return problem;
}

cpu::ConvProblem conv_problem(const PrepareArgs& args, const FusedEpilogue& epilogue) {
  cpu::ConvProblem problem = conv_problem(with_shapes(args));
  problem.output = image_strides(args.outputs[0]);
  problem.has_addend = epilogue.addend >= 0;
  if (problem.has_addend)
    problem.addend = image_strides(args.inputs[static_cast<size_t>(epilogue.addend)]);
  return problem;
}

cpu::DepthwiseProblem depthwise_problem(const cpu::ConvProblem& conv) {
  cpu::DepthwiseProblem p;
  p.batch = conv.batch;
  p.in_h = conv.in_h;
  p.in_w = conv.in_w;
  p.channels = conv.in_c;
  p.out_h = conv.out_h;
  p.out_w = conv.out_w;
  p.multiplier = conv.out_c / conv.in_c;
  p.kernel_h = conv.kernel_h;
  p.kernel_w = conv.kernel_w;
  p.stride_h = conv.stride_h;
  p.stride_w = conv.stride_w;
  p.dilation_h = conv.dilation_h;
  p.dilation_w = conv.dilation_w;
  p.pad_top = conv.pad_top;
  p.pad_left = conv.pad_left;
  return p;
}

void set_strides(const TensorLayout& layout, int64_t* strides) {
  strides[0] = layout.stride[0];
  strides[1] = layout.rank == 4 ? layout.stride[1] : layout.stride[0];
  strides[2] = layout.stride[layout.rank - 2];
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

void PaddedInput::prepare(const PrepareArgs& args, cpu::ConvProblem* problem,
                          const ConvDepth& depth) {
  const TensorLayout& layout = args.inputs[kData];
  const bool deep = layout.rank == 5;
  source_ = image_strides(layout);
  source_image_ = image_stride_ = deep ? layout.stride[0] : 0;
  images_ = deep ? layout.shape[0] : 1;
  depth_ = depth;
  image_ = {deep ? depth.in : problem->batch,
            problem->in_h,
            problem->in_w,
            problem->in_c,
            problem->pad_top,
            problem->pad_left,
            problem->pad_bottom,
            problem->pad_right,
            source_};
  const int64_t before[] = {depth.pad_front, image_.pad_top, image_.pad_left};
  const int64_t after[] = {depth.pad_back, image_.pad_bottom, image_.pad_right};
  bool in_place = true;
  for (int i = 0; i < 3; ++i) {
    has_padding_ = has_padding_ || before[i] > 0 || after[i] > 0;
    const int axis = layout.rank - 4 + i;  // depth, height, width
    if (axis < 1) continue;
    in_place =
        in_place && layout.halo_before[axis] >= before[i] && layout.halo_after[axis] >= after[i];
  }
  if (!in_place && has_padding_) {
    image_.strides = cpu::padded_strides(*problem);
    const int64_t slices = deep ? depth.in + depth.pad_front + depth.pad_back : image_.batch;
    image_stride_ = slices * image_.strides.n;
    origin_ = cpu::padded_origin(*problem) + depth.pad_front * image_.strides.n;
    workspace_bytes_ = static_cast<size_t>(images_ * image_stride_) * sizeof(float);
  }
  problem->input = image_.strides;
  problem->input_d = image_.strides.n;
  if (deep) problem->input.n *= depth.stride;
}

// Slices of padding in front of an image and behind it.
void PaddedInput::fill_slices(float* origin) const {
  cpu::PaddedImage slice = image_;
  slice.batch = 1;
  slice.h = 0;  // nothing but padding
  slice.pad_bottom = image_.h + image_.pad_bottom;
  for (int64_t z = 1; z <= depth_.pad_front; ++z) {
    cpu::fill_padding(slice, origin - z * image_.strides.n);
  }
  for (int64_t z = 0; z < depth_.pad_back; ++z) {
    cpu::fill_padding(slice, origin + (depth_.in + z) * image_.strides.n);
  }
}

const float* PaddedInput::make(const StepContext& context) const {
  const auto* input = static_cast<const float*>(context.inputs[kData]);
  if (!has_padding_) return input;
  // The halo belongs to this tensor and to no other reader; its producer leaves it alone.
  const bool in_place = workspace_bytes_ == 0;
  float* origin =
      in_place ? const_cast<float*>(input) : reinterpret_cast<float*>(context.workspace) + origin_;
  for (int64_t n = 0; n < images_; ++n) {
    float* image = origin + n * image_stride_;
    if (in_place) {
      cpu::fill_padding(image_, image);
    } else {
      cpu::copy_padded(image_, input + n * source_image_, source_, image, 0, image_.batch);
    }
    fill_slices(image);
  }
  return origin;
}

ConvDepth conv_depth(const PrepareArgs& args) {
  if (args.inputs[kData].rank != 5) return {};
  const StepDesc step = with_shapes(args);
  auto windows =
      resolve_windows(step.attr<ConvAttributes>(), kernel_sizes(step), input_sizes(step, 1));
  HONE_CHECK(windows.ok());
  const Window depth = by_name(*windows).d;
  return {args.inputs[kData].shape[1], depth.stride, depth.pad_begin, depth.pad_end};
}

ConvImages conv_images(const PrepareArgs& args, const FusedEpilogue& epilogue,
                       const PaddedInput& input) {
  const TensorLayout& out = args.outputs[0];
  if (out.rank != 5) return {};
  ConvImages images;
  images.count = out.shape[0];
  images.input = input.image_stride();
  images.output = out.stride[0];
  if (epilogue.addend >= 0)
    images.addend = args.inputs[static_cast<size_t>(epilogue.addend)].stride[0];
  images.pixels = out.shape[1] * out.shape[2] * out.shape[3];
  return images;
}

}  // namespace hone
