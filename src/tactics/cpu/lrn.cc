// LRN (kernels/cpu/lrn.h).
#include "tactics/cpu/lrn.h"

#include <fmt/core.h>

#include "base/thread_pool.h"
#include "kernels/cpu/lrn.h"
#include "ops/lrn.h"
#include "tactics/cpu/common.h"
#include "tactics/cpu/loop_nest.h"

namespace hone {
namespace {

using cpu::Isa;

class PreparedLrn final : public PreparedStep {
 public:
  PreparedLrn(const PrepareArgs& args, Isa isa) : run_(cpu::lrn_kernel(isa)) {
    const TensorLayout& in = args.inputs[0];
    const TensorLayout& out = args.outputs[0];
    const auto& attributes = args.step->attr<LrnAttributes>();
    problem_.channels = in.shape[in.rank - 1];
    problem_.before = (attributes.size - 1) / 2;
    problem_.after = attributes.size / 2;
    problem_.alpha = static_cast<float>(attributes.alpha / static_cast<double>(attributes.size));
    problem_.beta = static_cast<float>(attributes.beta);
    problem_.bias = static_cast<float>(attributes.bias);
    std::vector<LoopDim> dims;
    for (int i = 0; i + 1 < in.rank; ++i)
      dims.push_back({in.shape[i], in.stride[i], out.stride[i]});
    rows_ = merge_dims(dims);
    empty_ = in.num_elements() == 0;
  }

  Status run(const StepContext& context) const override {
    if (empty_) return ok();
    const auto* in = static_cast<const float*>(context.inputs[0]);
    auto* out = static_cast<float*>(context.outputs[0]);
    ThreadPool::global().parallel_for(context.threads, loop_count(rows_),
                                      [&](int64_t begin, int64_t end, int) {
                                        for (int64_t row = begin; row < end; ++row) {
                                          int64_t in_offset, out_offset;
                                          loop_offsets(rows_, row, &in_offset, &out_offset);
                                          run_(problem_, in + in_offset, out + out_offset, 0, 1);
                                        }
                                      });
    return ok();
  }

 private:
  cpu::LrnProblem problem_;
  std::vector<LoopDim> rows_;
  cpu::LrnRun run_;
  bool empty_;
};

class LrnTactic final : public Tactic {
 public:
  explicit LrnTactic(Isa isa) : isa_(isa), name_(fmt::format("lrn_{}", isa_name(isa))) {}
  const char* name() const override { return name_.c_str(); }
  int version() const override { return 1; }
  const char* op_name() const override { return "LRN"; }
  Verdict can_run(const StepDesc& step, const Target& target) const override {
    if (const Verdict verdict = target_has(target, isa_); !verdict.ok()) return verdict;
    if (!step.epilogue.empty()) return Verdict::no("an epilogue");
    const int64_t size = step.attr<LrnAttributes>().size;
    if (size > cpu::kMaxLrnWindow) return Verdict::no(fmt::format("{} channels at a time", size));
    return all_f32(step);
  }
  std::unique_ptr<PreparedStep> prepare(const PrepareArgs& args) const override {
    return std::make_unique<PreparedLrn>(args, isa_);
  }

 private:
  Isa isa_;
  std::string name_;
};

}  // namespace

std::unique_ptr<Tactic> make_lrn(cpu::Isa isa) { return std::make_unique<LrnTactic>(isa); }

}  // namespace hone
