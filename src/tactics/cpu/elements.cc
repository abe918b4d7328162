// One index per element: GatherElements and ScatterElements; running sums and products.
#include <algorithm>
#include <cstring>

#include "base/thread_pool.h"
#include "kernels/cpu/copy.h"
#include "ops/infer.h"
#include "ops/selection.h"
#include "tactics/cpu/common.h"
#include "tactics/cpu/cpu_tactics.h"

namespace hone {
namespace {

Verdict plain(const StepDesc& step) {
  if (step.outputs[0].type.dtype == DataType::string) return Verdict::no("strings");
  if (!step.epilogue.empty()) return Verdict::no("an epilogue");
  if (step.in_shape(0).size() > kMaxRank) return Verdict::no("rank over 8");
  return Verdict::yes();
}

Verdict plain_indices(const StepDesc& step) {
  const DataType index = step.inputs[1].type.dtype;
  if (index != DataType::i32 && index != DataType::i64) {
    return Verdict::no("the indices are neither i32 nor i64");
  }
  return plain(step);
}

// Walks all but the last dimension of `shape`; calls fn(index) with index[0 .. rank - 2] set.
template <class Fn>
Status for_each_line(int rank, const int64_t* shape, Fn&& fn) {
  int64_t index[kMaxRank] = {}, lines = 1;
  for (int d = 0; d < rank; ++d) {
    if (shape[d] == 0) return ok();
    if (d < rank - 1) lines *= shape[d];
  }
  for (int64_t line = 0; line < lines; ++line) {
    HONE_RETURN_IF_ERROR(fn(static_cast<const int64_t*>(index)));
    for (int d = rank - 2; d >= 0; --d) {
      if (++index[d] < shape[d]) break;
      index[d] = 0;
    }
  }
  return ok();
}

// Pairs of elements: one of a tensor that the index addresses along the axis, one of a tensor of
// the shape of the indices.
class IndexedElements {
 public:
  IndexedElements(const TensorLayout& addressed, const TensorLayout& indices,
                  const TensorLayout& other, int64_t axis)
      : addressed_(addressed),
        indices_(indices),
        other_(other),
        axis_(*resolve_axis(axis, static_cast<size_t>(addressed.rank))) {}

  // Calls fn(offset in addressed, offset in other), in the order of the indices.
  template <class Fn>
  Status run(const void* indices, Fn&& fn) const {
    return indices_.dtype == DataType::i32 ? walk(static_cast<const int32_t*>(indices), fn)
                                           : walk(static_cast<const int64_t*>(indices), fn);
  }

 private:
  template <class Index, class Fn>
  Status walk(const Index* indices, Fn&& fn) const {
    const int last = indices_.rank - 1;
    const int64_t dim = addressed_.shape[axis_], along = addressed_.stride[axis_];
    const int64_t step = axis_ == last ? 0 : addressed_.stride[last];
    return for_each_line(indices_.rank, indices_.shape, [&](const int64_t* index) -> Status {
      int64_t a = 0, i = 0, o = 0;
      for (int d = 0; d < last; ++d) {
        if (d != axis_) a += index[d] * addressed_.stride[d];
        i += index[d] * indices_.stride[d];
        o += index[d] * other_.stride[d];
      }
      for (int64_t k = 0; k < indices_.shape[last]; ++k) {
        const auto named = static_cast<int64_t>(indices[i + k]);
        const int64_t place = named < 0 ? named + dim : named;
        if (place < 0 || place >= dim) {
          return Status(Code::kShape, "index " + std::to_string(named) +
                                          " is out of range for a dimension of " +
                                          std::to_string(dim));
        }
        fn(a + k * step + place * along, o + k);
      }
      return ok();
    });
  }

  TensorLayout addressed_, indices_, other_;
  int axis_;
};

template <class Fn>
Status with_bytes(size_t bytes, Fn&& fn) {
  switch (bytes) {
    case 1:
      return fn(uint8_t());
    case 2:
      return fn(uint16_t());
    case 4:
      return fn(uint32_t());
    default:
      return fn(uint64_t());
  }
}

class PreparedGatherElements final : public PreparedStep {
 public:
  explicit PreparedGatherElements(const PrepareArgs& args)
      : elements_(args.inputs[0], args.inputs[1], args.outputs[0],
                  args.step->attr<GatherElementsAttributes>().axis),
        bytes_(dtype_size(args.outputs[0].dtype)) {}
  Status run(const StepContext& context) const override {
    return with_bytes(bytes_, [&](auto type) {
      using T = decltype(type);
      const T* from = static_cast<const T*>(context.inputs[0]);
      T* to = static_cast<T*>(context.outputs[0]);
      return elements_.run(context.inputs[1], [&](int64_t a, int64_t o) { to[o] = from[a]; });
    });
  }

