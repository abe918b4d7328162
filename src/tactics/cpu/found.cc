// Operators that find out the size of their result: NonZero, Compress, Slice with bounds that are
// known only while running; and Shape, which tells it.
#include <algorithm>
#include <cstring>

#include "kernels/cpu/copy.h"
#include "ops/infer.h"
#include "ops/selection.h"
#include "ops/slice_cut.h"
#include "tactics/cpu/common.h"
#include "tactics/cpu/cpu_tactics.h"

namespace hone {
namespace {

Verdict sizes_outputs(const StepDesc& step) {
  if (!step.sizes_outputs) return Verdict::no("the size of the result is known");
  if (!step.epilogue.empty()) return Verdict::no("an epilogue");
  if (step.inputs[0].type.dtype == DataType::string) return Verdict::no("strings");
  if (step.in_shape(0).size() > kMaxRank) return Verdict::no("rank over 8");
  return Verdict::yes();
}

// --- NonZero.

template <class T>
struct Reader {
  static bool nonzero(const void* data, int64_t i) { return static_cast<const T*>(data)[i] != 0; }
};
using NonZeroTest = bool (*)(const void*, int64_t);

// Null: another type.
NonZeroTest nonzero_test(DataType dtype) {
  switch (dtype) {
    case DataType::f32:
      return Reader<float>::nonzero;
    case DataType::f64:
      return Reader<double>::nonzero;
    case DataType::i32:
      return Reader<int32_t>::nonzero;
    case DataType::i64:
      return Reader<int64_t>::nonzero;
    case DataType::u8:
    case DataType::boolean:
      return Reader<uint8_t>::nonzero;
    default:
      return nullptr;
  }
}

// Row by row of the last dimension: first the places go to the workspace, then they are taken
// apart.
class PreparedNonZero final : public PreparedStep {
 public:
  explicit PreparedNonZero(const PrepareArgs& args)
      : in_(args.inputs[0]), test_(nonzero_test(in_.dtype)) {}
  size_t workspace_bytes() const override {
    return static_cast<size_t>(in_.num_elements()) * sizeof(int64_t);
  }
  Status run(const StepContext& context) const override {
    auto* places = reinterpret_cast<int64_t*>(context.workspace);
    const int64_t elements = in_.num_elements();
    const int64_t columns = in_.rank > 0 ? in_.shape[in_.rank - 1] : 1;
    int64_t found = 0;
    for (int64_t begin = 0; begin < elements; begin += columns) {
      int64_t offset = 0, row = begin / columns;
      for (int d = in_.rank - 2; d >= 0; --d) {
        offset += row % in_.shape[d] * in_.stride[d];
        row /= in_.shape[d];
      }
      for (int64_t i = 0; i < columns; ++i) {
        places[found] = begin + i;
        found += test_(context.inputs[0], offset + i) ? 1 : 0;
      }
    }
    const int64_t shape[] = {in_.rank, found};
    void* data = nullptr;
    HONE_RETURN_IF_ERROR(context.sink->allocate(0, shape, &data));
    auto* out = static_cast<int64_t*>(data);
    for (int d = in_.rank - 1; d >= 0; --d) {
      for (int64_t i = 0; i < found; ++i) {
        out[d * found + i] = places[i] % in_.shape[d];
        places[i] /= in_.shape[d];
      }
    }
    return ok();
  }

 private:
  TensorLayout in_;
  NonZeroTest test_;
};

class NonZeroTactic final : public Tactic {
 public:
  const char* name() const override { return "nonzero"; }
  int version() const override { return 1; }
  const char* op_name() const override { return "NonZero"; }
  bool can_size_outputs() const override { return true; }
  Verdict can_run(const StepDesc& step, const Target&) const override {
    if (!nonzero_test(step.inputs[0].type.dtype)) return Verdict::no("the type of the elements");
    return sizes_outputs(step);
  }
  std::unique_ptr<PreparedStep> prepare(const PrepareArgs& args) const override {
    return std::make_unique<PreparedNonZero>(args);
  }
};

// --- Compress.

class PreparedCompress final : public PreparedStep {
 public:
  explicit PreparedCompress(const PrepareArgs& args)
      : in_(args.inputs[0]),
        flags_(args.inputs[1].shape[0]),
        axis_(*resolve_axis(args.step->attr<CompressAttributes>().axis,
                            static_cast<size_t>(in_.rank))) {}

