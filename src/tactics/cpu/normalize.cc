// LayerNormalization and RMSNormalization over the last axes (kernels/cpu/normalize.h).
#include "kernels/cpu/normalize.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/thread_pool.h"
#include "ops/infer.h"
#include "ops/normalization.h"
#include "tactics/cpu/common.h"
#include "tactics/cpu/cpu_tactics.h"
#include "tactics/cpu/loop_nest.h"

namespace hone {
namespace {

using cpu::Isa;

// The first of the axes, if the others are all behind it; dimensions of size 1 do not count. The
// rank where there are no others. -1 if there is another dimension between or behind them.
int first_axis(const StepDesc& step) {
  const Shape& shape = step.in_shape(0);
  const auto axes = *resolve_axes(step.attr<NormalizationAttributes>().axes, shape.size());
  auto first = static_cast<int>(shape.size());
  for (int i = first - 1; i >= 0; --i) {
    if (shape[static_cast<size_t>(i)] == Dim(1)) continue;
    const bool reduced = std::find(axes.begin(), axes.end(), i) != axes.end();
    if (reduced && std::any_of(shape.begin() + i + 1, shape.begin() + first,
                               [](const Dim& dim) { return dim != Dim(1); })) {
      return -1;
    }
    if (reduced) first = i;
  }
  return first;
}

// Whether scale or bias has one element for each element of a row, in the same order.
bool is_row(const Shape& operand, const Shape& data, int first) {
  const size_t missing = data.size() - operand.size();
  for (size_t i = 0; i < data.size(); ++i) {
    const Dim dim = i < missing ? Dim(1) : operand[i - missing];
    if (dim != (i < static_cast<size_t>(first) ? Dim(1) : data[i])) return false;
  }
  return true;
}

// Only one dimension is not 1: no strides that matter.
bool is_vector(const Shape& shape) {
  return std::count_if(shape.begin(), shape.end(), [](const Dim& d) { return d != Dim(1); }) <= 1;
}

class PreparedNormalize final : public PreparedStep {
 public:
  PreparedNormalize(const PrepareArgs& args, Isa isa, bool centred)
      : run_(cpu::normalize_kernel(isa)), operands_(args.inputs.size()) {
    const TensorLayout& in = args.inputs[0];
    const TensorLayout& out = args.outputs[0];
    problem_.centred = centred;
    problem_.epsilon = static_cast<float>(args.step->attr<NormalizationAttributes>().epsilon);
    const int first = first_axis(*args.step);
    std::vector<LoopDim> inner = loop_dims(in, out, first, in.rank);
    rest_ = loop_dims(in, out, 0, first);
    if (!inner.empty() && inner.back().in_stride == 1 && inner.back().out_stride == 1) {
      problem_.length = inner.back().size;
      inner.pop_back();
    }
    problem_.segments = loop_count(inner);
    for (int64_t s = 0; s < problem_.segments; ++s) {
      int64_t in_offset, out_offset;
      loop_offsets(inner, s, &in_offset, &out_offset);
      in_segments_.push_back(in_offset);
      out_segments_.push_back(out_offset);
    }
    problem_.in_segments = in_segments_.data();
    problem_.out_segments = out_segments_.data();
    if (!rest_.empty()) {
      rows_ = rest_.back().size;
      problem_.in_stride = rest_.back().in_stride;
      problem_.out_stride = rest_.back().out_stride;
      rest_.pop_back();
    }
    empty_ = in.num_elements() == 0;
  }

  Status run(const StepContext& context) const override {
    if (empty_) return ok();
    const auto* in = static_cast<const float*>(context.inputs[0]);
    auto* out = static_cast<float*>(context.outputs[0]);
    const auto* scale = operands_ > 1 ? static_cast<const float*>(context.inputs[1]) : nullptr;
    const auto* bias = operands_ > 2 ? static_cast<const float*>(context.inputs[2]) : nullptr;
    ThreadPool::global().parallel_for(
        context.threads, loop_count(rest_) * rows_, [&](int64_t begin, int64_t end, int) {
          for (int64_t i = begin; i < end;) {
            const int64_t row = i % rows_, count = std::min(end - i, rows_ - row);
            int64_t in_offset, out_offset;
            loop_offsets(rest_, i / rows_, &in_offset, &out_offset);
            run_(problem_, in + in_offset, out + out_offset, scale, bias, row, row + count);
            i += count;
          }
        });
    return ok();
  }

 private:
  static std::vector<LoopDim> loop_dims(const TensorLayout& in, const TensorLayout& out, int first,
                                        int last) {
    std::vector<LoopDim> dims;
    for (int i = first; i < last; ++i) dims.push_back({in.shape[i], in.stride[i], out.stride[i]});
    return merge_dims(dims);
  }

  cpu::NormalizeProblem problem_;
  std::vector<int64_t> in_segments_, out_segments_;
  std::vector<LoopDim> rest_;
  int64_t rows_ = 1;
  cpu::NormalizeRun run_;
  size_t operands_;
  bool empty_;
};

class NormalizeTactic final : public Tactic {
 public:
  NormalizeTactic(Isa isa, bool centred)
      : isa_(isa),
        centred_(centred),
        name_(fmt::format("{}_norm_{}", centred ? "layer" : "rms", isa_name(isa))) {}
  const char* name() const override { return name_.c_str(); }
  int version() const override { return 1; }
  const char* op_name() const override {
    return centred_ ? "LayerNormalization" : "RMSNormalization";
  }
  Verdict can_run(const StepDesc& step, const Target& target) const override {
    if (const Verdict verdict = target_has(target, isa_); !verdict.ok()) return verdict;
    if (!step.epilogue.empty()) return Verdict::no("an epilogue");
    if (step.in_shape(0).size() > kMaxRank) return Verdict::no("rank over 8");
    const int first = first_axis(step);
    if (first < 0) return Verdict::no("the axes are not the last ones");
    for (size_t i = 1; i < step.inputs.size(); ++i) {
      if (!is_row(step.in_shape(i), step.in_shape(0), first)) {
        return Verdict::no("scale or bias does not have one element for each of a row");
      }
      if (!step.inputs[i].is_constant && !is_vector(step.in_shape(i))) {
        return Verdict::no("scale or bias of several dimensions is not constant");
      }
    }
    return all_f32(step);
  }
  bool may_overwrite(const StepDesc&, size_t i) const override { return i == 0; }
  std::unique_ptr<PreparedStep> prepare(const PrepareArgs& args) const override {
    return std::make_unique<PreparedNormalize>(args, isa_, centred_);
  }

 private:
  Isa isa_;
  bool centred_;
  std::string name_;
};

}  // namespace

std::vector<std::unique_ptr<Tactic>> make_normalizations(cpu::Isa isa) {
  std::vector<std::unique_ptr<Tactic>> tactics;
  tactics.push_back(std::make_unique<NormalizeTactic>(isa, true));
  tactics.push_back(std::make_unique<NormalizeTactic>(isa, false));
  return tactics;
}

}  // namespace hone
