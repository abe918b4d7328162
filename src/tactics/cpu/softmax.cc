// Softmax and LogSoftmax over any axis (kernels/cpu/softmax.h).
#include "kernels/cpu/softmax.h"

#include <fmt/core.h>

#include "base/thread_pool.h"
#include "ops/infer.h"
#include "ops/reduction.h"
#include "tactics/cpu/common.h"
#include "tactics/cpu/cpu_tactics.h"
#include "tactics/cpu/loop_nest.h"

namespace hone {
namespace {

using cpu::Isa;

std::vector<LoopDim> loop_dims(const TensorLayout& in, const TensorLayout& out, int first,
                               int last) {
  std::vector<LoopDim> dims;
  for (int i = first; i < last; ++i) dims.push_back({in.shape[i], in.stride[i], out.stride[i]});
  return merge_dims(dims);
}

class PreparedSoftmax final : public PreparedStep {
 public:
  PreparedSoftmax(const PrepareArgs& args, Isa isa, bool log) : run_(cpu::softmax_kernel(isa)) {
    const TensorLayout& in = args.inputs[0];
    const TensorLayout& out = args.outputs[0];
    const int axis =
        *resolve_axis(args.step->attr<SoftmaxAttributes>().axis, static_cast<size_t>(in.rank));
    problem_.log = log;
    problem_.axis = in.shape[axis];
    problem_.in_axis_stride = in.stride[axis];
    problem_.out_axis_stride = out.stride[axis];
    std::vector<LoopDim> inner = loop_dims(in, out, axis + 1, in.rank);
    std::vector<LoopDim> outer = loop_dims(in, out, 0, axis);
    if (!inner.empty() && inner.back().in_stride == 1 && inner.back().out_stride == 1) {
      problem_.inner = inner.back().size;
      inner.pop_back();
    }
    if (!outer.empty()) {
      problem_.outer = outer.back().size;
      problem_.in_outer_stride = outer.back().in_stride;
      problem_.out_outer_stride = outer.back().out_stride;
      outer.pop_back();
    }
    rest_ = std::move(outer);
    rest_.insert(rest_.end(), inner.begin(), inner.end());
    empty_ = in.num_elements() == 0;
  }

  Status run(const StepContext& context) const override {
    if (empty_) return ok();
    const int64_t count = loop_count(rest_), items = cpu::softmax_items(problem_);
    const auto* in = static_cast<const float*>(context.inputs[0]);
    auto* out = static_cast<float*>(context.outputs[0]);
    ThreadPool::global().parallel_for(
        context.threads, count * items, [&](int64_t begin, int64_t end, int) {
          for (int64_t i = begin; i < end; ++i) {
            int64_t in_offset, out_offset;
            loop_offsets(rest_, i / items, &in_offset, &out_offset);
            run_(problem_, in + in_offset, out + out_offset, i % items, i % items + 1);
          }
        });
    return ok();
  }

 private:
  cpu::SoftmaxProblem problem_;
  std::vector<LoopDim> rest_;
  cpu::SoftmaxRun run_;
  bool empty_;
};

class SoftmaxTactic final : public Tactic {
 public:
  SoftmaxTactic(Isa isa, bool log)
      : isa_(isa),
        log_(log),
        name_(fmt::format("{}softmax_{}", log ? "log_" : "", isa_name(isa))) {}
  const char* name() const override { return name_.c_str(); }
  int version() const override { return 1; }
  const char* op_name() const override { return log_ ? "LogSoftmax" : "Softmax"; }
  Verdict can_run(const StepDesc& step, const Target& target) const override {
    if (const Verdict verdict = target_has(target, isa_); !verdict.ok()) return verdict;
    if (!step.epilogue.empty()) return Verdict::no("an epilogue");
    if (step.in_shape(0).empty()) return Verdict::no("a scalar");
    return all_f32(step);
  }
  bool may_overwrite(const StepDesc&, size_t i) const override { return i == 0; }
  std::unique_ptr<PreparedStep> prepare(const PrepareArgs& args) const override {
    return std::make_unique<PreparedSoftmax>(args, isa_, log_);
  }

 private:
  Isa isa_;
  bool log_;
  std::string name_;
};

}  // namespace

std::vector<std::unique_ptr<Tactic>> make_softmaxes(cpu::Isa isa) {
  std::vector<std::unique_ptr<Tactic>> tactics;
  tactics.push_back(std::make_unique<SoftmaxTactic>(isa, false));
  tactics.push_back(std::make_unique<SoftmaxTactic>(isa, true));
  return tactics;
}

}  // namespace hone