 private:
  IndexedElements elements_;
  size_t bytes_;
};

class GatherElementsTactic final : public Tactic {
 public:
  const char* name() const override { return "gather_elements"; }
  int version() const override { return 1; }
  const char* op_name() const override { return "GatherElements"; }
  Verdict can_run(const StepDesc& step, const Target&) const override {
    return plain_indices(step);
  }
  std::unique_ptr<PreparedStep> prepare(const PrepareArgs& args) const override {
    return std::make_unique<PreparedGatherElements>(args);
  }
};

class PreparedScatterElements final : public PreparedStep {
 public:
  explicit PreparedScatterElements(const PrepareArgs& args)
      : out_(args.outputs[0]),
        elements_(out_, args.inputs[1], args.inputs[2],
                  args.step->attr<ScatterElementsAttributes>().axis),
        copy_(cpu::plan_copy(static_cast<int>(dtype_size(out_.dtype)), out_.rank, out_.shape,
                             out_.stride, args.inputs[0].stride)),
        reduction_(args.step->attr<ScatterElementsAttributes>().reduction) {}

  // One after the other: updates of one place come in order.
  Status run(const StepContext& context) const override {
    if (context.outputs[0] != context.inputs[0]) {
      cpu::run_copy_blocks(copy_, context.outputs[0], context.inputs[0], 0, copy_.num_blocks);
    }
    if (reduction_ == "none") {
      return with_bytes(dtype_size(out_.dtype), [&](auto type) {
        return reduce<decltype(type)>(context, [](auto, auto b) { return b; });
      });
    }
    if (out_.dtype == DataType::f32) return reduce_numbers<float, float>(context);
    if (out_.dtype == DataType::i32) return reduce_numbers<int32_t, uint32_t>(context);
    return reduce_numbers<int64_t, uint64_t>(context);
  }

 private:
  template <class T, class Fn>
  Status reduce(const StepContext& context, Fn&& fn) const {
    T* to = static_cast<T*>(context.outputs[0]);
    const T* from = static_cast<const T*>(context.inputs[2]);
    return elements_.run(context.inputs[1],
                         [&](int64_t a, int64_t o) { to[a] = fn(to[a], from[o]); });
  }
  // Wrap: the type in which integers wrap around.
  template <class T, class Wrap>
  Status reduce_numbers(const StepContext& context) const {
    const auto wrapped = [](auto fn) {
      return
          [fn](T a, T b) { return static_cast<T>(fn(static_cast<Wrap>(a), static_cast<Wrap>(b))); };
    };
    if (reduction_ == "add") {
      return reduce<T>(context, wrapped([](Wrap a, Wrap b) { return a + b; }));
    }
    if (reduction_ == "sub") {
      return reduce<T>(context, wrapped([](Wrap a, Wrap b) { return a - b; }));
    }
    if (reduction_ == "mul") {
      return reduce<T>(context, wrapped([](Wrap a, Wrap b) { return a * b; }));
    }
    if (reduction_ == "min") {
      return reduce<T>(context, [](T a, T b) { return a != a || a < b ? a : b; });
    }
    return reduce<T>(context, [](T a, T b) { return a != a || a > b ? a : b; });
  }

