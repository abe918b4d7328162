#include "runtime/binding.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/check.h"
#include "lower/reshaped_view.h"
#include "runtime/arena.h"

namespace hone {
namespace {

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

void LoadedPlan::prepare() {
  descs = make_step_descs(data.portable);
  stages = make_stages(data.portable, tuned);
}

size_t Binding::local(int v) const {
  const std::vector<int>& values = stage().values;
  const auto found = std::lower_bound(values.begin(), values.end(), v);
  HONE_CHECK(found != values.end() && *found == v);
  return static_cast<size_t>(found - values.begin());
}

Result<std::unique_ptr<Binding>> Binding::make(std::shared_ptr<const LoadedPlan> plan,
                                               const std::vector<std::vector<int64_t>>& shapes) {
  auto binding = std::make_unique<Binding>();
  HONE_ASSIGN_OR_RETURN(binding->symbols_, bind_symbols(plan->data.portable, shapes));
  binding->plan_ = std::move(plan);
  binding->input_shapes_ = shapes;
  HONE_RETURN_IF_ERROR(binding->bind());
  return binding;
}

Result<std::unique_ptr<Binding>> Binding::make_next(const Binding& before,
                                                    const std::vector<int64_t>& sizes) {
  auto binding = std::make_unique<Binding>();
  binding->plan_ = before.plan_;
  binding->stage_ = before.stage_ + 1;
  binding->input_shapes_ = before.input_shapes_;
  binding->found_sizes_ = sizes;
  binding->symbols_ = before.symbols_;
  const Stage& stage = before.stage();
  for (size_t i = 0; i < stage.found_symbols.size(); ++i) {
    binding->symbols_[stage.found_symbols[i]] = sizes[stage.first_found + i];
  }
  HONE_RETURN_IF_ERROR(check_stage(before.plan_->data.portable, static_cast<int>(binding->stage_),
                                   binding->symbols_));
  HONE_RETURN_IF_ERROR(binding->bind());
  return binding;
}

Result<std::vector<std::unique_ptr<Binding>>> Binding::make_all(
    std::shared_ptr<const LoadedPlan> plan, const std::vector<std::vector<int64_t>>& shapes) {
  std::vector<std::unique_ptr<Binding>> bindings;
  HONE_ASSIGN_OR_RETURN(auto first, make(plan, shapes));
  SymbolValues symbols = first->symbols();
  bindings.push_back(std::move(first));
  if (plan->stages.stages.size() == 1) return bindings;
  add_default_sizes(plan->data.portable, &symbols);
  std::vector<int64_t> sizes;
  while (bindings.size() < plan->stages.stages.size()) {
    for (const std::string& name : bindings.back()->stage().found_symbols) {
      sizes.push_back(symbols[name]);
    }
    auto next = make_next(*bindings.back(), sizes);
    if (!next.ok()) break;
    bindings.push_back(std::move(*next));
  }
  return bindings;
}

Status Binding::bind() {
  HONE_RETURN_IF_ERROR(infer_layouts());
  HONE_RETURN_IF_ERROR(prepare_steps(nearest_profile(plan_->data.portable, input_shapes_)));
  place_slots();
  return ok();
}

Status Binding::layout_of_root(int v, const std::vector<int64_t>& shape) {
  const PlanValue& value = plan_->data.portable.values[v];
  const TunedValue& tuned = plan_->tuned.values[v];
  const size_t place = local(v);
  TensorLayout& layout = layouts_[place];
  for (size_t i = 0; i < shape.size(); ++i) {
    layout.shape[i] = shape[i];
    if (tuned.halo_before.empty()) continue;
    layout.halo_before[i] = tuned.halo_before[i];
    layout.halo_after[i] = tuned.halo_after[i];
  }
  if (!dense_strides(&layout)) return too_large(value);
  for (size_t i = 0; i < shape.size(); ++i) {
    element_offsets_[place] += layout.halo_before[i] * layout.stride[i];
  }
  return ok();
}

Status Binding::layout_of_alias(int v, const std::vector<int64_t>& shape) {
  const TunedValue& tuned = plan_->tuned.values[v];
  const size_t place = local(v), parent_place = local(tuned.parent);
  const TensorLayout& parent = layouts_[parent_place];
  TensorLayout& layout = layouts_[place];
  element_offsets_[place] = element_offsets_[parent_place];
  const bool same_shape = static_cast<int>(shape.size()) == parent.rank &&
                          std::equal(shape.begin(), shape.end(), parent.shape);
  if (tuned.alias == AliasKind::kSame && !same_shape) {
    for (size_t i = 0; i < shape.size(); ++i) layout.shape[i] = shape[i];
    HONE_CHECK(reshape_layout(parent, &layout));
    return ok();
  }
  const DataType dtype = layout.dtype;
  layout = parent;
  layout.dtype = dtype;
  if (tuned.alias == AliasKind::kSame) return ok();
  HONE_ASSIGN_OR_RETURN(const int64_t start, tuned.start.eval(symbols_));
  for (size_t i = 0; i < shape.size(); ++i) {
    layout.shape[i] = shape[i];
  }
  layout.halo_before[tuned.axis] = layout.halo_after[tuned.axis] = 0;
  HONE_CHECK(start >= 0 && start + shape[tuned.axis] <= parent.shape[tuned.axis]);
  element_offsets_[place] += start * parent.stride[tuned.axis];
  return ok();
}

Status Binding::infer_layout(int v) {
  const PlanValue& value = plan_->data.portable.values[v];
  auto shape = eval_shape(value.type.shape, symbols_);
  if (!shape.ok()) return Status(shape.status()).at(fmt::format("value '{}'", value.name));
  TensorLayout& layout = layouts_[local(v)];
  layout.dtype = value.type.dtype;
  layout.rank = static_cast<int>(shape->size());
  return plan_->tuned.values[v].parent < 0 ? layout_of_root(v, *shape) : layout_of_alias(v, *shape);
}

Status Binding::infer_layouts() {
  const std::vector<int>& values = stage().values;
  layouts_.resize(values.size());
  element_offsets_.assign(values.size(), 0);
  // Parents first: chains are short, so walking them per value is cheap.
  std::vector<bool> done(values.size(), false);
  std::vector<int> chain;
  for (int v : values) {
    chain.clear();
    for (int p = v; p >= 0 && !done[local(p)]; p = plan_->tuned.values[p].parent) {
      chain.push_back(p);
    }
    for (auto it = chain.rbegin(); it != chain.rend(); ++it) {
      HONE_RETURN_IF_ERROR(infer_layout(*it));
      done[local(*it)] = true;
    }
  }
  return ok();
}

int64_t Binding::slot_bytes(int v) const {
  const TensorLayout& layout = this->layout(v);
  int64_t elements = 1;
  for (int i = 0; i < layout.rank; ++i) {
    elements *= layout.shape[i] + layout.halo_before[i] + layout.halo_after[i];
  }
  return elements * static_cast<int64_t>(dtype_size(layout.dtype));
}

Status Binding::prepare_steps(size_t profile) {
  const Portable& portable = plan_->data.portable;
  for (size_t s = stage().begin; s < stage().end; ++s) {
    const TunedStep& tuned = plan_->tuned.steps[s];
    if (tuned.is_view) continue;
    const PlanStep& step = portable.steps[s];
    std::vector<TensorLayout> inputs, outputs;
    std::vector<const void*> constants;
    for (int v : step.inputs) {
      inputs.push_back(layout(v));
      const PlanValue& value = portable.values[v];
      constants.push_back(value.has_data ? value.constant.raw() : nullptr);
    }
    for (int v : step.outputs) {
      outputs.emplace_back();
      if (!step.ends_stage) outputs.back() = layout(v);
      outputs.back().dtype = portable.values[v].type.dtype;
      outputs.back().rank = static_cast<int>(portable.values[v].type.shape.size());
    }
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

Binding::Place Binding::place_of(int v, const std::vector<ArenaSlot>& slots) const {
  const Stages& stages = plan_->stages;
  const PlanValue& value = plan_->data.portable.values[v];
  const int root = stages.root[v];
  Place place;
  place.value = v;
  if (value.kind == ValueKind::kConstant) {
    place.base = Base::kConstant;
    place.constant = value.has_data ? value.constant.raw() : nullptr;
    return place;
  }
  const auto size = static_cast<int64_t>(dtype_size(value.type.dtype));
  const bool used = std::binary_search(stage().values.begin(), stage().values.end(), v);
  if (used) place.bytes = element_offsets_[local(v)] * size;
  if (!owns(root) || stages.found[root]) {
    place.base = Base::kEarlier;
    place.index = root;
    if (used) place.bytes -= element_offsets_[local(root)] * size;
  } else if (stages.input[root] >= 0) {
    place.base = Base::kInput;
    place.index = stages.input[root];
  } else if (stages.output[root] >= 0) {
    place.base = Base::kOutput;
    place.index = stages.output[root];
  } else if (used) {
    place.base = Base::kArena;
    place.bytes += slots[local(root)].offset;
  }
  return place;
}

void Binding::place_slots() {
  const Stages& stages = plan_->stages;
  const std::vector<int>& values = stage().values;
  std::vector<ArenaSlot> slots(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    const int v = values[i];
    const bool placed = plan_->data.portable.values[v].kind == ValueKind::kComputed &&
                        stages.root[v] == v && owns(v) && !stages.found[v] && stages.output[v] < 0;
    if (!placed) continue;
    slots[i] = stages.lifetime[v];
    slots[i].bytes = slot_bytes(v);
  }
  const int64_t slot_total = place_in_arena(&slots);
  for (int v : stage().own) {
    // Those that a step finds out have their places when this stage begins.
    if (!stages.found[v]) places_.push_back(place_of(v, slots));
  }
  size_t workspace = 0;
  for (const Step& step : steps_) workspace = std::max(workspace, step.prepared->workspace_bytes());
  workspace_offset_ = static_cast<size_t>(slot_total);
  arena_bytes_ = workspace_offset_ + align_arena(workspace);
}

void Binding::resolve(std::byte* arena, const void* const* inputs, void* const* outputs,
                      std::vector<void*>* pointers) const {
  for (const Place& place : places_) {
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
      case Base::kEarlier:
        base = (*pointers)[place.index];
        break;
      case Base::kNone:
        break;
    }
    (*pointers)[place.value] = base ? static_cast<std::byte*>(base) + place.bytes : nullptr;
  }
}

}  // namespace hone
