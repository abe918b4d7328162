// Reductions of any numbers over any axes, in double or int64 as the reference.
#include <fmt/core.h>

#include "base/check.h"
#include "base/thread_pool.h"
#include "ops/infer.h"
#include "ops/reduce_states.h"
#include "ops/reduction.h"
#include "tactics/cpu/common.h"
#include "tactics/cpu/cpu_tactics.h"
#include "tactics/cpu/strided_loops.h"

namespace hone {
namespace {

// The elements of one result: `loops` over the reduced dimensions.
using ReduceOne = void (*)(const StridedLoops& loops, const void* data, int64_t count, void* out);

template <class State, class T>
void reduce_one(const StridedLoops& loops, const void* data, int64_t count, void* out) {
  const auto* x = static_cast<const T*>(data);
  State state;
  const auto walk = [&](auto visit) {
    loops.run(0, loops.blocks(), [&](const int64_t* offsets, int64_t n) {
      const T* block = x + offsets[0];
      const int64_t step = loops.step(0);
      for (int64_t i = 0; i < n; ++i) visit(widen(block[i * step]));
    });
  };
  if constexpr (requires { state.prepare(Wide<T>()); }) {
    walk([&](Wide<T> value) { state.prepare(value); });
  }
  walk([&](Wide<T> value) { state.add(value); });
  auto* result = static_cast<T*>(out);
  if constexpr (kIsExtreme<State, T>) {
    *result = count == 0 ? empty_extreme<State, T>() : narrow<T>(state.finish(count));
  } else {
    *result = narrow<T>(state.finish(count));
  }
}

template <template <class> class State>
ReduceOne reduce_of(DataType dtype) {
  ReduceOne one = nullptr;
  const Status status = with_type(dtype, [&one](auto type) {
    using T = typename decltype(type)::type;
    one = &reduce_one<State<Wide<T>>, T>;
    return ok();
  });
  HONE_CHECK(status.ok());
  return one;
}

struct NamedReduction {
  const char* op_name;
  ReduceOne (*of)(DataType dtype);
};
constexpr NamedReduction kReductions[] = {
    {"ReduceSum", reduce_of<SumOf>},
    {"ReduceMean", reduce_of<MeanOf>},
    {"ReduceProd", reduce_of<ProductOf>},
    {"ReduceMax", reduce_of<LargestOf>},
    {"ReduceMin", reduce_of<SmallestOf>},
    {"ReduceSumSquare", reduce_of<SumSquareOf>},
    {"ReduceL1", reduce_of<L1Of>},
    {"ReduceL2", reduce_of<L2Of>},
    {"ReduceLogSumExp", reduce_of<LogSumExpOf>},
};

class PreparedReduceAny final : public PreparedStep {
 public:
  PreparedReduceAny(const PrepareArgs& args, const NamedReduction& reduction)
      : one_(reduction.of(args.inputs[0].dtype)),
        size_(static_cast<int64_t>(dtype_size(args.inputs[0].dtype))) {
    const TensorLayout& in = args.inputs[0];
    const TensorLayout& out = args.outputs[0];
    const auto& attributes = args.step->attr<ReduceAttributes>();
    std::vector<bool> reduced(static_cast<size_t>(in.rank), attributes.axes.empty());
    for (int64_t axis : attributes.axes) {
      reduced[static_cast<size_t>(*resolve_axis(axis, reduced.size()))] = true;
    }
    std::vector<int64_t> kept_shape, reduced_shape;
    std::vector<std::vector<int64_t>> kept(2), inner(1);
    for (int i = 0, o = 0; i < in.rank; ++i) {
      const bool r = reduced[static_cast<size_t>(i)];
      if (r) {
        count_ *= in.shape[i];
        reduced_shape.push_back(in.shape[i]);
        inner[0].push_back(in.stride[i]);
      } else {
        kept_shape.push_back(in.shape[i]);
        kept[0].push_back(out.stride[o]);
        kept[1].push_back(in.stride[i]);
      }
      if (!r || attributes.keepdims) ++o;
    }
    results_ = StridedLoops(kept_shape, kept);
    elements_ = StridedLoops(reduced_shape, inner);
    empty_ = out.num_elements() == 0;
  }

  Status run(const StepContext& context) const override {
    if (empty_) return ok();
    const auto* in = static_cast<const std::byte*>(context.inputs[0]);
    auto* out = static_cast<std::byte*>(context.outputs[0]);
    ThreadPool::global().parallel_for(
        context.threads, results_.blocks(), [&](int64_t begin, int64_t end, int) {
          results_.run(begin, end, [&](const int64_t* offsets, int64_t n) {
            for (int64_t i = 0; i < n; ++i) {
              one_(elements_, in + (offsets[1] + i * results_.step(1)) * size_, count_,
                   out + (offsets[0] + i * results_.step(0)) * size_);
            }
          });
        });
    return ok();
  }

 private:
  ReduceOne one_;
  StridedLoops results_, elements_;
  int64_t size_, count_ = 1;
  bool empty_ = false;
};

class ReduceAny final : public Tactic {
 public:
  explicit ReduceAny(const NamedReduction& reduction)
      : reduction_(reduction), name_(fmt::format("{}_any", reduction.op_name)) {}
  const char* name() const override { return name_.c_str(); }
  int version() const override { return 1; }
  const char* op_name() const override { return reduction_.op_name; }
  Verdict can_run(const StepDesc& step, const Target& target) const override {
    if (step.in_shape(0).size() > kMaxRank) return Verdict::no("rank over 8");
    if (!step.epilogue.empty()) return Verdict::no("an epilogue");
    return unless_done_before(*this, step, target);
  }
  std::unique_ptr<PreparedStep> prepare(const PrepareArgs& args) const override {
    return std::make_unique<PreparedReduceAny>(args, reduction_);
  }

 private:
  NamedReduction reduction_;
  std::string name_;
};

}  // namespace

std::vector<std::unique_ptr<Tactic>> make_any_reductions() {
  std::vector<std::unique_ptr<Tactic>> tactics;
  for (const NamedReduction& reduction : kReductions) {
    tactics.push_back(std::make_unique<ReduceAny>(reduction));
  }
  return tactics;
}

}  // namespace hone
