// Pad with what the data shows at its border (reflect, symmetric, edge), any dtype but string: rows
// are copied in runs of neighbouring elements from a table made when shapes are bound.
#include <fmt/core.h>

#include <algorithm>
#include <cstring>

#include "base/thread_pool.h"
#include "ops/movement.h"
#include "ops/pad.h"
#include "tactics/cpu/common.h"
#include "tactics/cpu/cpu_tactics.h"

namespace hone {
namespace {

// Neighbours on both sides. Offsets in bytes.
struct PadRun {
  int64_t out = 0, in = 0, bytes = 0;
};

class PreparedBorder final : public PreparedStep {
 public:
  explicit PreparedBorder(const PrepareArgs& args)
      : mode_(args.step->attr<PadAttributes>().mode), in_(args.inputs[0]), out_(args.outputs[0]) {
    pads_ = *args.step->inputs[1].constant->as_int64s();
    size_ = static_cast<int64_t>(dtype_size(out_.dtype));
    empty_ = out_.num_elements() == 0;
    const auto rank = static_cast<size_t>(in_.rank);
    for (size_t i = 0; i < rank && !empty_; ++i) {
      fits_ = fits_ && pad_fits(mode_, in_.shape[i], pads_[i], pads_[i + rank]);
    }
    if (!empty_ && fits_) make_tables();
  }

  Status run(const StepContext& context) const override {
    if (empty_) return ok();
    if (!fits_) {
      return Status(Code::kShape, fmt::format("pads are too large for the data in mode {}", mode_));
    }
    const auto* in = static_cast<const std::byte*>(context.inputs[0]);
    auto* out = static_cast<std::byte*>(context.outputs[0]);
    ThreadPool::global().parallel_for(context.threads, rows_, [&](int64_t begin, int64_t end, int) {
      for (int64_t row = begin; row < end; ++row) copy_row(row, in, out);
    });
    return ok();
  }

 private:
  void make_tables() {
    // A row: the last dimension that is padded, and those behind, if they lie without gaps.
    int axis = in_.rank - 1;
    int64_t inner = 1;
    while (axis > 0 && pads_[static_cast<size_t>(axis)] == 0 &&
           pads_[static_cast<size_t>(axis + in_.rank)] == 0 && in_.stride[axis] == inner &&
           out_.stride[axis] == inner) {
      inner *= in_.shape[axis--];
    }
    row_rank_ = axis;
    for (int i = 0; i < axis; ++i) {
      rows_ *= out_.shape[i];
      tables_.push_back(places(i));
    }
    if (in_.rank == 0) {
      runs_ = {{0, 0, size_}};
      return;
    }
    const std::vector<int64_t> line = places(axis);
    for (size_t x = 0; x < line.size(); ++x) {
      const int64_t to = static_cast<int64_t>(x) * out_.stride[axis] * size_;
      if (!runs_.empty() && runs_.back().out + runs_.back().bytes == to &&
          runs_.back().in + runs_.back().bytes == line[x]) {
        runs_.back().bytes += inner * size_;
      } else {
        runs_.push_back({to, line[x], inner * size_});
      }
    }
  }

  // Offsets in bytes of the data that the elements along an axis show.
  std::vector<int64_t> places(int axis) const {
    std::vector<int64_t> offsets;
    for (int64_t i = 0; i < out_.shape[axis]; ++i) {
      const int64_t at = pad_source(mode_, i - pads_[static_cast<size_t>(axis)], in_.shape[axis]);
      offsets.push_back(at * in_.stride[axis] * size_);
    }
    return offsets;
  }

  void copy_row(int64_t row, const std::byte* in, std::byte* out) const {
    for (int i = row_rank_; i-- > 0;) {
      const int64_t at = row % out_.shape[i];
      row /= out_.shape[i];
      in += tables_[static_cast<size_t>(i)][static_cast<size_t>(at)];
      out += at * out_.stride[i] * size_;
    }
    for (const PadRun& run : runs_) {
      std::memcpy(out + run.out, in + run.in, static_cast<size_t>(run.bytes));
    }
  }

  std::string mode_;
  TensorLayout in_, out_;
  std::vector<int64_t> pads_;
  std::vector<std::vector<int64_t>> tables_;  // of the dimensions outside the rows
  std::vector<PadRun> runs_;
  int64_t size_ = 1, rows_ = 1;
  int row_rank_ = 0;
  bool empty_ = false, fits_ = true;
};

class PadBorder final : public Tactic {
 public:
  const char* name() const override { return "pad_border"; }
  int version() const override { return 1; }
  const char* op_name() const override { return "Pad"; }
  Verdict can_run(const StepDesc& step, const Target&) const override {
    if (step.attr<PadAttributes>().mode == "constant") return Verdict::no("mode constant");
    if (!step.inputs[1].constant || !step.inputs[1].constant->as_int64s())
      return Verdict::no("pads are not constant");
    if (step.outputs[0].type.dtype == DataType::string) return Verdict::no("strings");
    if (step.out_shape().size() > kMaxRank) return Verdict::no("rank over 8");
    return step.epilogue.empty() ? Verdict::yes() : Verdict::no("an epilogue");
  }
  std::unique_ptr<PreparedStep> prepare(const PrepareArgs& args) const override {
    return std::make_unique<PreparedBorder>(args);
  }
};

}  // namespace

std::unique_ptr<Tactic> make_pad_border() { return std::make_unique<PadBorder>(); }

}  // namespace hone
