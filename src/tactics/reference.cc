// The last tactic of every operator: the reference evaluator on dense copies. Slow, allocates, runs
// everything.
#include <cstring>

#include "base/check.h"
#include "kernels/cpu/copy.h"
#include "tactics/tactic.h"

namespace hone {
namespace {

Status copy_in(const TensorLayout& layout, const void* data, Tensor* tensor) {
  const std::vector<int64_t> shape(layout.shape, layout.shape + layout.rank);
  if (layout.dense()) {
    *tensor = Tensor::view(layout.dtype, shape, data, nullptr);
    return ok();
  }
  HONE_ASSIGN_OR_RETURN(Tensor copy, Tensor::allocate(layout.dtype, shape));
  int64_t dense[kMaxRank];
  layout.dense_strides(dense);
  cpu::copy_strided(static_cast<int>(dtype_size(layout.dtype)), layout.rank, layout.shape,
                    copy.mutable_raw(), dense, data, layout.stride);
  *tensor = std::move(copy);
  return ok();
}

Status copy_out(const Tensor& tensor, const TensorLayout& layout, void* data) {
  const std::vector<int64_t> shape(layout.shape, layout.shape + layout.rank);
  if (tensor.shape() != shape || tensor.dtype() != layout.dtype) {
    return Status(Code::kShape, "the result is " + tensor.text(0) + ", not " + shape_text(shape));
  }
  int64_t dense[kMaxRank];
  layout.dense_strides(dense);
  cpu::copy_strided(static_cast<int>(dtype_size(layout.dtype)), layout.rank, layout.shape, data,
                    layout.stride, tensor.raw(), dense);
  return ok();
}

class PreparedReference final : public PreparedStep {
 public:
  explicit PreparedReference(const PrepareArgs& args)
      : step_(*args.step),
        inputs_(args.inputs.begin(), args.inputs.end()),
        outputs_(args.outputs.begin(), args.outputs.end()) {}

  Status run(const StepContext& context) const override {
    std::vector<Tensor> inputs(inputs_.size());
    for (size_t i = 0; i < inputs_.size(); ++i) {
      HONE_RETURN_IF_ERROR(copy_in(inputs_[i], context.inputs[i], &inputs[i]));
    }
    HONE_ASSIGN_OR_RETURN(const std::vector<Tensor> outputs,
                          evaluate_reference(*step_.op, step_.attributes, step_.epilogue, inputs));
    for (size_t i = 0; context.sink && i < outputs.size(); ++i) {
      void* data = nullptr;
      HONE_RETURN_IF_ERROR(context.sink->allocate(i, outputs[i].shape(), &data));
      if (outputs[i].bytes() > 0) std::memcpy(data, outputs[i].raw(), outputs[i].bytes());
    }
    if (context.sink) return ok();
    for (size_t i = 0; i < outputs_.size(); ++i) {
      HONE_RETURN_IF_ERROR(copy_out(outputs[i], outputs_[i], context.outputs[i]));
    }
    return ok();
  }

 private:
  StepDesc step_;
  std::vector<TensorLayout> inputs_, outputs_;
};

class Reference final : public Tactic {
 public:
  const char* name() const override { return "reference"; }
  int version() const override { return 1; }
  const char* op_name() const override { return "*"; }
  Verdict can_run(const StepDesc&, const Target&) const override { return Verdict::yes(); }
  bool can_size_outputs() const override { return true; }
  std::unique_ptr<PreparedStep> prepare(const PrepareArgs& args) const override {
    return std::make_unique<PreparedReference>(args);
  }
};

}  // namespace

const Tactic& reference_tactic() {
  static const Reference* reference = new Reference;
  return *reference;
}

}  // namespace hone
