// TopK by partial selection, for elements of 4 bytes.
#include <algorithm>
#include <bit>

#include "base/thread_pool.h"
#include "ops/infer.h"
#include "ops/selection.h"
#include "tactics/cpu/common.h"
#include "tactics/cpu/cpu_tactics.h"

namespace hone {
namespace {

// The element in the upper half, its place in the lower half: ascending order of keys is the order
// of the result. Floats: NaN is larger than any number.
template <class T>
uint32_t ascending(T value) {
  if constexpr (std::is_same_v<T, float>) {
    if (value != value) return UINT32_MAX;
    const auto bits = std::bit_cast<uint32_t>(value + 0.0f);  // -0 is 0
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
  } else {
    return static_cast<uint32_t>(value) ^ 0x80000000u;
  }
}

class PreparedTopK final : public PreparedStep {
 public:
  explicit PreparedTopK(const PrepareArgs& args)
      : data_(args.inputs[0]),
        k_dtype_(args.inputs[1].dtype),
        outputs_{args.outputs[0], args.outputs[1]},
        largest_(args.step->attr<TopKAttributes>().largest),
        sizes_outputs_(args.step->sizes_outputs),
        workers_(args.target->threads) {
    axis_ = *resolve_axis(args.step->attr<TopKAttributes>().axis, static_cast<size_t>(data_.rank));
    size_ = data_.shape[axis_];
    for (int i = 0; i < data_.rank; ++i) lines_ *= i == axis_ ? 1 : data_.shape[i];
    keys_bytes_ = round_up_to_line(static_cast<size_t>(size_) * sizeof(uint64_t));
  }
  size_t workspace_bytes() const override { return static_cast<size_t>(workers_) * keys_bytes_; }

  Status run(const StepContext& context) const override {
    const int64_t k = k_dtype_ == DataType::i32 ? *static_cast<const int32_t*>(context.inputs[1])
                                                : *static_cast<const int64_t*>(context.inputs[1]);
    if (k < 0 || k > size_ || size_ > UINT32_MAX) {
      return Status(Code::kShape,
                    "k is " + std::to_string(k) + ", the dimension " + std::to_string(size_));
    }
    TensorLayout outputs[2] = {outputs_[0], outputs_[1]};
    void* data[2] = {};
    for (int i = 0; i < 2; ++i) {
      if (!sizes_outputs_) {
        data[i] = context.outputs[i];
        continue;
      }
      std::copy_n(data_.shape, data_.rank, outputs[i].shape);
      outputs[i].shape[axis_] = k;
      outputs[i].dense_strides(outputs[i].stride);
      HONE_RETURN_IF_ERROR(context.sink->allocate(
          static_cast<size_t>(i), {outputs[i].shape, static_cast<size_t>(data_.rank)}, &data[i]));
    }
    if (!sizes_outputs_ && outputs[0].shape[axis_] != k) {
      return Status(Code::kShape, "k is not the size of the result");
    }
    if (k == 0 || lines_ == 0) return ok();
    // Small lines are not worth a thread each.
    const int64_t grain = std::max<int64_t>(1, 4096 / size_);
    ThreadPool::global().parallel_for(
        std::min(context.threads, workers_), lines_,
        [&](int64_t begin, int64_t end, int worker) {
          auto* keys = reinterpret_cast<uint64_t*>(context.workspace +
                                                   static_cast<size_t>(worker) * keys_bytes_);
          for (int64_t line = begin; line < end; ++line) {
            if (data_.dtype == DataType::f32) {
              run_line<float>(context.inputs[0], line, k, keys, outputs, data);
            } else {
              run_line<int32_t>(context.inputs[0], line, k, keys, outputs, data);
            }
          }
        },
        grain);
    return ok();
  }

 private:
  template <class T>
  void run_line(const void* input, int64_t line, int64_t k, uint64_t* keys,
                const TensorLayout* outputs, void* const* data) const {
    int64_t from = 0, to[2] = {0, 0};
    for (int i = data_.rank - 1; i >= 0; --i) {
      if (i == axis_) continue;
      const int64_t index = line % data_.shape[i];
      line /= data_.shape[i];
      from += index * data_.stride[i];
      for (int o = 0; o < 2; ++o) to[o] += index * outputs[o].stride[i];
    }
    const T* in = static_cast<const T*>(input) + from;
    const int64_t step = data_.stride[axis_];
    const uint32_t flip = largest_ ? UINT32_MAX : 0;
    for (int64_t i = 0; i < size_; ++i) {
      keys[i] =
          static_cast<uint64_t>(ascending(in[i * step]) ^ flip) << 32 | static_cast<uint64_t>(i);
    }
    if (k < size_) std::nth_element(keys, keys + k, keys + size_);
    std::sort(keys, keys + k);
    T* values = static_cast<T*>(data[0]) + to[0];
    for (int64_t i = 0; i < k; ++i) {
      const auto place = static_cast<int64_t>(static_cast<uint32_t>(keys[i]));
      values[i * outputs[0].stride[axis_]] = in[place * step];
      const int64_t at = to[1] + i * outputs[1].stride[axis_];
      if (outputs[1].dtype == DataType::i32) {
        static_cast<int32_t*>(data[1])[at] = static_cast<int32_t>(place);
      } else {
        static_cast<int64_t*>(data[1])[at] = place;
      }
    }
  }

  TensorLayout data_;
  DataType k_dtype_;
  TensorLayout outputs_[2];
  bool largest_, sizes_outputs_;
  int workers_;
  int axis_ = 0;
  int64_t size_ = 0, lines_ = 1;
  size_t keys_bytes_ = 0;
};

class TopKTactic final : public Tactic {
 public:
  const char* name() const override { return "top_k"; }
  int version() const override { return 1; }
  const char* op_name() const override { return "TopK"; }
  bool can_size_outputs() const override { return true; }
  Verdict can_run(const StepDesc& step, const Target&) const override {
    const DataType dtype = step.inputs[0].type.dtype, k = step.inputs[1].type.dtype;
    if (dtype != DataType::f32 && dtype != DataType::i32) {
      return Verdict::no("the elements are neither f32 nor i32");
    }
    if (k != DataType::i32 && k != DataType::i64) return Verdict::no("k is neither i32 nor i64");
    if (!step.epilogue.empty()) return Verdict::no("an epilogue");
    if (step.in_shape(0).size() > kMaxRank) return Verdict::no("rank over 8");
    return Verdict::yes();
  }
  std::unique_ptr<PreparedStep> prepare(const PrepareArgs& args) const override {
    return std::make_unique<PreparedTopK>(args);
  }
};

}  // namespace

std::unique_ptr<Tactic> make_top_k() { return std::make_unique<TopKTactic>(); }

}  // namespace hone
