#include "runtime/binding.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/check.h"
#include "runtime/arena.h"

namespace hone {
namespace {

constexpr int64_t kMaxTensorBytes = int64_t{1} << 42;

Status too_large(const PlanValue& value) {
  return Status(Code::kOutOfResources, "tensor is too large")
      .at(fmt::format("value '{}'", value.name));
}

// Row-major strides over the tensor and its halo. False on overflow.
bool dense_strides(TensorLayout* layout) {
  int64_t stride = 1;
  for (int i = layout->rank - 1; i >= 0; --i) {
    layout->stride[i] = stride;
    const int64_t extent = layout->shape[i] + layout->halo_before[i] + layout->halo_after[i];
    if (__builtin_mul_overflow(stride, std::max<int64_t>(extent, 1), &stride)) return false;
  }
  return stride < kMaxTensorBytes / 16;
}

}  // namespace

int Binding::root(int v) const {
  const auto& values = plan_->tuned.values;
  while (values[v].parent >= 0) v = values[v].parent;
  return v;
}

Result<std::unique_ptr<Binding>> Binding::make(std::shared_ptr<const LoadedPlan> plan,
                                               const std::vector<std::vector<int64_t>>& shapes) {
  HONE_ASSIGN_OR_RETURN(const SymbolValues symbols, bind_symbols(plan->data.portable, shapes));
  auto binding = std::make_unique<Binding>();
  binding->plan_ = std::move(plan);
  binding->input_shapes_ = shapes;
  HONE_RETURN_IF_ERROR(binding->infer_layouts(symbols));
  HONE_RETURN_IF_ERROR(
      binding->prepare_steps(nearest_profile(binding->plan_->data.portable, shapes)));
  HONE_RETURN_IF_ERROR(binding->place_slots());
  return binding;
}

Status Binding::layout_of_root(int v, const std::vector<int64_t>& shape) {
  const PlanValue& value = plan_->data.portable.values[v];
  const TunedValue& tuned = plan_->tuned.values[v];
  TensorLayout& layout = layouts_[v];
  for (size_t i = 0; i < shape.size(); ++i) {
    layout.shape[i] = shape[i];
    if (tuned.halo_before.empty()) continue;
    layout.halo_before[i] = tuned.halo_before[i];
    layout.halo_after[i] = tuned.halo_after[i];
  }
  if (!dense_strides(&layout)) return too_large(value);
  for (size_t i = 0; i < shape.size(); ++i) {
    element_offsets_[v] += layout.halo_before[i] * layout.stride[i];
  }
  return ok();
}

Status Binding::layout_of_alias(int v, const std::vector<int64_t>& shape,
                                const SymbolValues& symbols) {
  const TunedValue& tuned = plan_->tuned.values[v];
  const TensorLayout& parent = layouts_[tuned.parent];
  TensorLayout& layout = layouts_[v];
  element_offsets_[v] = element_offsets_[tuned.parent];
  const bool same_shape = static_cast<int>(shape.size()) == parent.rank &&
                          std::equal(shape.begin(), shape.end(), parent.shape);
  if (tuned.alias == AliasKind::kSame && !same_shape) {
    HONE_CHECK(parent.dense());
    for (size_t i = 0; i < shape.size(); ++i) layout.shape[i] = shape[i];
    HONE_CHECK(dense_strides(&layout) && layout.num_elements() == parent.num_elements());
    return ok();
  }
  const DataType dtype = layout.dtype;
  layout = parent;
  layout.dtype = dtype;
  if (tuned.alias == AliasKind::kSame) return ok();
  HONE_ASSIGN_OR_RETURN(const int64_t start, tuned.start.eval(symbols));
  for (size_t i = 0; i < shape.size(); ++i) {
    layout.shape[i] = shape[i];
    layout.halo_before[i] = layout.halo_after[i] = 0;
  }
  HONE_CHECK(start >= 0 && start + shape[tuned.axis] <= parent.shape[tuned.axis]);
  element_offsets_[v] += start * parent.stride[tuned.axis];
  return ok();
}

Status Binding::infer_layouts(const SymbolValues& symbols) {
  const Portable& portable = plan_->data.portable;
  const size_t count = portable.values.size();
  layouts_.resize(count);
  element_offsets_.assign(count, 0);
  std::vector<std::vector<int64_t>> shapes(count);
  for (size_t v = 0; v < count; ++v) {
    const PlanValue& value = portable.values[v];
    auto shape = eval_shape(value.type.shape, symbols);
    if (!shape.ok()) return Status(shape.status()).at(fmt::format("value '{}'", value.name));
    shapes[v] = std::move(*shape);
    layouts_[v].dtype = value.type.dtype;
    layouts_[v].rank = static_cast<int>(shapes[v].size());
  }
  // Parents first: chains are short, so walking them per value is cheap.
  std::vector<bool> done(count, false);
  std::vector<int> chain;
  for (size_t v = 0; v < count; ++v) {
    chain.clear();
    for (int p = static_cast<int>(v); p >= 0 && !done[p]; p = plan_->tuned.values[p].parent) {
      chain.push_back(p);
    }
    for (auto it = chain.rbegin(); it != chain.rend(); ++it) {
      const bool is_root = plan_->tuned.values[*it].parent < 0;
      HONE_RETURN_IF_ERROR(is_root ? layout_of_root(*it, shapes[*it])
                                   : layout_of_alias(*it, shapes[*it], symbols));
      done[*it] = true;
    }
  }
  return ok();
}

int64_t Binding::slot_bytes(int v) const {
  const TensorLayout& layout = layouts_[v];
  int64_t elements = 1;
  for (int i = 0; i < layout.rank; ++i) {
    elements *= layout.shape[i] + layout.halo_before[i] + layout.halo_after[i];
  }
  return elements * static_cast<int64_t>(dtype_size(layout.dtype));
}

Status Binding::prepare_steps(size_t profile) {
  const Portable& portable = plan_->data.portable;
  for (size_t s = 0; s < portable.steps.size(); ++s) {
    const TunedStep& tuned = plan_->tuned.steps[s];
    if (tuned.is_view) continue;
    const PlanStep& step = portable.steps[s];
    std::vector<TensorLayout> inputs, outputs;
    std::vector<const void*> constants;
    for (int v : step.inputs) {
      inputs.push_back(layouts_[v]);
      const PlanValue& value = portable.values[v];
      constants.push_back(value.has_data ? value.constant.raw() : nullptr);
    }
    for (int v : step.outputs) outputs.push_back(layouts_[v]);
    PrepareArgs args;
    args.step = &plan_->descs[s];
    args.target = &plan_->target;
    args.config = tuned.configs[std::min(profile, tuned.configs.size() - 1)];
    args.inputs = inputs;
    args.outputs = outputs;
    args.packed = tuned.packed_bytes ? plan_->tuned.packed + tuned.packed_offset : nullptr;
    args.packed_bytes = tuned.packed_bytes;
    args.constants = constants;
    Step out;
    out.index = static_cast<int>(s);
    out.prepared = find_tactic(tuned.tactic)->prepare(args);
    out.inputs = step.inputs;
    out.outputs = step.outputs;
    steps_.push_back(std::move(out));
  }
  return ok();
}

Status Binding::place_slots() {
  const Portable& portable = plan_->data.portable;
  const int count = static_cast<int>(portable.values.size());
  std::vector<ArenaSlot> slots(count);
  for (const PlanStep& step : portable.steps) {
    for (int v : step.inputs) slots[root(v)].extend(step.group);
    for (int v : step.outputs) slots[root(v)].extend(step.group);
  }
  places_.resize(count);
  for (size_t i = 0; i < portable.inputs.size(); ++i) {
    places_[portable.inputs[i]] = {Base::kInput, static_cast<int>(i), 0, nullptr};
  }
  for (size_t i = 0; i < portable.outputs.size(); ++i) {
    places_[portable.outputs[i]] = {Base::kOutput, static_cast<int>(i), 0, nullptr};
  }
  for (int v = 0; v < count; ++v) {
    const PlanValue& value = portable.values[v];
    if (value.kind == ValueKind::kConstant) {
      places_[v] = {Base::kConstant, 0, 0, value.has_data ? value.constant.raw() : nullptr};
    } else if (root(v) == v && places_[v].base == Base::kNone && slots[v].first >= 0) {
      places_[v].base = Base::kArena;
      slots[v].bytes = slot_bytes(v);
    }
  }
  const int64_t slot_total = place_in_arena(&slots);
  for (int v = 0; v < count; ++v) {
    if (places_[v].base == Base::kArena) places_[v].bytes = slots[v].offset;
  }
  for (int v = 0; v < count; ++v) {
    const int r = root(v);
    if (r != v) places_[v] = places_[r];
  }
  for (int v = 0; v < count; ++v) {
    if (places_[v].base == Base::kConstant) continue;
    places_[v].bytes += element_offsets_[v] * static_cast<int64_t>(dtype_size(layouts_[v].dtype));
  }
  size_t workspace = 0;
  for (const Step& step : steps_) workspace = std::max(workspace, step.prepared->workspace_bytes());
  workspace_offset_ = static_cast<size_t>(slot_total);
  arena_bytes_ = workspace_offset_ + align_arena(workspace);
  return ok();
}

void Binding::resolve(std::byte* arena, const void* const* inputs, void* const* outputs,
                      std::vector<void*>* pointers) const {
  pointers->resize(places_.size());
  for (size_t v = 0; v < places_.size(); ++v) {
    const Place& place = places_[v];
    void* base = nullptr;
    switch (place.base) {
      case Base::kArena:
        base = arena;
        break;
      case Base::kInput:
        base = const_cast<void*>(inputs[place.index]);
        break;
      case Base::kOutput:
        base = outputs[place.index];
        break;
      case Base::kConstant:
        base = const_cast<void*>(place.constant);
        break;
      case Base::kNone:
        break;
    }
    (*pointers)[v] = base ? static_cast<std::byte*>(base) + place.bytes : nullptr;
  }
}

}  // namespace hone
