// Slices chosen by tuples of indices: GatherND, ScatterND. Any dtype but string.
#include <algorithm>
#include <cstring>

#include "base/thread_pool.h"
#include "kernels/cpu/copy.h"
#include "ops/infer.h"
#include "ops/movement.h"
#include "ops/selection.h"
#include "tactics/cpu/common.h"
#include "tactics/cpu/cpu_tactics.h"

namespace hone {
namespace {

Verdict plain(const StepDesc& step) {
  if (step.outputs[0].type.dtype == DataType::string) return Verdict::no("strings");
  if (!step.epilogue.empty()) return Verdict::no("an epilogue");
  for (const auto* operands : {&step.inputs, &step.outputs}) {
    for (const OperandDesc& operand : *operands) {
      if (operand.type.shape.size() > kMaxRank) return Verdict::no("rank over 8");
    }
  }
  const DataType index = step.inputs[1].type.dtype;
  if (index != DataType::i32 && index != DataType::i64) {
    return Verdict::no("the indices are neither i32 nor i64");
  }
  return Verdict::yes();
}

int64_t read_index(DataType dtype, const void* data, int64_t i) {
  return dtype == DataType::i32 ? static_cast<const int32_t*>(data)[i]
                                : static_cast<const int64_t*>(data)[i];
}

Status out_of_range(int64_t index, int64_t dim) {
  return Status(Code::kShape, "index " + std::to_string(index) +
                                  " is out of range for a dimension of " + std::to_string(dim));
}

// The last dimensions of two tensors, copied as a whole.
class Block {
 public:
  // The last `rank` dimensions of both; they have the same sizes.
  Block(int rank, const TensorLayout& out, const TensorLayout& in) {
    const int o = out.rank - rank, i = in.rank - rank;
    bytes_ = static_cast<int64_t>(dtype_size(out.dtype));
    int64_t dense = 1;
    for (int d = rank - 1; d >= 0; --d) {
      const int64_t size = out.shape[o + d];
      contiguous_ &= size == 1 || (out.stride[o + d] == dense && in.stride[i + d] == dense);
      dense *= size;
    }
    if (!contiguous_) {
      plan_ = cpu::plan_copy(static_cast<int>(bytes_), rank, out.shape + o, out.stride + o,
                             in.stride + i);
    }
    bytes_ *= dense;
  }
  int64_t bytes() const { return bytes_; }
  bool contiguous() const { return contiguous_; }
  void copy(std::byte* out, const std::byte* in) const {
    if (contiguous_) {
      std::memcpy(out, in, static_cast<size_t>(bytes_));
    } else {
      cpu::run_copy_blocks(plan_, out, in, 0, plan_.num_blocks);
    }
  }

 private:
  int64_t bytes_;
  bool contiguous_ = true;
  cpu::CopyPlan plan_{};
};

// The offset of element `index` (row-major) among the dimensions [first, last).
int64_t offset_of(const TensorLayout& layout, int first, int last, int64_t index) {
  int64_t offset = 0;
  for (int d = last - 1; d >= first; --d) {
    offset += index % layout.shape[d] * layout.stride[d];
    index /= layout.shape[d];
  }
  return offset;
}

int64_t count_of(const TensorLayout& layout, int first, int last) {
  int64_t count = 1;
  for (int d = first; d < last; ++d) count *= layout.shape[d];
  return count;
}

// --- Gather.

// --- Tuples of indices.

// Where in `data` the slice lies that a tuple names.
class Tuples {
 public:
  Tuples(const TensorLayout& data, const TensorLayout& indices, int batch_dims)
      : data_(data), indices_(indices), batch_dims_(batch_dims) {
    length_ = indices.shape[indices.rank - 1];
    count_ = count_of(indices, batch_dims, indices.rank - 1);
    batches_ = count_of(indices, 0, batch_dims);
  }
  int64_t count() const { return count_; }
  int64_t batches() const { return batches_; }
  // In elements, batch included.
  Status offset(const void* indices, int64_t tuple, int64_t* offset) const {
    const int64_t at = offset_of(indices_, 0, indices_.rank - 1, tuple);
    *offset = offset_of(data_, 0, batch_dims_, tuple / count_);
    for (int64_t i = 0; i < length_; ++i) {
      const int64_t dim = data_.shape[batch_dims_ + i];
      const int64_t named = read_index(indices_.dtype, indices, at + i);
      const int64_t index = named < 0 ? named + dim : named;
      if (index < 0 || index >= dim) return out_of_range(named, dim);
      *offset += index * data_.stride[batch_dims_ + i];
    }
    return ok();
  }

 private:
  TensorLayout data_, indices_;
  int batch_dims_;
  int64_t length_, count_, batches_;
};

int slice_rank(const PrepareArgs& args, int batch_dims) {
  const TensorLayout& indices = args.inputs[1];
  return args.inputs[0].rank - batch_dims - static_cast<int>(indices.shape[indices.rank - 1]);
}

class PreparedGatherNd final : public PreparedStep {
 public:
  PreparedGatherNd(const PrepareArgs& args, int batch_dims)
      : out_(args.outputs[0]),
        tuples_(args.inputs[0], args.inputs[1], batch_dims),
        block_(slice_rank(args, batch_dims), out_, args.inputs[0]),
        index_rank_(args.inputs[1].rank - 1),
        element_(static_cast<int64_t>(dtype_size(out_.dtype))) {}

