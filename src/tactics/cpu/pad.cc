// Pad with a constant, and Gather of whole rows along axis 0. Any dtype but string.
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

class PreparedGather final : public PreparedStep {
 public:
  explicit PreparedGather(const PrepareArgs& args)
      : table_(args.inputs[0]), indices_(args.inputs[1]), out_(args.outputs[0]) {
    const auto size = static_cast<int64_t>(dtype_size(table_.dtype));
    row_bytes_ = size;
    for (int i = 1; i < table_.rank; ++i) row_bytes_ *= table_.shape[i];
    count_ = indices_.num_elements();
    table_stride_ = table_.stride[0] * size;
  }
  size_t workspace_bytes() const override { return static_cast<size_t>(count_) * sizeof(int64_t); }

  Status run(const StepContext& context) const override {
    auto* rows = reinterpret_cast<int64_t*>(context.workspace);
    for (int64_t i = 0; i < count_; ++i) {
      int64_t row = indices_.dtype == DataType::i32
                        ? static_cast<const int32_t*>(context.inputs[1])[i]
                        : static_cast<const int64_t*>(context.inputs[1])[i];
      if (row < 0) row += table_.shape[0];
      if (row < 0 || row >= table_.shape[0]) {
        return Status(Code::kShape, "index " + std::to_string(row) + " is outside of the " +
                                        std::to_string(table_.shape[0]) + " rows");
      }
      rows[i] = row;
    }
    if (row_bytes_ == 0) return ok();
    constexpr int64_t kGrain = 16;
    ThreadPool::global().parallel_for(
        context.threads, count_,
        [&](int64_t begin, int64_t end, int) {
          cpu::gather_rows(row_bytes_, end - begin,
                           static_cast<std::byte*>(context.outputs[0]) + begin * row_bytes_,
                           row_bytes_, context.inputs[0], table_stride_, rows + begin);
        },
        kGrain);
    return ok();
  }

 private:
  TensorLayout table_, indices_, out_;
  int64_t row_bytes_, count_, table_stride_;
};

// Rows of a dense constant table, into a dense result: embedding look-ups.
class GatherTactic final : public Tactic {
 public:
  const char* name() const override { return "gather_rows"; }
  int version() const override { return 1; }
  const char* op_name() const override { return "Gather"; }
  Verdict can_run(const StepDesc& step, const Target&) const override {
    const auto& attributes = step.attr<GatherAttributes>();
    if (attributes.axis != 0 || attributes.batch_dims != 0) return Verdict::no("not along axis 0");
    if (!step.inputs[0].is_constant) return Verdict::no("the table is not constant");
    const DataType index = step.inputs[1].type.dtype;
    if (index != DataType::i32 && index != DataType::i64)
      return Verdict::no("indices are neither i32 nor i64");
    return plain_data(step);
  }
  std::unique_ptr<PreparedStep> prepare(const PrepareArgs& args) const override {
    if (!args.inputs[1].dense() || !args.outputs[0].dense())
      return reference_tactic().prepare(args);
    return std::make_unique<PreparedGather>(args);
  }
};

}  // namespace

std::unique_ptr<Tactic> make_pad() { return std::make_unique<PadTactic>(); }
std::unique_ptr<Tactic> make_gather() { return std::make_unique<GatherTactic>(); }

}  // namespace hone