  Status run(const StepContext& context) const override {
    const auto* flags = static_cast<const bool*>(context.inputs[1]);
    if (flags_ > in_.shape[axis_]) {
      return Status(Code::kShape, "the condition has more elements than the dimension");
    }
    int64_t shape[kMaxRank], strides[kMaxRank], next = 1;
    std::copy_n(in_.shape, in_.rank, shape);
    shape[axis_] = std::count(flags, flags + flags_, true);
    for (int d = in_.rank - 1; d >= 0; --d) {
      strides[d] = next;
      next *= shape[d];
    }
    void* data = nullptr;
    HONE_RETURN_IF_ERROR(context.sink->allocate(0, {shape, static_cast<size_t>(in_.rank)}, &data));
    if (next == 0) return ok();
    const auto size = static_cast<int64_t>(dtype_size(in_.dtype));
    const auto* from = static_cast<const std::byte*>(context.inputs[0]);
    auto* to = static_cast<std::byte*>(data);
    // Runs of chosen slices are copied together.
    for (int64_t k = 0, out = 0; k < flags_;) {
      int64_t end = k;
      while (end < flags_ && flags[end]) ++end;
      if (end == k) {
        ++k;
        continue;
      }
      shape[axis_] = end - k;
      cpu::copy_strided(static_cast<int>(size), in_.rank, shape, to + out * strides[axis_] * size,
                        strides, from + k * in_.stride[axis_] * size, in_.stride);
      out += end - k;
      k = end;
    }
    return ok();
  }

 private:
  TensorLayout in_;
  int64_t flags_;
  int axis_;
};

class CompressTactic final : public Tactic {
 public:
  const char* name() const override { return "compress"; }
  int version() const override { return 1; }
  const char* op_name() const override { return "Compress"; }
  bool can_size_outputs() const override { return true; }
  Verdict can_run(const StepDesc& step, const Target&) const override {
    return sizes_outputs(step);
  }
  std::unique_ptr<PreparedStep> prepare(const PrepareArgs& args) const override {
    return std::make_unique<PreparedCompress>(args);
  }
};

// --- Slice.

// Starts, ends, axes and steps are read while running.
class PreparedSlice final : public PreparedStep {
 public:
  explicit PreparedSlice(const PrepareArgs& args) : in_(args.inputs[0]) {
    for (size_t i = 1; i < args.inputs.size(); ++i) dtypes_[i] = args.inputs[i].dtype;
    num_inputs_ = args.inputs.size();
    count_ = args.inputs[1].num_elements();
  }

  Status run(const StepContext& context) const override {
    const auto number = [&](size_t input, int64_t i) {
      return dtypes_[input] == DataType::i32
                 ? static_cast<const int32_t*>(context.inputs[input])[i]
                 : static_cast<const int64_t*>(context.inputs[input])[i];
    };
    int64_t shape[kMaxRank], in_strides[kMaxRank], out_strides[kMaxRank], offset = 0, next = 1;
    std::copy_n(in_.shape, in_.rank, shape);
    std::copy_n(in_.stride, in_.rank, in_strides);
    for (int64_t i = 0; i < count_; ++i) {
      const int64_t named = num_inputs_ > 3 ? number(3, i) : i;
      const int64_t step = num_inputs_ > 4 ? number(4, i) : 1;
      const auto axis = resolve_axis(named, static_cast<size_t>(in_.rank));
      if (!axis.ok()) return axis.status();
      if (step == 0) return Status(Code::kShape, "a step is 0");
      const Cut part = cut(in_.shape[*axis], number(1, i), number(2, i), step);
      shape[*axis] = part.count;
      offset += part.start * in_.stride[*axis];
      // With one element the step is never taken and may be anything.
      in_strides[*axis] = part.count > 1 ? in_.stride[*axis] * step : 0;
    }
    for (int d = in_.rank - 1; d >= 0; --d) {
      out_strides[d] = next;
      next *= shape[d];
    }
    void* data = nullptr;
    HONE_RETURN_IF_ERROR(context.sink->allocate(0, {shape, static_cast<size_t>(in_.rank)}, &data));
    if (next == 0) return ok();
    const auto size = static_cast<int64_t>(dtype_size(in_.dtype));
    cpu::copy_strided(static_cast<int>(size), in_.rank, shape, data, out_strides,
                      static_cast<const std::byte*>(context.inputs[0]) + offset * size, in_strides);
    return ok();
  }

 private:
  TensorLayout in_;
  DataType dtypes_[5] = {};
  size_t num_inputs_ = 0;
  int64_t count_ = 0;
};

class SliceTactic final : public Tactic {
 public:
  const char* name() const override { return "slice_found"; }
  int version() const override { return 1; }
  const char* op_name() const override { return "Slice"; }
  bool can_size_outputs() const override { return true; }
  Verdict can_run(const StepDesc& step, const Target&) const override {
    for (size_t i = 1; i < step.inputs.size(); ++i) {
      const DataType dtype = step.inputs[i].type.dtype;
      if (dtype != DataType::i32 && dtype != DataType::i64) {
        return Verdict::no("bounds are neither i32 nor i64");
      }
    }
    return sizes_outputs(step);
  }
  std::unique_ptr<PreparedStep> prepare(const PrepareArgs& args) const override {
    return std::make_unique<PreparedSlice>(args);
  }
};

// --- Shape: its result is known when shapes are bound.

}  // namespace

std::vector<std::unique_ptr<Tactic>> make_found() {
  std::vector<std::unique_ptr<Tactic>> tactics;
  tactics.push_back(std::make_unique<NonZeroTactic>());
  tactics.push_back(std::make_unique<CompressTactic>());
  tactics.push_back(std::make_unique<SliceTactic>());
  return tactics;
}

}  // namespace hone
