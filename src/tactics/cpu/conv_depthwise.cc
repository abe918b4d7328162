// Conv with one group per input channel (kernels/cpu/depthwise.h): no halo needed.
#include <fmt/core.h>

#include "base/thread_pool.h"
#include "kernels/cpu/depthwise.h"
#include "tactics/cpu/conv_problem.h"
#include "tactics/cpu/cpu_tactics.h"

namespace hone {
namespace {

using cpu::Isa;

class PreparedDepthwise final : public PreparedStep {
 public:
  PreparedDepthwise(const PrepareArgs& args, Isa isa) : epilogue_(split_epilogue(*args.step)) {
    problem_ = depthwise_problem(conv_problem(args, epilogue_));
    set_strides(args.inputs[0], problem_.in_strides);
    set_strides(args.outputs[0], problem_.out_strides);
    if (epilogue_.addend >= 0) {
      set_strides(args.inputs[static_cast<size_t>(epilogue_.addend)], problem_.addend_strides);
    }
    rest_.prepare(epilogue_, args, isa);
    run_ = cpu::depthwise_kernel(isa);
    packed_ = reinterpret_cast<const float*>(args.packed);
  }

  Status run(const StepContext& context) const override {
    const int64_t items = cpu::depthwise_items(problem_);
    if (items == 0 || problem_.out_w == 0) return ok();
    cpu::DepthwisePointers pointers;
    pointers.input = static_cast<const float*>(context.inputs[0]);
    pointers.packed = packed_;
    pointers.output = static_cast<float*>(context.outputs[0]);
    set_epilogue(epilogue_, context, &pointers);
    EpilogueRest::Call call;
    rest_.attach(context, &call, &pointers);
    ThreadPool::global().parallel_for(context.threads, items, [&](int64_t begin, int64_t end, int) {
      run_(problem_, pointers, begin, end);
    });
    return ok();
  }

 private:
  FusedEpilogue epilogue_;
  cpu::DepthwiseProblem problem_;
  EpilogueRest rest_;
  cpu::DepthwiseRun run_;
  const float* packed_;
};

class ConvDepthwise final : public Tactic {
 public:
  explicit ConvDepthwise(Isa isa)
      : isa_(isa), name_(fmt::format("conv_depthwise_{}", isa_name(isa))) {}

  const char* name() const override { return name_.c_str(); }
  int version() const override { return 1; }
  const char* op_name() const override { return "Conv"; }

  Verdict can_run(const StepDesc& step, const Target& target) const override {
    if (const Verdict verdict = target_has(target, isa_); !verdict.ok()) return verdict;
    if (const Verdict verdict = conv_basics(step); !verdict.ok()) return verdict;
    if (step.in_shape(0).size() == 5) return Verdict::no("3 spatial dimensions");
    const cpu::ConvProblem p = conv_problem(step);
    if (p.groups != p.in_c)
      return Verdict::no(fmt::format("{} groups for {} channels", p.groups, p.in_c));
    return Verdict::yes();
  }
  bool may_overwrite(const StepDesc& step, size_t i) const override {
    return output_may_replace_addend(step, i);
  }
  size_t packed_bytes(const StepDesc& step, const Target&, const Config&) const override {
    return static_cast<size_t>(
               cpu::packed_depthwise_floats(depthwise_problem(conv_problem(step)), isa_)) *
           sizeof(float);
  }
  std::vector<size_t> replaced_inputs(const StepDesc&) const override { return {1}; }
  void pack_weights(const StepDesc& step, const Target&, const Config&,
                    std::byte* packed) const override {
    cpu::pack_depthwise(depthwise_problem(conv_problem(step)), isa_,
                        step.inputs[1].constant->data<float>(), reinterpret_cast<float*>(packed));
  }
  std::unique_ptr<PreparedStep> prepare(const PrepareArgs& args) const override {
    return std::make_unique<PreparedDepthwise>(args, isa_);
  }

 private:
  Isa isa_;
  std::string name_;
};

}  // namespace

std::unique_ptr<Tactic> make_conv_depthwise(cpu::Isa isa) {
  return std::make_unique<ConvDepthwise>(isa);
}

}  // namespace hone
