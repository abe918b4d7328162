// Gather along any axis, any strides, any dtype but string: rows of a table, embedding look-ups.
#include <algorithm>
#include <string>

#include "base/thread_pool.h"
#include "kernels/cpu/copy.h"
#include "ops/infer.h"
#include "ops/movement.h"
#include "tactics/cpu/common.h"
#include "tactics/cpu/cpu_tactics.h"
#include "tactics/cpu/loop_nest.h"

namespace hone {
namespace {

// A loop around the copies of rows. Strides: bytes of table and result, elements of the index list.
struct BlockDim {
  int64_t size, table_stride, out_stride, index_stride;
};

// The dimensions: batch, outer (of the table, before the axis), indices, inner (after the axis).
class PreparedGather final : public PreparedStep {
 public:
  explicit PreparedGather(const PrepareArgs& args) : indices_(args.inputs[1]) {
    const TensorLayout& table = args.inputs[0];
    const TensorLayout& out = args.outputs[0];
    const auto& attributes = args.step->attr<GatherAttributes>();
    const int axis = *resolve_axis(attributes.axis, static_cast<size_t>(table.rank));
    const int batch =
        static_cast<int>(attributes.batch_dims) + (attributes.batch_dims < 0 ? indices_.rank : 0);
    const auto bytes = static_cast<int64_t>(dtype_size(table.dtype));
    table_rows_ = table.shape[axis];
    row_stride_ = table.stride[axis] * bytes;
    total_indices_ = indices_.num_elements();
    empty_ = out.num_elements() == 0;
    int64_t per_batch = total_indices_;
    for (int d = 0; d < axis; ++d) {
      if (d < batch && table.shape[d] > 0) per_batch /= table.shape[d];
      blocks_.push_back({table.shape[d], table.stride[d] * bytes, out.stride[d] * bytes,
                         d < batch ? per_batch : 0});
    }
    add_indices(out, axis, batch, bytes);
    add_inner(table, out, axis, out.rank - (table.rank - axis - 1), bytes);
    for (int d = 0; d < indices_.rank; ++d) {
      index_loops_.push_back({indices_.shape[d], indices_.stride[d], 0});
    }
    for (const BlockDim& dim : blocks_) num_blocks_ *= dim.size;
  }

  size_t workspace_bytes() const override {
    return static_cast<size_t>(total_indices_) * sizeof(int64_t);
  }

  Status run(const StepContext& context) const override {
    if (empty_) return ok();
    auto* rows = reinterpret_cast<int64_t*>(context.workspace);
    HONE_RETURN_IF_ERROR(indices_.dtype == DataType::i32
                             ? read_indices<int32_t>(context.inputs[1], rows)
                             : read_indices<int64_t>(context.inputs[1], rows));
    constexpr int64_t kGrain = 16;
    ThreadPool::global().parallel_for(
        context.threads, num_blocks_ * count_,
        [&](int64_t begin, int64_t end, int) {
          for (int64_t i = begin; i < end;) {
            const int64_t first = i % count_, n = std::min(count_ - first, end - i);
            copy(context, rows, i / count_, first, n);
            i += n;
          }
        },
        kGrain);
    return ok();
  }

 private:
  // The last loop over indices is the kernel's; those that do not join it go around.
  void add_indices(const TensorLayout& out, int axis, int batch, int64_t bytes) {
    std::vector<LoopDim> loops;
    int64_t dense = 1;
    for (int d = indices_.rank - 1; d >= batch; --d) {
      loops.insert(loops.begin(), {indices_.shape[d], dense, out.stride[axis + d - batch] * bytes});
      dense *= indices_.shape[d];
    }
    loops = merge_dims(loops);
    if (loops.empty()) return;
    count_ = loops.back().size;
    out_stride_ = loops.back().out_stride;
    loops.pop_back();
    for (const LoopDim& loop : loops) {
      blocks_.push_back({loop.size, 0, loop.out_stride, loop.in_stride});
    }
  }

  void add_inner(const TensorLayout& table, const TensorLayout& out, int axis, int out_first,
                 int64_t bytes) {
    std::vector<LoopDim> loops;
    for (int d = axis + 1; d < table.rank; ++d) {
      loops.push_back(
          {table.shape[d], table.stride[d] * bytes, out.stride[out_first + d - axis - 1] * bytes});
    }
    loops = merge_dims(loops);
    row_bytes_ = bytes;
    if (!loops.empty() && loops.back().in_stride == bytes && loops.back().out_stride == bytes) {
      row_bytes_ *= loops.back().size;
      loops.pop_back();
    }
    for (const LoopDim& loop : loops) {
      blocks_.push_back({loop.size, loop.in_stride, loop.out_stride, 0});
    }
  }

  template <class T>
  Status read_indices(const void* data, int64_t* rows) const {
    const auto* from = static_cast<const T*>(data);
    const bool dense = indices_.dense();
    for (int64_t i = 0; i < total_indices_; ++i) {
      int64_t at = i, unused = 0;
      if (!dense) loop_offsets(index_loops_, i, &at, &unused);
      int64_t row = from[at];
      if (row < 0) row += table_rows_;
      if (row < 0 || row >= table_rows_) {
        return Status(Code::kShape, "index " + std::to_string(from[at]) +
                                        " is out of range for a dimension of " +
                                        std::to_string(table_rows_));
      }
      rows[i] = row;
    }
    return ok();
  }

  void copy(const StepContext& context, const int64_t* rows, int64_t block, int64_t first,
            int64_t count) const {
    const auto* table = static_cast<const std::byte*>(context.inputs[0]);
    auto* out = static_cast<std::byte*>(context.outputs[0]) + first * out_stride_;
    rows += first;
    for (size_t d = blocks_.size(); d-- > 0;) {
      const int64_t i = block % blocks_[d].size;
      block /= blocks_[d].size;
      table += i * blocks_[d].table_stride;
      out += i * blocks_[d].out_stride;
      rows += i * blocks_[d].index_stride;
    }
    cpu::gather_rows(row_bytes_, count, out, out_stride_, table, row_stride_, rows);
  }

  TensorLayout indices_;
  std::vector<LoopDim> index_loops_;
  std::vector<BlockDim> blocks_;
  int64_t num_blocks_ = 1, count_ = 1, out_stride_ = 0;
  int64_t table_rows_ = 0, row_stride_ = 0, row_bytes_ = 0, total_indices_ = 0;
  bool empty_ = false;
};

class GatherTactic final : public Tactic {
 public:
  const char* name() const override { return "gather_rows"; }
  int version() const override { return 2; }
  const char* op_name() const override { return "Gather"; }
  Verdict can_run(const StepDesc& step, const Target&) const override {
    if (step.outputs[0].type.dtype == DataType::string) return Verdict::no("strings");
    if (step.in_shape(0).size() > kMaxRank || step.in_shape(1).size() > kMaxRank ||
        step.out_shape().size() > kMaxRank) {
      return Verdict::no("rank over 8");
    }
    if (!step.epilogue.empty()) return Verdict::no("an epilogue");
    const DataType index = step.inputs[1].type.dtype;
    if (index != DataType::i32 && index != DataType::i64)
      return Verdict::no("indices are neither i32 nor i64");
    return Verdict::yes();
  }
  std::unique_ptr<PreparedStep> prepare(const PrepareArgs& args) const override {
    return std::make_unique<PreparedGather>(args);
  }
};

}  // namespace

std::unique_ptr<Tactic> make_gather() { return std::make_unique<GatherTactic>(); }

}  // namespace hone
