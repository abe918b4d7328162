// ArgMax and ArgMin of any numbers along any axis.
#include "ops/arg_reduce.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/check.h"
#include "base/thread_pool.h"
#include "ops/eval.h"
#include "ops/infer.h"
#include "ops/reduction.h"
#include "tactics/cpu/common.h"
#include "tactics/cpu/cpu_tactics.h"
#include "tactics/cpu/strided_loops.h"

namespace hone {
namespace {

constexpr int64_t kBlock = StridedLoops::kBlock;

// `n` neighbouring results: elements `step` apart, each the first of `size` that are `stride`
// apart.
struct ArgBlock {
  int64_t n, step, size, stride;
  bool select_last;
};
using ArgRun = void (*)(const ArgBlock& block, const void* data, int64_t* best);

template <bool kMax, class T>
void arg_block(const ArgBlock& b, const void* data, int64_t* best) {
  const auto* x = static_cast<const T*>(data);
  std::fill_n(best, b.n, 0);
  if (b.step != 1) {  // one result after the other
    for (int64_t i = 0; i < b.n; ++i) {
      const T* line = x + i * b.step;
      Wide<T> value = widen(line[0]);
      for (int64_t k = 1; k < b.size; ++k) {
        const Wide<T> next = widen(line[k * b.stride]);
        if (!is_better<kMax>(next, value, b.select_last)) continue;
        value = next;
        best[i] = k;
      }
    }
    return;
  }
  Wide<T> values[kBlock];  // all at once: memory is read in order
  for (int64_t i = 0; i < b.n; ++i) values[i] = widen(x[i]);
  for (int64_t k = 1; k < b.size; ++k) {
    const T* line = x + k * b.stride;
    for (int64_t i = 0; i < b.n; ++i) {
      const Wide<T> next = widen(line[i]);
      if (!is_better<kMax>(next, values[i], b.select_last)) continue;
      values[i] = next;
      best[i] = k;
    }
  }
}

template <bool kMax>
ArgRun arg_run(DataType dtype) {
  ArgRun run = nullptr;
  const Status status = with_type(dtype, [&run](auto type) {
    run = &arg_block<kMax, typename decltype(type)::type>;
    return ok();
  });
  HONE_CHECK(status.ok());
  return run;
}

class PreparedArg final : public PreparedStep {
 public:
  PreparedArg(const PrepareArgs& args, bool max) {
    const TensorLayout& in = args.inputs[0];
    const TensorLayout& out = args.outputs[0];
    const auto& attributes = args.step->attr<ArgAttributes>();
    const int axis = *resolve_axis(attributes.axis, static_cast<size_t>(in.rank));
    block_ = {0, 0, in.shape[axis], in.stride[axis], attributes.select_last};
    run_ = max ? arg_run<true>(in.dtype) : arg_run<false>(in.dtype);
    wide_ = out.dtype == DataType::i64;
    size_ = static_cast<int64_t>(dtype_size(in.dtype));
    empty_ = out.num_elements() == 0;
    std::vector<int64_t> shape;
    std::vector<std::vector<int64_t>> strides(2);
    for (int i = 0; i < in.rank; ++i) {
      if (i == axis) continue;
      shape.push_back(in.shape[i]);
      strides[0].push_back(out.stride[attributes.keepdims || i < axis ? i : i - 1]);
      strides[1].push_back(in.stride[i]);
    }
    loops_ = StridedLoops(shape, strides);
  }

  Status run(const StepContext& context) const override {
    if (empty_) return ok();
    if (block_.size == 0) return Status(Code::kShape, "there is no extreme of no elements");
    ThreadPool::global().parallel_for(
        context.threads, loops_.blocks(), [&](int64_t begin, int64_t end, int) {
          loops_.run(begin, end,
                     [&](const int64_t* offsets, int64_t n) { run_block(context, offsets, n); });
        });
    return ok();
  }

 private:
  void run_block(const StepContext& context, const int64_t* offsets, int64_t n) const {
    int64_t best[kBlock];
    ArgBlock block = block_;
    block.n = n;
    block.step = loops_.step(1);
    run_(block, static_cast<const std::byte*>(context.inputs[0]) + offsets[1] * size_, best);
    const int64_t step = loops_.step(0);
    for (int64_t i = 0; i < n; ++i) {
      if (wide_) {
        static_cast<int64_t*>(context.outputs[0])[offsets[0] + i * step] = best[i];
      } else {
        static_cast<int32_t*>(context.outputs[0])[offsets[0] + i * step] =
            static_cast<int32_t>(best[i]);
      }
    }
  }

  StridedLoops loops_;
  ArgBlock block_ = {};
  ArgRun run_ = nullptr;
  int64_t size_ = 1;
  bool wide_ = true, empty_ = false;
};

class ArgTactic final : public Tactic {
 public:
  explicit ArgTactic(bool max) : max_(max) {}
  const char* name() const override { return max_ ? "arg_max" : "arg_min"; }
  int version() const override { return 1; }
  const char* op_name() const override { return max_ ? "ArgMax" : "ArgMin"; }
  Verdict can_run(const StepDesc& step, const Target&) const override {
    if (step.in_shape(0).size() > kMaxRank) return Verdict::no("rank over 8");
    return step.epilogue.empty() ? Verdict::yes() : Verdict::no("an epilogue");
  }
  std::unique_ptr<PreparedStep> prepare(const PrepareArgs& args) const override {
    return std::make_unique<PreparedArg>(args, max_);
  }

 private:
  bool max_;
};

}  // namespace

std::vector<std::unique_ptr<Tactic>> make_arg_reductions() {
  std::vector<std::unique_ptr<Tactic>> tactics;
  for (const bool max : {true, false}) tactics.push_back(std::make_unique<ArgTactic>(max));
  return tactics;
}

}  // namespace hone
