// MaxPool and AveragePool over [N, spatial..., C].
#include <fmt/format.h>

#include "ops/eval.h"
#include "ops/infer.h"
#include "ops/op_list.h"
#include "ops/spatial.h"

namespace hone {
namespace {

Status infer_pool(InferContext& context) {
  const auto& attributes = context.attr<PoolAttributes>();
  const Shape& data = context.shape(0);
  HONE_ASSIGN_OR_RETURN(const std::vector<Window> windows, explicit_windows(attributes));
  HONE_RETURN_IF_ERROR(require_rank(context, 0, windows.size() + 2));
  Shape shape = {data[0]};
  for (size_t i = 0; i < windows.size(); ++i) {
    shape.push_back(
        window_output(data[i + 1], windows[i], attributes.auto_pad, attributes.ceil_mode));
  }
  shape.push_back(data.back());
  context.set_output(context.dtype(0), std::move(shape));
  return ok();
}

Status infer_max_pool(InferContext& context) {
  HONE_RETURN_IF_ERROR(require_dtype(context, 0, is_number, "a number"));
  return infer_pool(context);
}

Status infer_average_pool(InferContext& context) {
  HONE_RETURN_IF_ERROR(require_dtype(context, 0, is_float, "a floating point type"));
  return infer_pool(context);
}

template <class T>
Wide<T> lowest_value() {
  if constexpr (kIsFloat<T>) {
    return -INFINITY;
  } else {
    return static_cast<int64_t>(std::numeric_limits<T>::lowest());
  }
}

struct MaxOf {
  template <class T>
  struct State {
    Wide<T> value = lowest_value<T>();
    void add(Wide<T> x) {
      if (x > value || x != x) value = x;
    }
    Wide<T> finish(int64_t) const { return value; }
  };
};

struct AverageOf {
  template <class T>
  struct State {
    double sum = 0;
    void add(double x) { sum += x; }
    double finish(int64_t count) const { return count > 0 ? sum / static_cast<double>(count) : 0; }
  };
};

// Missing spatial dimensions are put in front, so that there are always three.
struct PoolProblem {
  int64_t input[3] = {1, 1, 1};
  int64_t output[3] = {1, 1, 1};
  Window windows[3];
  int64_t batch = 0, channels = 0;
  bool count_pads = false;
};

// Input positions of window `o` in one dimension: first, first + dilation, ...; and how many of the
// window's elements count in an average.
struct Reach {
  int64_t first = 0, end = 0, step = 1;
  int64_t count = 0;
};

Reach reach(const PoolProblem& p, int d, int64_t o) {
  const Window& window = p.windows[d];
  const int64_t begin = o * window.stride - window.pad_begin;
  // Elements of the window below position `limit`.
  auto below = [&](int64_t limit) {
    const int64_t elements = limit <= begin ? 0 : (limit - begin - 1) / window.dilation + 1;
    return std::min(elements, window.kernel);
  };
  const int64_t skipped = below(0), inside = below(p.input[d]);
  Reach result{begin + skipped * window.dilation, begin + inside * window.dilation, window.dilation,
               inside - skipped};
  // What lies behind the padding is there only because of ceil_mode.
  if (p.count_pads) result.count = below(p.input[d] + window.pad_end);
  return result;
}

template <class Kind, class T>
void pool(const PoolProblem& p, const T* data, T* to) {
  const int64_t image_size = p.input[0] * p.input[1] * p.input[2] * p.channels;
  for (int64_t n = 0; n < p.batch; ++n, data += image_size) {
    for (int64_t o0 = 0; o0 < p.output[0]; ++o0) {
      const Reach r0 = reach(p, 0, o0);
      for (int64_t o1 = 0; o1 < p.output[1]; ++o1) {
        const Reach r1 = reach(p, 1, o1);
        for (int64_t o2 = 0; o2 < p.output[2]; ++o2) {
          const Reach r2 = reach(p, 2, o2);
          for (int64_t c = 0; c < p.channels; ++c) {
            typename Kind::template State<T> state;
            for (int64_t i0 = r0.first; i0 < r0.end; i0 += r0.step) {
              for (int64_t i1 = r1.first; i1 < r1.end; i1 += r1.step) {
                for (int64_t i2 = r2.first; i2 < r2.end; i2 += r2.step) {
                  state.add(
                      widen(data[((i0 * p.input[1] + i1) * p.input[2] + i2) * p.channels + c]));
                }
              }
            }
            *to++ = narrow<T>(state.finish(r0.count * r1.count * r2.count));
          }
        }
      }
    }
  }
}

template <class Kind>
Status evaluate_pool(EvalContext& context) {
  const auto& attributes = context.attr<PoolAttributes>();
  const Tensor& data = context.inputs[0];
  const std::vector<int64_t> sizes(data.shape().begin() + 1, data.shape().end() - 1);
  HONE_ASSIGN_OR_RETURN(const auto windows, resolve_windows(attributes, sizes));
  HONE_ASSIGN_OR_RETURN(Tensor * output, context.allocate_output());
  if (output->num_elements() == 0) return ok();
  PoolProblem problem;
  const size_t shift = 3 - windows.size();
  for (size_t i = 0; i < windows.size(); ++i) {
    problem.input[i + shift] = sizes[i];
    problem.output[i + shift] = output->shape()[i + 1];
    problem.windows[i + shift] = windows[i];
  }
  problem.batch = data.dim(0);
  problem.channels = data.shape().back();
  problem.count_pads = attributes.count_include_pad && attributes.auto_pad == "explicit";
  return with_type(data.dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    if constexpr (kIsFloat<T> || std::is_same_v<Kind, MaxOf>) {
      pool<Kind>(problem, elements<T>(data), mutable_elements<T>(output));
    }
    return ok();
  });
}

}  // namespace

std::vector<OpDef> pool_ops() {
  return {{.name = "MaxPool",
           .summary = "Largest element under a sliding window; data [N, spatial..., C]",
           .defaults = PoolAttributes{},
           .infer = infer_max_pool,
           .evaluate = evaluate_pool<MaxOf>},
          {.name = "AveragePool",
           .summary = "Mean of the elements under a sliding window; data [N, spatial..., C]",
           .defaults = PoolAttributes{},
           .infer = infer_average_pool,
           .evaluate = evaluate_pool<AverageOf>}};
}

}  // namespace hone
