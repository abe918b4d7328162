// MaxPool and AveragePool (kernels/cpu/pool.h).
#include "kernels/cpu/pool.h"

#include <fmt/core.h>

#include "base/check.h"
#include "base/thread_pool.h"
#include "ops/spatial.h"
#include "tactics/cpu/cpu_tactics.h"
#include "tactics/cpu/program.h"

namespace hone {
namespace {

using cpu::Isa;

cpu::PoolProblem pool_problem(const PrepareArgs& args) {
  const auto& attributes = args.step->attr<PoolAttributes>();
  const TensorLayout& in = args.inputs[0];
  const TensorLayout& out = args.outputs[0];
  const int spatial = in.rank - 2;
  auto windows = resolve_windows(attributes, {in.shape + 1, in.shape + 1 + spatial});
  HONE_CHECK(windows.ok());
  cpu::PoolProblem p;
  p.batch = in.shape[0];
  p.channels = in.shape[in.rank - 1];
  p.count_include_pad = attributes.count_include_pad;
  p.in_strides[0] = in.stride[0];
  p.out_strides[0] = out.stride[0];
  for (int i = 0; i < spatial; ++i) {
    const int axis = 3 - spatial + i;
    const Window& window = (*windows)[static_cast<size_t>(i)];
    p.in[axis] = in.shape[1 + i];
    p.out[axis] = out.shape[1 + i];
    p.kernel[axis] = window.kernel;
    p.stride[axis] = window.stride;
    p.dilation[axis] = window.dilation;
    p.pad_before[axis] = window.pad_begin;
    p.pad_after[axis] = window.pad_end;
    p.in_strides[1 + axis] = in.stride[1 + i];
    p.out_strides[1 + axis] = out.stride[1 + i];
  }
  return p;
}

class PreparedPool final : public PreparedStep {
 public:
  PreparedPool(const PrepareArgs& args, cpu::PoolRun run)
      : problem_(pool_problem(args)), run_(run) {
    empty_ = args.outputs[0].num_elements() == 0;
  }
  Status run(const StepContext& context) const override {
    if (empty_) return ok();
    const auto* in = static_cast<const float*>(context.inputs[0]);
    auto* out = static_cast<float*>(context.outputs[0]);
    ThreadPool::global().parallel_for(
        context.threads, cpu::pool_items(problem_),
        [&](int64_t begin, int64_t end, int) { run_(problem_, in, out, begin, end); });
    return ok();
  }

 private:
  cpu::PoolProblem problem_;
  cpu::PoolRun run_;
  bool empty_;
};

class Pool final : public Tactic {
 public:
  Pool(Isa isa, bool max)
      : isa_(isa),
        max_(max),
        name_(fmt::format("{}_pool_{}", max ? "max" : "average", isa_name(isa))) {}

  const char* name() const override { return name_.c_str(); }
  int version() const override { return 1; }
  const char* op_name() const override { return max_ ? "MaxPool" : "AveragePool"; }

  Verdict can_run(const StepDesc& step, const Target& target) const override {
    if (const Verdict verdict = target_has(target, isa_); !verdict.ok()) return verdict;
    if (const Verdict verdict = all_f32(step); !verdict.ok()) return verdict;
    if (!step.epilogue.empty()) return Verdict::no("an epilogue");
    if (step.in_shape(0).size() < 3 || step.in_shape(0).size() > 5)
      return Verdict::no("not 1 to 3 spatial dimensions");
    for (int64_t pad : step.attr<PoolAttributes>().pads) {
      if (pad < 0) return Verdict::no("negative padding");
    }
    return Verdict::yes();
  }
  std::unique_ptr<PreparedStep> prepare(const PrepareArgs& args) const override {
    return std::make_unique<PreparedPool>(
        args, max_ ? cpu::max_pool_kernel(isa_) : cpu::average_pool_kernel(isa_));
  }

 private:
  Isa isa_;
  bool max_;
  std::string name_;
};

}  // namespace

std::unique_ptr<Tactic> make_max_pool(cpu::Isa isa) { return std::make_unique<Pool>(isa, true); }
std::unique_ptr<Tactic> make_average_pool(cpu::Isa isa) {
  return std::make_unique<Pool>(isa, false);
}

}  // namespace hone
