// Pad with a constant. Any dtype but string.
#include <algorithm>
#include <cstring>

#include "base/thread_pool.h"
#include "kernels/cpu/copy.h"
#include "ops/movement.h"
#include "tactics/cpu/common.h"
#include "tactics/cpu/cpu_tactics.h"

namespace hone {
namespace {

Verdict plain_data(const StepDesc& step) {
  if (step.outputs[0].type.dtype == DataType::string) return Verdict::no("strings");
  if (step.out_shape().size() > kMaxRank || step.in_shape(0).size() > kMaxRank)
    return Verdict::no("rank over 8");
  if (!step.epilogue.empty()) return Verdict::no("an epilogue");
  return Verdict::yes();
}

class PreparedPad final : public PreparedStep {
 public:
  explicit PreparedPad(const PrepareArgs& args)
      : in_(args.inputs[0]),
        out_(args.outputs[0]),
        has_value_(args.step->inputs.size() > 2),
        size_(static_cast<int>(dtype_size(out_.dtype))) {
    before_ = *args.step->inputs[1].constant->as_int64s();
    empty_ = out_.num_elements() == 0;
  }
  Status run(const StepContext& context) const override {
    if (empty_) return ok();
    std::byte zero[8] = {};
    const void* value = has_value_ ? context.inputs[2] : zero;
    ThreadPool::global().parallel_for(
        context.threads, out_.rank > 0 ? out_.shape[0] : 1, [&](int64_t begin, int64_t end, int) {
          cpu::pad_constant(size_, out_.rank, out_.shape, context.outputs[0], out_.stride,
                            in_.shape, context.inputs[0], in_.stride, before_.data(), value, begin,
                            end);
        });
    return ok();
  }

 private:
  TensorLayout in_, out_;
  bool has_value_;
  int size_;
  std::vector<int64_t> before_;
  bool empty_;
};

class PadTactic final : public Tactic {
 public:
  const char* name() const override { return "pad_constant"; }
  int version() const override { return 1; }
  const char* op_name() const override { return "Pad"; }
  Verdict can_run(const StepDesc& step, const Target&) const override {
    if (step.attr<PadAttributes>().mode != "constant")
      return Verdict::no("mode " + step.attr<PadAttributes>().mode);
    if (!step.inputs[1].constant || !step.inputs[1].constant->as_int64s())
      return Verdict::no("pads are not constant");
    return plain_data(step);
  }
  std::unique_ptr<PreparedStep> prepare(const PrepareArgs& args) const override {
    return std::make_unique<PreparedPad>(args);
  }
};

}  // namespace

std::unique_ptr<Tactic> make_pad() { return std::make_unique<PadTactic>(); }

}  // namespace hone
