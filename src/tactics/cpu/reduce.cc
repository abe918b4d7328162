// ReduceSum, ReduceMean ... (kernels/cpu/reduce.h).
#include "kernels/cpu/reduce.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/thread_pool.h"
#include "kernels/cpu/copy.h"
#include "ops/infer.h"
#include "ops/reduction.h"
#include "tactics/cpu/common.h"
#include "tactics/cpu/cpu_tactics.h"
#include "tactics/cpu/loop_nest.h"

namespace hone {
namespace {

using cpu::Isa;
using cpu::ReduceFn;

struct NamedReduction {
  const char* op_name;
  ReduceFn fn;
};
constexpr NamedReduction kReductions[] = {
    {"ReduceSum", ReduceFn::kSum},   {"ReduceMean", ReduceFn::kMean},
    {"ReduceMax", ReduceFn::kMax},   {"ReduceMin", ReduceFn::kMin},
    {"ReduceProd", ReduceFn::kProd}, {"ReduceSumSquare", ReduceFn::kSumSquare},
    {"ReduceL1", ReduceFn::kL1},     {"ReduceL2", ReduceFn::kL2},
};

std::vector<bool> reduced_axes(const ReduceAttributes& attributes, size_t rank) {
  std::vector<bool> reduced(rank, attributes.axes.empty());
  for (int64_t axis : attributes.axes)
    reduced[static_cast<size_t>(*resolve_axis(axis, rank))] = true;
  return reduced;
}

// Runs of neighbouring reduced axes.
int reduced_runs(const std::vector<bool>& reduced) {
  int runs = 0;
  for (size_t i = 0; i < reduced.size(); ++i) runs += reduced[i] && (i == 0 || !reduced[i - 1]);
  return runs;
}

// A long reduction with few results, cut along a reduced axis: the results of the parts are reduced
// again. How it is cut depends on the problem only.
struct WideReduce {
  int64_t parts = 0;  // 0: not cut
  bool along_first = false;
  cpu::ReduceProblem joined;  // of the parts, stored [part][outer][inner]
  int64_t size = 0;           // of the axis that is cut

  cpu::ReduceProblem part(cpu::ReduceProblem p, int64_t i, int64_t* in_offset) const {
    const int64_t first = size * i / parts, count = size * (i + 1) / parts - first;
    *in_offset = first * (along_first ? p.reduce0_stride : p.reduce1_stride);
    (along_first ? p.reduce0 : p.reduce1) = count;
    p.fn = part_fn(p.fn);
    p.out_outer_stride = p.inner;
    return p;
  }
  static ReduceFn part_fn(ReduceFn fn) {
    return fn == ReduceFn::kMean ? ReduceFn::kSum : fn == ReduceFn::kL2 ? ReduceFn::kSumSquare : fn;
  }
  static ReduceFn join_fn(ReduceFn fn) {
    const bool same = fn == ReduceFn::kProd || fn == ReduceFn::kMax || fn == ReduceFn::kMin;
    return same ? fn : ReduceFn::kSum;
  }
};

WideReduce cut_wide(const cpu::ReduceProblem& p) {
  constexpr int64_t kFewItems = 16, kManyFloats = 64 << 10, kFloatsPerPart = 16 << 10;
  WideReduce wide;
  const int64_t floats = p.outer * p.reduce0 * p.reduce1 * p.inner;
  if (cpu::reduce_items(p) >= kFewItems || floats < kManyFloats) return wide;
  wide.along_first = p.reduce0 > 1;
  wide.size = wide.along_first ? p.reduce0 : p.reduce1;
  const int64_t parts = std::min({floats / kFloatsPerPart, wide.size, int64_t{64}});
  if (parts < 2) return wide;
  wide.parts = parts;
  wide.joined.fn = WideReduce::join_fn(p.fn);
  wide.joined.outer = p.outer;
  wide.joined.inner = p.inner;
  wide.joined.reduce1 = parts;
  wide.joined.outer_stride = p.inner;
  wide.joined.reduce1_stride = p.outer * p.inner;
  wide.joined.out_outer_stride = p.out_outer_stride;
  return wide;
}

class PreparedReduce final : public PreparedStep {
 public:
  PreparedReduce(const PrepareArgs& args, Isa isa, ReduceFn fn)
      : run_(cpu::reduce_kernel(isa)), in_(args.inputs[0]) {
    problem_.fn = fn;
    empty_ = args.outputs[0].num_elements() == 0;
    const auto& attributes = args.step->attr<ReduceAttributes>();
    if (!split(attributes, args.outputs[0])) {
      // Strides leave more than two loops to reduce: work on a dense copy.
      copy_bytes_ = static_cast<size_t>(in_.num_elements()) * sizeof(float);
      int64_t dense[kMaxRank];
      in_.dense_strides(dense);
      copy_ = cpu::plan_copy(sizeof(float), in_.rank, in_.shape, dense, in_.stride);
      std::copy(dense, dense + in_.rank, in_.stride);
      HONE_CHECK(split(attributes, args.outputs[0]));
    }
    if (!empty_ && rest_.empty()) wide_ = cut_wide(problem_);
  }

