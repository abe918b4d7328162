// Debugging runs: what each step computed.
#include <algorithm>
#include <cstring>

#include "runtime/context_impl.h"

namespace hone {
namespace {

// The elements of a stored tensor, row-major without gaps. Plain: nobody waits for it.
void copy_dense(const TensorLayout& layout, const std::byte* from, std::byte* to) {
  const int64_t count = layout.num_elements();
  const size_t size = dtype_size(layout.dtype);
  int64_t index[kMaxRank] = {};
  for (int64_t i = 0; i < count; ++i) {
    int64_t offset = 0;
    for (int d = 0; d < layout.rank; ++d) offset += index[d] * layout.stride[d];
    std::memcpy(to + static_cast<size_t>(i) * size, from + offset * static_cast<int64_t>(size),
                size);
    for (int d = layout.rank - 1; d >= 0 && ++index[d] == layout.shape[d]; --d) index[d] = 0;
  }
}

}  // namespace

Status ExecutionContext::Impl::show(const Binding& binding, const Binding::Step& step,
                                    size_t stage) const {
  const PlanStep& plan_step = portable().steps[step.index];
  for (size_t i = 0; i < step.outputs.size(); ++i) {
    const int v = step.outputs[i];
    const PlanValue& value = portable().values[v];
    TensorLayout layout;
    if (plan_step.ends_stage) {  // found while running, dense
      const std::vector<int64_t>& shape = stages[stage].found_shapes[i];
      layout.dtype = value.type.dtype;
      layout.rank = static_cast<int>(shape.size());
      std::copy(shape.begin(), shape.end(), layout.shape);
      layout.dense_strides(layout.stride);
    } else {
      layout = binding.layout(v);
    }
    std::vector<std::byte> dense(static_cast<size_t>(layout.num_elements()) *
                                 dtype_size(layout.dtype));
    copy_dense(layout, static_cast<const std::byte*>(pointers[v]), dense.data());
    DebugTensor shown;
    shown.name = value.name;
    shown.source = value.source;
    shown.step = plan_step.name;
    shown.op = plan_step.op->name;
    shown.tactic = engine->plan->tuned.steps[step.index].tactic;
    shown.view = TensorView(dense.data(), {layout.shape, layout.shape + layout.rank}, layout.dtype);
    HONE_RETURN_IF_ERROR((*listener)(shown));
  }
  return ok();
}

}  // namespace hone
