// Operators that move elements: strided copies where lowering could not make a view. Any dtype but
// string, any CPU.
#include "kernels/cpu/copy.h"

#include <fmt/core.h>

#include <algorithm>
#include <functional>

#include "base/check.h"
#include "base/thread_pool.h"
#include "ops/infer.h"
#include "ops/movement.h"
#include "tactics/cpu/common.h"
#include "tactics/cpu/cpu_tactics.h"

namespace hone {
namespace {

// REQUIRES: inference has accepted the axis.
int from_front(int64_t axis, int rank) { return *resolve_axis(axis, static_cast<size_t>(rank)); }

// One strided copy: from element `in_offset` of input `input` to element `out_offset` of output
// `output`.
struct Move {
  cpu::CopyPlan plan;
  size_t input = 0, output = 0;
  int64_t in_offset = 0, out_offset = 0;
};

Move make_move(int rank, const int64_t* shape, const TensorLayout& out, const int64_t* out_strides,
               const int64_t* in_strides) {
  Move move;
  move.plan =
      cpu::plan_copy(static_cast<int>(dtype_size(out.dtype)), rank, shape, out_strides, in_strides);
  return move;
}

std::vector<Move> reshape_moves(const PrepareArgs& args) {
  // Element order is the same on both sides: view each as the other's shape where strides allow,
  // else go through the longest common factors. Dense sides (the usual case) take any shape.
  const TensorLayout& in = args.inputs[0];
  const TensorLayout& out = args.outputs[0];
  int64_t strides[kMaxRank];
  if (in.dense()) {
    out.dense_strides(strides);
    return {make_move(out.rank, out.shape, out, out.stride, strides)};
  }
  HONE_CHECK(
      out.dense());  // can_run's promise: lowering gives a halo or a slice to one side at most
  in.dense_strides(strides);
  return {make_move(in.rank, in.shape, out, strides, in.stride)};
}

std::vector<Move> concat_moves(const PrepareArgs& args) {
  const TensorLayout& out = args.outputs[0];
  const int axis = from_front(args.step->attr<ConcatAttributes>().axis, out.rank);
  std::vector<Move> moves;
  int64_t start = 0;
  for (size_t i = 0; i < args.inputs.size(); ++i) {
    const TensorLayout& in = args.inputs[i];
    Move move = make_move(out.rank, in.shape, out, out.stride, in.stride);
    move.input = i;
    move.out_offset = start * out.stride[axis];
    start += in.shape[axis];
    moves.push_back(move);
  }
  return moves;
}

std::vector<Move> split_moves(const PrepareArgs& args) {
  const TensorLayout& in = args.inputs[0];
  const int axis = from_front(args.step->attr<SplitAttributes>().axis, in.rank);
  std::vector<Move> moves;
  int64_t start = 0;
  for (size_t i = 0; i < args.outputs.size(); ++i) {
    const TensorLayout& out = args.outputs[i];
    Move move = make_move(out.rank, out.shape, out, out.stride, in.stride);
    move.output = i;
    move.in_offset = start * in.stride[axis];
    start += out.shape[axis];
    moves.push_back(move);
  }
  return moves;
}

std::vector<Move> transpose_moves(const PrepareArgs& args) {
  const TensorLayout& in = args.inputs[0];
  const TensorLayout& out = args.outputs[0];
  const auto& perm = args.step->attr<TransposeAttributes>().perm;
  int64_t strides[kMaxRank];
  for (int i = 0; i < out.rank; ++i) {
    strides[i] = in.stride[perm.empty() ? out.rank - 1 - i : perm[static_cast<size_t>(i)]];
  }
  return {make_move(out.rank, out.shape, out, out.stride, strides)};
}

std::vector<Move> expand_moves(const PrepareArgs& args) {
  const TensorLayout& out = args.outputs[0];
  int64_t strides[kMaxRank];
  broadcast_strides(args.inputs[0], out.rank, out.shape, strides);
  return {make_move(out.rank, out.shape, out, out.stride, strides)};
}

// The result seen as [repeat 0, dim 0, repeat 1, dim 1 ...]; repeats have stride 0 in the input.
std::vector<Move> tile_moves(const PrepareArgs& args) {
  const TensorLayout& in = args.inputs[0];
  const TensorLayout& out = args.outputs[0];
  if (out.num_elements() == 0) return {};
  std::vector<int64_t> shape, in_strides, out_strides;
  for (int i = 0; i < in.rank; ++i) {
    const int64_t repeats = out.shape[i] / in.shape[i];
    if (repeats > 1) {
      shape.push_back(repeats);
      in_strides.push_back(0);
      out_strides.push_back(in.shape[i] * out.stride[i]);
    }
    shape.push_back(in.shape[i]);
    in_strides.push_back(in.stride[i]);
    out_strides.push_back(out.stride[i]);
  }
  return {make_move(static_cast<int>(shape.size()), shape.data(), out, out_strides.data(),
                    in_strides.data())};
}

// REQUIRES: constant starts, axes and steps (see slice_is_fixed).
std::vector<Move> slice_moves(const PrepareArgs& args) {
  const TensorLayout& in = args.inputs[0];
  const TensorLayout& out = args.outputs[0];
  const auto ints = [&](size_t i) { return *args.step->inputs[i].constant->as_int64s(); };
  const std::vector<int64_t> starts = ints(1);
  const size_t inputs = args.step->inputs.size();
  int64_t strides[kMaxRank], offset = 0;
  std::copy(in.stride, in.stride + in.rank, strides);
  for (size_t i = 0; i < starts.size(); ++i) {
    const int axis = inputs > 3 ? from_front(ints(3)[i], in.rank) : static_cast<int>(i);
    const int64_t step = inputs > 4 ? ints(4)[i] : 1;
    const int64_t size = in.shape[axis];
    int64_t start = starts[i] < 0 ? starts[i] + size : starts[i];
    start =
        step > 0 ? std::clamp<int64_t>(start, 0, size) : std::clamp<int64_t>(start, -1, size - 1);
    if (out.shape[axis] > 0) offset += start * in.stride[axis];
    strides[axis] = in.stride[axis] * step;
  }
  Move move = make_move(out.rank, out.shape, out, out.stride, strides);
  move.in_offset = offset;
  return {move};
}

class PreparedMoves final : public PreparedStep {
 public:
  PreparedMoves(const PrepareArgs& args, std::vector<Move> moves) : moves_(std::move(moves)) {
    for (const TensorLayout& in : args.inputs)
      in_sizes_.push_back(static_cast<int64_t>(dtype_size(in.dtype)));
    for (const TensorLayout& out : args.outputs)
      out_sizes_.push_back(static_cast<int64_t>(dtype_size(out.dtype)));
  }
  Status run(const StepContext& context) const override {
    for (const Move& move : moves_) {
      const auto* in = static_cast<const std::byte*>(context.inputs[move.input]) +
                       move.in_offset * in_sizes_[move.input];
      auto* out = static_cast<std::byte*>(context.outputs[move.output]) +
                  move.out_offset * out_sizes_[move.output];
      if (in == out) continue;  // the producer wrote into its place in the result
      ThreadPool::global().parallel_for(context.threads, move.plan.num_blocks,
                                        [&](int64_t begin, int64_t end, int) {
                                          cpu::run_copy_blocks(move.plan, out, in, begin, end);
                                        });
    }
    return ok();
  }