  size_t workspace_bytes() const override {
    const int64_t partial = wide_.parts * problem_.outer * problem_.inner;
    return round_up_to_line(copy_bytes_) + static_cast<size_t>(partial) * sizeof(float);
  }

  Status run(const StepContext& context) const override {
    if (empty_) return ok();
    ThreadPool& pool = ThreadPool::global();
    const auto* in = static_cast<const float*>(context.inputs[0]);
    if (copy_bytes_ > 0) {
      pool.parallel_for(context.threads, copy_.num_blocks, [&](int64_t begin, int64_t end, int) {
        cpu::run_copy_blocks(copy_, context.workspace, context.inputs[0], begin, end);
      });
      in = reinterpret_cast<const float*>(context.workspace);
    }
    auto* out = static_cast<float*>(context.outputs[0]);
    if (wide_.parts > 0) {
      run_wide(context, in, out);
      return ok();
    }
    const int64_t items = cpu::reduce_items(problem_);
    pool.parallel_for(
        context.threads, loop_count(rest_) * items, [&](int64_t begin, int64_t end, int) {
          for (int64_t i = begin; i < end; ++i) {
            int64_t in_offset, out_offset;
            loop_offsets(rest_, i / items, &in_offset, &out_offset);
            run_(problem_, in + in_offset, out + out_offset, i % items, i % items + 1);
          }
        });
    return ok();
  }

 private:
  void run_wide(const StepContext& context, const float* in, float* out) const {
    auto* partial = reinterpret_cast<float*>(context.workspace + round_up_to_line(copy_bytes_));
    const int64_t results = problem_.outer * problem_.inner;
    ThreadPool::global().parallel_for(
        context.threads, wide_.parts, [&](int64_t begin, int64_t end, int) {
          for (int64_t i = begin; i < end; ++i) {
            int64_t offset = 0;
            const cpu::ReduceProblem part = wide_.part(problem_, i, &offset);
            run_(part, in + offset, partial + i * results, 0, cpu::reduce_items(part));
          }
        });
    run_(wide_.joined, partial, out, 0, cpu::reduce_items(wide_.joined));
    const bool mean = problem_.fn == ReduceFn::kMean;
    if (!mean && problem_.fn != ReduceFn::kL2) return;
    const auto count = static_cast<float>(problem_.reduce0 * problem_.reduce1);
    for (int64_t o = 0; o < problem_.outer; ++o) {
      float* line = out + o * problem_.out_outer_stride;
      for (int64_t i = 0; i < problem_.inner; ++i) {
        line[i] = mean ? line[i] / count : std::sqrt(line[i]);
      }
    }
  }

