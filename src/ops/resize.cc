// Resize(data, [sizes]): resampling of images and other grids.
#include "ops/resize.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "ops/eval.h"
#include "ops/infer.h"
#include "ops/op_list.h"

namespace hone {
namespace {

constexpr int64_t kMaxSize = int64_t{1} << 24;  // places are computed in float

Status check_names(const ResizeAttributes& a) {
  const auto one_of = [](const std::string& text, std::initializer_list<const char*> names) {
    return std::find(names.begin(), names.end(), text) != names.end();
  };
  if (!one_of(a.mode, {"nearest", "linear", "cubic"})) {
    return Status(Code::kModel, fmt::format("there is no mode \"{}\"", a.mode));
  }
  if (!one_of(a.coordinates, {"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel",
                              "tf_half_pixel_for_nn", "align_corners", "asymmetric"})) {
    return Status(Code::kModel, fmt::format("there are no coordinates \"{}\"", a.coordinates));
  }
  if (!one_of(a.rounding, {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil", "simple"})) {
    return Status(Code::kModel, fmt::format("there is no rounding \"{}\"", a.rounding));
  }
  for (double scale : a.scales) {
    if (!(scale > 0 && scale < static_cast<double>(kMaxSize))) {
      return Status(Code::kModel, fmt::format("a scale is {}", scale));
    }
  }
  return ok();
}

// dim * scale rounded down, in float for numbers. For expressions the scale must be a fraction of
// small numbers, with which float is exact.
Result<Dim> scaled(const Dim& dim, double scale) {
  const auto factor = static_cast<float>(scale);
  if (dim.is_const()) {
    return Dim(static_cast<int64_t>(std::floor(static_cast<float>(dim.value()) * factor)));
  }
  for (int64_t q = 1; q <= 64; q *= 2) {
    const float p = factor * static_cast<float>(q);
    if (p == std::floor(p) && p < 4096) {
      return floor_div(dim * Dim(static_cast<int64_t>(p)), Dim(q));
    }
  }
  return Status(Code::kUnsupported, fmt::format("resizing an unknown size by {}", scale))
      .because("the rounding of the result's size could not be foreseen");
}

Status infer_resize(InferContext& context) {
  const auto& attributes = context.attr<ResizeAttributes>();
  HONE_RETURN_IF_ERROR(check_names(attributes));
  if (attributes.mode != "nearest") {
    HONE_RETURN_IF_ERROR(require_dtype(context, 0, is_float, "a floating point type"));
  }
  TensorType type = context.inputs[0].type;
  HONE_ASSIGN_OR_RETURN(const auto axes, resize_axes(attributes, type.shape.size()));
  std::vector<Dim> sizes;
  if (context.inputs.size() > 1) {
    HONE_ASSIGN_OR_RETURN(sizes, vector_dims(context, 1, "sizes"));
  }
  if (context.inputs.size() > 1 && !attributes.scales.empty()) {
    return Status(Code::kModel, "there are sizes and scales");
  }
  const size_t given = sizes.empty() ? attributes.scales.size() : sizes.size();
  if (given != axes.size()) {
    return Status(Code::kModel, fmt::format("{} sizes or scales for {} axes", given, axes.size()));
  }
  for (size_t k = 0; k < axes.size(); ++k) {
    Dim& dim = type.shape[axes[k]];
    const Dim old = dim;
    if (sizes.empty()) {
      HONE_ASSIGN_OR_RETURN(dim, scaled(old, attributes.scales[k]));
    } else {
      dim = or_fresh(sizes[k], context);
    }
    if (old == Dim(0) && dim.is_const() && dim.value() > 0) {
      return Status(Code::kShape, fmt::format("resizing nothing to {}", dim.value()));
    }
    if ((dim.is_const() && dim.value() > kMaxSize) || (old.is_const() && old.value() > kMaxSize)) {
      return Status(Code::kUnsupported, fmt::format("resizing {} to {}", old.text(), dim.text()));
    }
  }
  context.set_output(type.dtype, std::move(type.shape));
  return ok();
}

// A dense tensor seen as [outer][size][inner] around one axis.
struct AxisView {
  int64_t outer = 1, inner = 1;
};
AxisView view_of(const std::vector<int64_t>& shape, int axis) {
  AxisView view;
  for (int i = 0; i < axis; ++i) view.outer *= shape[i];
  for (size_t i = axis + 1; i < shape.size(); ++i) view.inner *= shape[i];
  return view;
}

// One axis of nearest: only moves elements.
template <class T>
void pick(const std::vector<ResizeTaps>& taps, const AxisView& view, int64_t in, const T* from,
          T* to) {
  for (int64_t o = 0; o < view.outer; ++o, from += in * view.inner) {
    for (const ResizeTaps& tap : taps) {
      to = std::copy_n(from + tap.index[0] * view.inner, view.inner, to);
    }
  }
}

void blend(const std::vector<ResizeTaps>& taps, int count, const AxisView& view, int64_t in,
           const double* from, double* to) {
  for (int64_t o = 0; o < view.outer; ++o, from += in * view.inner) {
    for (const ResizeTaps& tap : taps) {
      for (int64_t i = 0; i < view.inner; ++i) {
        double sum = 0;
        for (int t = 0; t < count; ++t) {
          sum += static_cast<double>(tap.weight[t]) * from[tap.index[t] * view.inner + i];
        }
        *to++ = sum;
      }
    }
  }
}

struct AxisStep {
  int axis;
  int64_t in;
  std::vector<ResizeTaps> taps;
};

Result<std::vector<AxisStep>> make_steps(const ResizeAttributes& attributes,
                                         const std::vector<int64_t>& in,
                                         const std::vector<int64_t>& out) {
  HONE_ASSIGN_OR_RETURN(const auto axes, resize_axes(attributes, in.size()));
  std::vector<AxisStep> steps;
  for (size_t k = 0; k < axes.size(); ++k) {
    const int64_t n = in[axes[k]], m = out[axes[k]];
    if (n == 0) return Status(Code::kShape, fmt::format("resizing nothing to {}", m));
    steps.push_back({axes[k], n, resize_taps(attributes, k, n, m)});
  }
  return steps;
}

template <class T>
void resize_nearest(const std::vector<AxisStep>& steps, const Tensor& data, Tensor* output) {
  std::vector<int64_t> shape = data.shape();
  std::vector<T> current(elements<T>(data), elements<T>(data) + data.num_elements());
  for (const AxisStep& step : steps) {
    const AxisView view = view_of(shape, step.axis);
    shape[step.axis] = static_cast<int64_t>(step.taps.size());
    std::vector<T> next(view.outer * view.inner * shape[step.axis]);
    pick(step.taps, view, step.in, current.data(), next.data());
    current = std::move(next);
  }
  std::copy(current.begin(), current.end(), mutable_elements<T>(output));
}

template <class T>
void resize_blend(const std::vector<AxisStep>& steps, int count, const Tensor& data,
                  Tensor* output) {
  std::vector<int64_t> shape = data.shape();
  std::vector<double> current;
  for (int64_t i = 0; i < data.num_elements(); ++i) {
    current.push_back(static_cast<double>(widen(elements<T>(data)[i])));
  }
  for (const AxisStep& step : steps) {
    const AxisView view = view_of(shape, step.axis);
    shape[step.axis] = static_cast<int64_t>(step.taps.size());
    std::vector<double> next(view.outer * view.inner * shape[step.axis]);
    blend(step.taps, count, view, step.in, current.data(), next.data());
    current = std::move(next);
  }
  T* to = mutable_elements<T>(output);
  for (double value : current) *to++ = narrow<T>(value);
}

Status evaluate_resize(EvalContext& context) {
  const auto& attributes = context.attr<ResizeAttributes>();
  const Tensor& data = context.inputs[0];
  HONE_ASSIGN_OR_RETURN(Tensor * output, context.allocate_output());
  if (output->num_elements() == 0) return ok();
  HONE_ASSIGN_OR_RETURN(const auto steps, make_steps(attributes, data.shape(), output->shape()));
  if (attributes.mode == "nearest") {
    return with_storage(data.dtype(), [&](auto type) {
      resize_nearest<typename decltype(type)::type>(steps, data, output);
      return ok();
    });
  }
  return with_type(data.dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    if constexpr (kIsFloat<T>) {
      resize_blend<T>(steps, num_resize_taps(attributes), data, output);
    }
    return ok();
  });
}

}  // namespace

Result<std::vector<int>> resize_axes(const ResizeAttributes& attributes, size_t rank) {
  std::vector<int> axes(attributes.axes.empty() ? rank : 0);
  std::iota(axes.begin(), axes.end(), 0);
  for (int64_t axis : attributes.axes) {
    HONE_ASSIGN_OR_RETURN(const int positive, resolve_axis(axis, rank));
    axes.push_back(positive);
  }
  HONE_RETURN_IF_ERROR(resolve_axes(attributes.axes, rank).status());  // no duplicates
  return axes;
}

std::vector<OpDef> resize_ops() {
  return {
      {.name = "Resize",
       .summary = "Resampling along axes: nearest, linear or cubic; inputs data, optional sizes",
       .min_inputs = 1,
       .max_inputs = 2,
       .defaults = ResizeAttributes{},
       .infer = infer_resize,
       .evaluate = evaluate_resize}};
}

}  // namespace hone
