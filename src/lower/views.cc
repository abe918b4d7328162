#include "lower/views.h"

#include <string_view>

#include "ops/infer.h"
#include "ops/movement.h"

namespace hone {
namespace {

// REQUIRES: inference has accepted the axis.
int from_front(int64_t axis, size_t rank) { return *resolve_axis(axis, rank); }

std::optional<std::vector<int64_t>> constant_ints(const StepDesc& step, size_t input) {
  if (input >= step.inputs.size() || !step.inputs[input].constant) return std::nullopt;
  return step.inputs[input].constant->as_int64s();
}

std::vector<SliceView> split_views(const StepDesc& step) {
  const auto& attributes = step.attr<SplitAttributes>();
  const int axis = from_front(attributes.axis, step.in_shape(0).size());
  std::vector<SliceView> views;
  Dim start = 0;
  for (size_t i = 0; i < step.outputs.size(); ++i) {
    views.push_back({axis, start});
    start = start + step.out_shape(i)[axis];
  }
  return views;
}

// One axis with a constant, non-negative start and step 1; the other axes are taken whole.
std::vector<SliceView> single_slice_view(const StepDesc& step) {
  const auto starts = constant_ints(step, 1);
  if (!starts) return {};
  std::vector<int64_t> axes(starts->size()), steps(starts->size(), 1);
  for (size_t i = 0; i < axes.size(); ++i) axes[i] = static_cast<int64_t>(i);
  if (step.num_root_inputs() > 3) {
    const auto given = constant_ints(step, 3);
    if (!given || given->size() != starts->size()) return {};
    axes = *given;
  }
  if (step.num_root_inputs() > 4) {
    const auto given = constant_ints(step, 4);
    if (!given || given->size() != starts->size()) return {};
    steps = *given;
  }
  std::vector<SliceView> views;
  for (size_t i = 0; i < axes.size(); ++i) {
    const int axis = from_front(axes[i], step.in_shape(0).size());
    if (steps[i] != 1) return {};
    if (step.in_shape(0)[axis] == step.out_shape()[axis]) continue;  // whole
    // A start beyond the dimension would have to be clamped; with a known size it is checked here.
    const Dim& size = step.in_shape(0)[axis];
    int64_t start = (*starts)[i];
    if (start < 0) {
      if (!size.is_const()) return {};
      start += size.value();
    }
    if (start < 0 || !always_le(Dim(start) + step.out_shape()[axis], size)) return {};
    views.push_back({axis, Dim(start)});
  }
  return views.size() == 1 ? views : std::vector<SliceView>();
}

}  // namespace

std::vector<SliceView> slice_views(const StepDesc& step) {
  const std::string_view name = step.op->name;
  if (name == "Split") return split_views(step);
  if (name == "Slice") return single_slice_view(step);
  return {};
}

const char* why_it_copies(const StepDesc& step) {
  struct Reason {
    std::string_view op;
    const char* text;
  };
  static constexpr Reason kReasons[] = {
      {"Transpose", "the kernels want contiguous channels, and the order is another one"},
      {"Pad", "the reader does not pad by itself"},
      {"Expand", "the reader does not repeat by itself"},
      {"Tile", "the reader does not repeat by itself"},
      {"Slice", "it is not one run of one dimension"},
      {"Split", "its parts are not known"},
      {"Concat", "something else is computed on the way"},
      {"Identity", "a second name for one value needs bytes of its own"},
      {"Reshape", "the result must lie elsewhere"},
      {"Squeeze", "the result must lie elsewhere"},
      {"Unsqueeze", "the result must lie elsewhere"},
  };
  for (const Reason& reason : kReasons) {
    if (reason.op == step.op->name) return reason.text;
  }
  return nullptr;
}

int concat_axis(const StepDesc& step) {
  return from_front(step.attr<ConcatAttributes>().axis, step.out_shape().size());
}

}  // namespace hone