  Status run(const StepContext& context) const override {
    const auto* data = static_cast<const std::byte*>(context.inputs[0]);
    auto* out = static_cast<std::byte*>(context.outputs[0]);
    for (int64_t t = 0; t < tuples_.batches() * tuples_.count(); ++t) {
      int64_t from = 0;
      HONE_RETURN_IF_ERROR(tuples_.offset(context.inputs[1], t, &from));
      if (block_.bytes() == 0) continue;
      block_.copy(out + offset_of(out_, 0, index_rank_, t) * element_, data + from * element_);
    }
    return ok();
  }

 private:
  TensorLayout out_;
  Tuples tuples_;
  Block block_;
  int index_rank_;
  int64_t element_;
};

class GatherNdTactic final : public Tactic {
 public:
  const char* name() const override { return "gather_nd"; }
  int version() const override { return 1; }
  const char* op_name() const override { return "GatherND"; }
  Verdict can_run(const StepDesc& step, const Target&) const override { return plain(step); }
  std::unique_ptr<PreparedStep> prepare(const PrepareArgs& args) const override {
    return std::make_unique<PreparedGatherNd>(
        args, static_cast<int>(args.step->attr<GatherNdAttributes>().batch_dims));
  }
};

// --- ScatterND.

template <class T>
void reduce(char reduction, T* to, const T* from, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const T a = to[i], b = from[i];
    if constexpr (std::is_integral_v<T>) {  // wraps around
      const auto x = static_cast<uint64_t>(a), y = static_cast<uint64_t>(b);
      if (reduction == 'a') to[i] = static_cast<T>(x + y);
      if (reduction == 's') to[i] = static_cast<T>(x - y);
      if (reduction == 'p') to[i] = static_cast<T>(x * y);
    } else {
      if (reduction == 'a') to[i] = a + b;
      if (reduction == 's') to[i] = a - b;
      if (reduction == 'p') to[i] = a * b;
    }
    if (reduction == '<') to[i] = a != a || a < b ? a : b;
    if (reduction == '>') to[i] = a != a || a > b ? a : b;
  }
}

class PreparedScatterNd final : public PreparedStep {
 public:
  explicit PreparedScatterNd(const PrepareArgs& args)
      : data_(args.inputs[0]),
        updates_(args.inputs[2]),
        out_(args.outputs[0]),
        tuples_(out_, args.inputs[1], 0),
        whole_(out_.rank, out_, data_),
        block_(slice_rank(args, 0), out_, updates_),
        index_rank_(args.inputs[1].rank - 1),
        element_(static_cast<int64_t>(dtype_size(out_.dtype))) {
    const std::string& name = args.step->attr<ScatterNdAttributes>().reduction;
    reduction_ = name == "add"   ? 'a'
                 : name == "sub" ? 's'
                 : name == "mul" ? 'p'
                 : name == "min" ? '<'
                 : name == "max" ? '>'
                                 : '=';
  }

  // One after the other: updates of one place come in order.
  Status run(const StepContext& context) const override {
    auto* out = static_cast<std::byte*>(context.outputs[0]);
    const auto* data = static_cast<const std::byte*>(context.inputs[0]);
    const auto* updates = static_cast<const std::byte*>(context.inputs[2]);
    if (out != data && whole_.bytes() > 0) whole_.copy(out, data);
    for (int64_t t = 0; t < tuples_.count(); ++t) {
      int64_t to = 0;
      if (block_.bytes() == 0) continue;
      HONE_RETURN_IF_ERROR(tuples_.offset(context.inputs[1], t, &to));
      const std::byte* from = updates + offset_of(updates_, 0, index_rank_, t) * element_;
      if (reduction_ == '=') {
        block_.copy(out + to * element_, from);
      } else if (out_.dtype == DataType::f32) {
        reduce_block<float>(out + to * element_, from);
      } else if (out_.dtype == DataType::i32) {
        reduce_block<int32_t>(out + to * element_, from);
      } else {
        reduce_block<int64_t>(out + to * element_, from);
      }
    }
    return ok();
  }

 private:
  template <class T>
  void reduce_block(std::byte* to, const std::byte* from) const {
    reduce(reduction_, reinterpret_cast<T*>(to), reinterpret_cast<const T*>(from),
           block_.bytes() / element_);
  }
  TensorLayout data_, updates_, out_;
  Tuples tuples_;
  Block whole_, block_;
  int index_rank_;
  int64_t element_;
  char reduction_;

 public:
  bool can_reduce() const { return reduction_ == '=' || block_.contiguous(); }
};

class ScatterNdTactic final : public Tactic {
 public:
  const char* name() const override { return "scatter_nd"; }
  int version() const override { return 1; }
  const char* op_name() const override { return "ScatterND"; }
  Verdict can_run(const StepDesc& step, const Target&) const override {
    const DataType dtype = step.outputs[0].type.dtype;
    const bool number = dtype == DataType::f32 || dtype == DataType::i32 || dtype == DataType::i64;
    if (step.attr<ScatterNdAttributes>().reduction != "none" && !number) {
      return Verdict::no("a reduction of other elements than f32, i32 and i64");
    }
    return plain(step);
  }
  bool may_overwrite(const StepDesc&, size_t i) const override { return i == 0; }
  std::unique_ptr<PreparedStep> prepare(const PrepareArgs& args) const override {
    auto prepared = std::make_unique<PreparedScatterNd>(args);
    if (!prepared->can_reduce()) return reference_tactic().prepare(args);
    return prepared;
  }
};

}  // namespace

std::vector<std::unique_ptr<Tactic>> make_indexed() {
  std::vector<std::unique_ptr<Tactic>> tactics;
  tactics.push_back(std::make_unique<GatherNdTactic>());
  tactics.push_back(std::make_unique<ScatterNdTactic>());
  return tactics;
}

}  // namespace hone
