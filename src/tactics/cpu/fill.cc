// Fill, Range, Shape and Size: tensors made of scalars.
#include <algorithm>
#include <vector>

#include "base/check.h"
#include "kernels/cpu/copy.h"
#include "ops/eval.h"
#include "tactics/cpu/common.h"
#include "tactics/cpu/cpu_tactics.h"

namespace hone {
namespace {

class PreparedFill final : public PreparedStep {
 public:
  explicit PreparedFill(const PrepareArgs& args) : out_(args.outputs[0]) {}
  Status run(const StepContext& context) const override {
    if (out_.num_elements() == 0) return ok();
    cpu::fill_strided(static_cast<int>(dtype_size(out_.dtype)), out_.rank, out_.shape,
                      context.outputs[0], out_.stride, context.inputs[1]);
    return ok();
  }

 private:
  TensorLayout out_;
};

class FillTactic final : public Tactic {
 public:
  const char* name() const override { return "fill"; }
  int version() const override { return 1; }
  const char* op_name() const override { return "Fill"; }
  Verdict can_run(const StepDesc& step, const Target&) const override {
    if (step.outputs[0].type.dtype == DataType::string) return Verdict::no("strings");
    if (step.out_shape().size() > kMaxRank) return Verdict::no("rank over 8");
    return step.epilogue.empty() ? Verdict::yes() : Verdict::no("an epilogue");
  }
  std::unique_ptr<PreparedStep> prepare(const PrepareArgs& args) const override {
    return std::make_unique<PreparedFill>(args);
  }
};

using RangeRun = void (*)(const void* start, const void* delta, int64_t n, void* out,
                          int64_t stride);

// The shape holds how many elements there are; the limit is not read again.
class PreparedRange final : public PreparedStep {
 public:
  explicit PreparedRange(const PrepareArgs& args) : out_(args.outputs[0]) {
    const Status status = with_type(out_.dtype, [&](auto type) {
      using T = typename decltype(type)::type;
      run_ = [](const void* start, const void* delta, int64_t n, void* out, int64_t stride) {
        const Wide<T> first = widen(*static_cast<const T*>(start));
        const Wide<T> step = widen(*static_cast<const T*>(delta));
        for (int64_t i = 0; i < n; ++i) {
          static_cast<T*>(out)[i * stride] = narrow<T>(first + static_cast<Wide<T>>(i) * step);
        }
      };
      return ok();
    });
    HONE_CHECK(status.ok());
  }
  Status run(const StepContext& context) const override {
    run_(context.inputs[0], context.inputs[2], out_.shape[0], context.outputs[0], out_.stride[0]);
    return ok();
  }

 private:
  TensorLayout out_;
  RangeRun run_ = nullptr;
};

class RangeTactic final : public Tactic {
 public:
  const char* name() const override { return "range"; }
  int version() const override { return 1; }
  const char* op_name() const override { return "Range"; }
  Verdict can_run(const StepDesc& step, const Target&) const override {
    return step.epilogue.empty() ? Verdict::yes() : Verdict::no("an epilogue");
  }
  std::unique_ptr<PreparedStep> prepare(const PrepareArgs& args) const override {
    return std::make_unique<PreparedRange>(args);
  }
};

// The sizes are known when shapes are bound.
class PreparedShape final : public PreparedStep {
 public:
  PreparedShape(const TensorLayout& in, bool all) : numbers_(in.shape, in.shape + in.rank) {
    if (!all) numbers_ = {in.num_elements()};
  }
  Status run(const StepContext& context) const override {
    std::copy(numbers_.begin(), numbers_.end(), static_cast<int64_t*>(context.outputs[0]));
    return ok();
  }

 private:
  std::vector<int64_t> numbers_;
};

class ShapeTactic final : public Tactic {
 public:
  explicit ShapeTactic(bool all) : all_(all) {}
  const char* name() const override { return all_ ? "shape" : "size"; }
  int version() const override { return 1; }
  const char* op_name() const override { return all_ ? "Shape" : "Size"; }
  Verdict can_run(const StepDesc& step, const Target&) const override {
    if (step.outputs[0].type.dtype != DataType::i64) return Verdict::no("the result is not i64");
    if (step.in_shape(0).size() > kMaxRank) return Verdict::no("rank over 8");
    return step.epilogue.empty() ? Verdict::yes() : Verdict::no("an epilogue");
  }
  std::unique_ptr<PreparedStep> prepare(const PrepareArgs& args) const override {
    return std::make_unique<PreparedShape>(args.inputs[0], all_);
  }

 private:
  bool all_;
};

}  // namespace

std::vector<std::unique_ptr<Tactic>> make_shapes() {
  std::vector<std::unique_ptr<Tactic>> tactics;
  for (const bool all : {true, false}) tactics.push_back(std::make_unique<ShapeTactic>(all));
  return tactics;
}
std::unique_ptr<Tactic> make_fill() { return std::make_unique<FillTactic>(); }
std::unique_ptr<Tactic> make_range() { return std::make_unique<RangeTactic>(); }

}  // namespace hone