  // Brings the axes to [rest_][outer][reduce0][reduce1][inner]. False if there are more reduced
  // loops.
  bool split(const ReduceAttributes& attributes, const TensorLayout& out) {
    const std::vector<bool> reduced = reduced_axes(attributes, static_cast<size_t>(in_.rank));
    std::vector<LoopDim> kept, sums;  // merged later; neighbours only
    std::vector<std::vector<LoopDim>> kept_runs, sum_runs;
    int out_axis = 0;
    for (int i = 0; i < in_.rank; ++i) {
      const bool r = reduced[static_cast<size_t>(i)];
      auto& runs = r ? sum_runs : kept_runs;
      if (i == 0 || reduced[static_cast<size_t>(i - 1)] != r) runs.emplace_back();
      runs.back().push_back({in_.shape[i], in_.stride[i], r ? 0 : out.stride[out_axis]});
      if (!r || attributes.keepdims) ++out_axis;
    }
    const bool last_kept = in_.rank > 0 && !reduced[static_cast<size_t>(in_.rank - 1)];
    for (auto& run : kept_runs) {
      for (const LoopDim& dim : merge_dims(run)) kept.push_back(dim);
    }
    for (auto& run : sum_runs) {
      for (const LoopDim& dim : merge_dims(run)) sums.push_back(dim);
    }
    if (sums.size() > 2) return false;
    problem_.inner = problem_.outer = problem_.reduce0 = problem_.reduce1 = 1;
    if (last_kept && !kept.empty() && kept.back().in_stride == 1 && kept.back().out_stride == 1) {
      problem_.inner = kept.back().size;
      kept.pop_back();
    }
    if (!kept.empty()) {
      problem_.outer = kept.back().size;
      problem_.outer_stride = kept.back().in_stride;
      problem_.out_outer_stride = kept.back().out_stride;
      kept.pop_back();
    }
    if (!sums.empty()) {
      problem_.reduce1 = sums.back().size;
      problem_.reduce1_stride = sums.back().in_stride;
    }
    if (sums.size() == 2) {
      problem_.reduce0 = sums.front().size;
      problem_.reduce0_stride = sums.front().in_stride;
    }
    rest_ = std::move(kept);
    return true;
  }

  cpu::ReduceProblem problem_;
  std::vector<LoopDim> rest_;
  cpu::ReduceRun run_;
  WideReduce wide_;
  TensorLayout in_;
  cpu::CopyPlan copy_ = {};
  size_t copy_bytes_ = 0;
  bool empty_;
};

class ReduceTactic final : public Tactic {
 public:
  ReduceTactic(Isa isa, const NamedReduction& reduction)
      : isa_(isa),
        reduction_(reduction),
        name_(fmt::format("{}_{}", reduction.op_name, isa_name(isa))) {}
  const char* name() const override { return name_.c_str(); }
  int version() const override { return 2; }
  const char* op_name() const override { return reduction_.op_name; }
  Verdict can_run(const StepDesc& step, const Target& target) const override {
    if (const Verdict verdict = target_has(target, isa_); !verdict.ok()) return verdict;
    if (!step.epilogue.empty()) return Verdict::no("an epilogue");
    if (step.in_shape(0).size() > kMaxRank) return Verdict::no("rank over 8");
    if (reduced_runs(reduced_axes(step.attr<ReduceAttributes>(), step.in_shape(0).size())) > 2) {
      return Verdict::no("more than two separate groups of axes");
    }
    return all_f32(step);
  }
  std::unique_ptr<PreparedStep> prepare(const PrepareArgs& args) const override {
    return std::make_unique<PreparedReduce>(args, isa_, reduction_.fn);
  }

 private:
  Isa isa_;
  NamedReduction reduction_;
  std::string name_;
};

}  // namespace

std::vector<std::unique_ptr<Tactic>> make_reductions(cpu::Isa isa) {
  std::vector<std::unique_ptr<Tactic>> tactics;
  for (const NamedReduction& reduction : kReductions) {
    tactics.push_back(std::make_unique<ReduceTactic>(isa, reduction));
  }
  return tactics;
}

}  // namespace hone
