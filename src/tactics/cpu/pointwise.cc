// Pointwise programs, and every pointwise operator standing alone, over broadcast FP32 tensors.
#include "ops/pointwise.h"

#include <fmt/core.h>

#include "base/check.h"
#include "base/thread_pool.h"
#include "tactics/cpu/cpu_tactics.h"
#include "tactics/cpu/program.h"

namespace hone {
namespace {

using cpu::Isa;

class PreparedPointwise final : public PreparedStep {
 public:
  PreparedPointwise(const PrepareArgs& args, Isa isa) : run_(cpu::pointwise_kernel(isa)) {
    const auto program = to_kernel_program(step_program(*args.step));
    HONE_CHECK(program.has_value());
    program_ = *program;
    const TensorLayout& out = args.outputs[0];
    const size_t count = args.inputs.size();
    std::vector<std::array<int64_t, kMaxRank>> strides(count);
    std::vector<const int64_t*> pointers(count);
    for (size_t i = 0; i < count; ++i) {
      broadcast_strides(args.inputs[i], out.rank, out.shape, strides[i].data());
      pointers[i] = strides[i].data();
    }
    loops_ = cpu::plan_pointwise_loops(out.rank, out.shape, out.stride, static_cast<int>(count),
                                       pointers.data());
  }

  Status run(const StepContext& context) const override {
    auto* out = static_cast<float*>(context.outputs[0]);
    const auto* inputs = reinterpret_cast<const float* const*>(context.inputs);
    ThreadPool::global().parallel_for(
        context.threads, loops_.num_blocks, [&](int64_t begin, int64_t end, int) {
          cpu::run_pointwise_blocks(run_, program_, loops_, out, inputs, begin, end);
        });
    return ok();
  }

 private:
  cpu::PointwiseProgram program_;
  cpu::PointwiseLoops loops_;
  cpu::PointwiseRun run_;
};

class PointwiseTactic final : public Tactic {
 public:
  PointwiseTactic(Isa isa, const OpDef& op)
      : isa_(isa), op_(op), name_(fmt::format("pointwise_{}", isa_name(isa))) {
    if (std::string_view(op.name) != "Pointwise") name_ += fmt::format("_{}", op.name);
  }

  const char* name() const override { return name_.c_str(); }
  int version() const override { return 2; }
  const char* op_name() const override { return op_.name; }

  Verdict can_run(const StepDesc& step, const Target& target) const override {
    if (const Verdict verdict = target_has(target, isa_); !verdict.ok()) return verdict;
    if (const Verdict verdict = all_f32(step); !verdict.ok()) return verdict;
    if (step.out_shape().size() > kMaxRank) return Verdict::no("rank over 8");
    if (step.inputs.size() > static_cast<size_t>(cpu::kMaxPointwiseInputs))
      return Verdict::no("too many inputs");
    if (!to_kernel_program(step_program(step))) return Verdict::no("the program is too long");
    return Verdict::yes();
  }
  bool may_overwrite(const StepDesc& step, size_t i) const override {
    return step.inputs[i].type == step.outputs[0].type;
  }
  std::unique_ptr<PreparedStep> prepare(const PrepareArgs& args) const override {
    return std::make_unique<PreparedPointwise>(args, isa_);
  }

 private:
  Isa isa_;
  const OpDef& op_;
  std::string name_;
};

}  // namespace

std::unique_ptr<Tactic> make_pointwise(cpu::Isa isa, const OpDef& op) {
  return std::make_unique<PointwiseTactic>(isa, op);
}

}  // namespace hone
