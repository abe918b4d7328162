// Gather along any axis, with batch dimensions, any layout and any dtype but string.
#include <atomic>
#include <string>

#include "base/check.h"
#include "base/thread_pool.h"
#include "kernels/cpu/copy.h"
#include "ops/eval.h"
#include "ops/infer.h"
#include "ops/movement.h"
#include "tactics/cpu/common.h"
#include "tactics/cpu/cpu_tactics.h"
#include "tactics/cpu/strided_loops.h"

namespace hone {
namespace {

using IndexReader = int64_t (*)(const void* index);

IndexReader index_reader(DataType dtype) {
  IndexReader reader = nullptr;
  const Status status = with_type(dtype, [&reader](auto type) {
    using T = typename decltype(type)::type;
    reader = [](const void* index) {
      return static_cast<int64_t>(widen(*static_cast<const T*>(index)));
    };
    return ok();
  });
  HONE_CHECK(status.ok());
  return reader;
}

// Data is [batch, outer, size, inner], indices are [batch, count], the result is [batch, outer,
// count, inner]; each part may have several dimensions. An index stands for one copy of `inner`.
class PreparedGather final : public PreparedStep {
 public:
  explicit PreparedGather(const PrepareArgs& args) {
    const TensorLayout& data = args.inputs[0];
    const TensorLayout& indices = args.inputs[1];
    const TensorLayout& out = args.outputs[0];
    const auto& attributes = args.step->attr<GatherAttributes>();
    const int axis = *resolve_axis(attributes.axis, static_cast<size_t>(data.rank));
    const auto batch = static_cast<int>(
        attributes.batch_dims < 0 ? attributes.batch_dims + indices.rank : attributes.batch_dims);
    size_ = static_cast<int64_t>(dtype_size(data.dtype));
    index_size_ = static_cast<int64_t>(dtype_size(indices.dtype));
    read_ = index_reader(indices.dtype);
    dim_ = data.shape[axis];
    axis_stride_ = data.stride[axis];
    empty_ = out.num_elements() == 0;
    std::vector<int64_t> shape;
    std::vector<std::vector<int64_t>> strides(3);  // of the result, data, indices
    const auto add = [&](int64_t size, int64_t of_data, int64_t of_indices) {
      strides[0].push_back(out.stride[shape.size()]);
      strides[1].push_back(of_data);
      strides[2].push_back(of_indices);
      shape.push_back(size);
    };
    for (int i = 0; i < batch; ++i) add(data.shape[i], data.stride[i], indices.stride[i]);
    for (int i = batch; i < axis; ++i) add(data.shape[i], data.stride[i], 0);
    for (int i = batch; i < indices.rank; ++i) add(indices.shape[i], 0, indices.stride[i]);
    loops_ = StridedLoops(shape, strides);
    const auto first = static_cast<int>(shape.size());
    inner_ = cpu::plan_copy(static_cast<int>(size_), out.rank - first, out.shape + first,
                            out.stride + first, data.stride + axis + 1);
  }

  Status run(const StepContext& context) const override {
    if (empty_) return ok();
    std::atomic<bool> outside = false;
    ThreadPool::global().parallel_for(
        context.threads, loops_.blocks(), [&](int64_t begin, int64_t end, int) {
          loops_.run(begin, end, [&](const int64_t* offsets, int64_t n) {
            if (!copy_block(context, offsets, n)) outside = true;
          });
        });
    if (!outside) return ok();
    return Status(Code::kShape,
                  "an index is out of range for a dimension of " + std::to_string(dim_));
  }

 private:
  // False if an index is out of range.
  bool copy_block(const StepContext& context, const int64_t* offsets, int64_t n) const {
    auto* out = static_cast<std::byte*>(context.outputs[0]) + offsets[0] * size_;
    const auto* data = static_cast<const std::byte*>(context.inputs[0]) + offsets[1] * size_;
    const auto* list = static_cast<const std::byte*>(context.inputs[1]) + offsets[2] * index_size_;
    for (int64_t i = 0; i < n; ++i) {
      int64_t index = read_(list + i * loops_.step(2) * index_size_);
      if (index < 0) index += dim_;
      if (index < 0 || index >= dim_) return false;
      const std::byte* from = data + (i * loops_.step(1) + index * axis_stride_) * size_;
      cpu::run_copy_blocks(inner_, out + i * loops_.step(0) * size_, from, 0, inner_.num_blocks);
    }
    return true;
  }

  StridedLoops loops_;
  cpu::CopyPlan inner_ = {};
  IndexReader read_ = nullptr;
  int64_t size_ = 1, index_size_ = 1, dim_ = 0, axis_stride_ = 0;
  bool empty_ = false;
};

class GatherAny final : public Tactic {
 public:
  const char* name() const override { return "gather"; }
  int version() const override { return 1; }
  const char* op_name() const override { return "Gather"; }
  Verdict can_run(const StepDesc& step, const Target& target) const override {
    if (step.outputs[0].type.dtype == DataType::string) return Verdict::no("strings");
    for (const Shape* shape : {&step.in_shape(0), &step.in_shape(1), &step.out_shape()}) {
      if (shape->size() > kMaxRank) return Verdict::no("rank over 8");
    }
    if (!step.epilogue.empty()) return Verdict::no("an epilogue");
    return unless_done_before(*this, step, target);
  }
  std::unique_ptr<PreparedStep> prepare(const PrepareArgs& args) const override {
    return std::make_unique<PreparedGather>(args);
  }
};

}  // namespace

std::unique_ptr<Tactic> make_gather_any() { return std::make_unique<GatherAny>(); }

}  // namespace hone