  TensorLayout out_;
  IndexedElements elements_;
  cpu::CopyPlan copy_;
  std::string reduction_;
};

bool is_plain_number(DataType dtype) {
  return dtype == DataType::f32 || dtype == DataType::i32 || dtype == DataType::i64;
}

class ScatterElementsTactic final : public Tactic {
 public:
  const char* name() const override { return "scatter_elements"; }
  int version() const override { return 1; }
  const char* op_name() const override { return "ScatterElements"; }
  Verdict can_run(const StepDesc& step, const Target&) const override {
    if (step.attr<ScatterElementsAttributes>().reduction != "none" &&
        !is_plain_number(step.outputs[0].type.dtype)) {
      return Verdict::no("a reduction of other elements than f32, i32 and i64");
    }
    return plain_indices(step);
  }
  bool may_overwrite(const StepDesc&, size_t i) const override { return i == 0; }
  std::unique_ptr<PreparedStep> prepare(const PrepareArgs& args) const override {
    return std::make_unique<PreparedScatterElements>(args);
  }
};

// --- Running sums and products, a line along the axis at a time.

class PreparedCumulative final : public PreparedStep {
 public:
  explicit PreparedCumulative(const PrepareArgs& args)
      : attributes_(args.step->attr<CumulativeAttributes>()),
        product_(std::string_view(args.step->op->name) == "CumProd"),
        in_(args.inputs[0]),
        out_(args.outputs[0]) {
    axis_ = *resolve_axis(attributes_.axis, static_cast<size_t>(in_.rank));
    lines_ = in_.num_elements();
    if (lines_ > 0) lines_ /= in_.shape[axis_];
  }
  Status run(const StepContext& context) const override {
    const int64_t grain = std::max<int64_t>(1, 4096 / std::max<int64_t>(in_.shape[axis_], 1));
    ThreadPool::global().parallel_for(
        context.threads, lines_,
        [&](int64_t begin, int64_t end, int) {
          for (int64_t line = begin; line < end; ++line) {
            // Floats are summed up in double, as the reference does.
            if (in_.dtype == DataType::f32) run_line<float, double>(context, line);
            if (in_.dtype == DataType::i32) run_line<int32_t, uint32_t>(context, line);
            if (in_.dtype == DataType::i64) run_line<int64_t, uint64_t>(context, line);
          }
        },
        grain);
    return ok();
  }

 private:
  template <class T, class Sum>
  void run_line(const StepContext& context, int64_t line) const {
    int64_t from = 0, to = 0;
    for (int d = in_.rank - 1; d >= 0; --d) {
      if (d == axis_) continue;
      from += line % in_.shape[d] * in_.stride[d];
      to += line % in_.shape[d] * out_.stride[d];
      line /= in_.shape[d];
    }
    const T* in = static_cast<const T*>(context.inputs[0]) + from;
    T* out = static_cast<T*>(context.outputs[0]) + to;
    const int64_t size = in_.shape[axis_];
    Sum sum = product_ ? 1 : 0;
    for (int64_t k = 0; k < size; ++k) {
      const int64_t i = attributes_.reverse ? size - 1 - k : k;
      const auto x = static_cast<Sum>(in[i * in_.stride[axis_]]);
      const Sum next = product_ ? sum * x : sum + x;
      out[i * out_.stride[axis_]] = static_cast<T>(attributes_.exclusive ? sum : next);
      sum = next;
    }
  }

  CumulativeAttributes attributes_;
  bool product_;
  TensorLayout in_, out_;
  int axis_ = 0;
  int64_t lines_ = 0;
};

class CumulativeTactic final : public Tactic {
 public:
  explicit CumulativeTactic(bool product) : product_(product) {}
  const char* name() const override { return product_ ? "cumulative_prod" : "cumulative_sum"; }
  int version() const override { return 1; }
  const char* op_name() const override { return product_ ? "CumProd" : "CumSum"; }
  Verdict can_run(const StepDesc& step, const Target&) const override {
    if (!is_plain_number(step.inputs[0].type.dtype)) {
      return Verdict::no("other elements than f32, i32 and i64");
    }
    return plain(step);
  }
  bool may_overwrite(const StepDesc&, size_t i) const override { return i == 0; }
  std::unique_ptr<PreparedStep> prepare(const PrepareArgs& args) const override {
    return std::make_unique<PreparedCumulative>(args);
  }

 private:
  bool product_;
};

}  // namespace

std::vector<std::unique_ptr<Tactic>> make_elements() {
  std::vector<std::unique_ptr<Tactic>> tactics;
  tactics.push_back(std::make_unique<GatherElementsTactic>());
  tactics.push_back(std::make_unique<ScatterElementsTactic>());
  tactics.push_back(std::make_unique<CumulativeTactic>(false));
  tactics.push_back(std::make_unique<CumulativeTactic>(true));
  return tactics;
}

}  // namespace hone