 private:
  std::vector<Move> moves_;
  std::vector<int64_t> in_sizes_, out_sizes_;
};

// Starts, axes and steps of a Slice are constants.
Verdict slice_is_fixed(const StepDesc& step) {
  for (size_t i = 1; i < step.inputs.size(); ++i) {
    if (i == 2) continue;  // the ends are in the output's shape
    if (!step.inputs[i].constant || !step.inputs[i].constant->as_int64s()) {
      return Verdict::no("starts, axes or steps are not constant");
    }
  }
  return Verdict::yes();
}

// Every repeated dimension takes two of the copy's.
Verdict tile_fits(const StepDesc& step) {
  size_t rank = step.in_shape(0).size();
  for (size_t i = 0; i < step.in_shape(0).size(); ++i) {
    rank += step.in_shape(0)[i] != step.out_shape()[i];
  }
  return rank <= kMaxRank ? Verdict::yes() : Verdict::no("too many repeated dimensions");
}

class CopyTactic final : public Tactic {
 public:
  using Plan = std::vector<Move> (*)(const PrepareArgs&);
  CopyTactic(const char* op_name, Plan plan)
      : op_name_(op_name), name_(fmt::format("copy_{}", op_name)), plan_(plan) {}

  const char* name() const override { return name_.c_str(); }
  int version() const override { return 1; }
  const char* op_name() const override { return op_name_; }
  Verdict can_run(const StepDesc& step, const Target&) const override {
    for (const OperandDesc& operand : step.outputs) {
      if (operand.type.dtype == DataType::string) return Verdict::no("strings");
      if (operand.type.shape.size() > kMaxRank) return Verdict::no("rank over 8");
    }
    if (step.in_shape(0).size() > kMaxRank) return Verdict::no("rank over 8");
    if (!step.epilogue.empty()) return Verdict::no("an epilogue");
    if (std::string_view(op_name_) == "Tile") return tile_fits(step);
    return std::string_view(op_name_) == "Slice" ? slice_is_fixed(step) : Verdict::yes();
  }
  std::unique_ptr<PreparedStep> prepare(const PrepareArgs& args) const override {
    return std::make_unique<PreparedMoves>(args, plan_(args));
  }

 private:
  const char* op_name_;
  std::string name_;
  Plan plan_;
};

}  // namespace

std::vector<std::unique_ptr<Tactic>> make_copies() {
  std::vector<std::unique_ptr<Tactic>> tactics;
  const auto add = [&tactics](const char* op_name, CopyTactic::Plan plan) {
    tactics.push_back(std::make_unique<CopyTactic>(op_name, plan));
  };
  for (const char* op_name : {"Identity", "Reshape", "Squeeze", "Unsqueeze"})
    add(op_name, reshape_moves);
  add("Concat", concat_moves);
  add("Split", split_moves);
  add("Transpose", transpose_moves);
  add("Expand", expand_moves);
  add("Slice", slice_moves);
  add("Tile", tile_moves);
  return tactics;
}

}  // namespace hone
