// ExecutionContext: finds or makes the binding for the shapes at hand and runs its flat list of
// steps.
#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <list>
#include <set>

#include "runtime/context_impl.h"
#include "runtime/found_outputs.h"
#include "runtime/step_clock.h"

namespace hone {
namespace {

constexpr size_t kMaxBindings = 8;

bool same_shapes(const std::vector<std::vector<int64_t>>& bound,
                 std::span<const TensorView> inputs) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (bound[i] != inputs[i].shape) return false;
  }
  return true;
}

}  // namespace

ExecutionContext::Impl::Impl(std::shared_ptr<const Engine::Impl> owner) : engine(std::move(owner)) {
  input_pointers.resize(engine->inputs.size());
  output_pointers.resize(engine->outputs.size());
  pointers.resize(portable().values.size());
  stages.resize(plan_stages().stages.size());
  for (size_t s = 0; s < stages.size(); ++s) {
    const size_t count = plan_stages().stages[s].found_dims.size();
    stages[s].found.resize(count);
    stages[s].found_shapes.resize(count);
    stages[s].is_found.resize(count);
  }
}

Status ExecutionContext::Impl::check_inputs(std::span<const TensorView> inputs) const {
  const auto& infos = engine->inputs;
  if (inputs.size() != infos.size()) {
    return Status(Code::kShape,
                  fmt::format("{} inputs given, the plan has {}", inputs.size(), infos.size()));
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].dtype != infos[i].dtype) {
      return Status(Code::kShape, fmt::format("dtype {} instead of {}", dtype_name(inputs[i].dtype),
                                              dtype_name(infos[i].dtype)))
          .at(fmt::format("input '{}'", infos[i].name))
          .fix(fmt::format("convert the data to {}", dtype_name(infos[i].dtype)));
    }
    if (!inputs[i].data &&
        std::find(inputs[i].shape.begin(), inputs[i].shape.end(), 0) == inputs[i].shape.end()) {
      return Status(Code::kInvalidArgument, "no data (null pointer)")
          .at(fmt::format("input '{}'", infos[i].name));
    }
  }
  return ok();
}

Status ExecutionContext::Impl::grow_arena(size_t stage, size_t bytes) {
  if (stages[stage].arena.grow(bytes)) return ok();
  return Status(Code::kOutOfResources,
                fmt::format("no memory for {} bytes of intermediate tensors", bytes))
      .fix("use a smaller batch, or fewer contexts");
}

Result<const Binding*> ExecutionContext::Impl::bind(std::span<const TensorView> inputs) {
  auto& bindings = stages[0].bindings;
  for (auto it = bindings.begin(); it != bindings.end(); ++it) {
    if (!same_shapes((*it)->input_shapes(), inputs)) continue;
    if (it != bindings.begin()) bindings.splice(bindings.begin(), bindings, it);
    // A larger shape may have failed to get its arena and left none.
    HONE_RETURN_IF_ERROR(grow_arena(0, bindings.front()->arena_bytes()));
    return static_cast<const Binding*>(bindings.front().get());
  }
  std::vector<std::vector<int64_t>> shapes;
  for (const TensorView& input : inputs) shapes.push_back(input.shape);
  HONE_ASSIGN_OR_RETURN(auto binding, Binding::make(engine->plan, shapes));
  HONE_RETURN_IF_ERROR(grow_arena(0, binding->arena_bytes()));
  bindings.push_front(std::move(binding));
  if (bindings.size() > kMaxBindings) bindings.pop_back();
  return static_cast<const Binding*>(bindings.front().get());
}

// The stage behind `before`, for the sizes found so far.
Result<const Binding*> ExecutionContext::Impl::bind_next(const Binding& before,
                                                         std::span<const TensorView> inputs) {
  const Stage& last = before.stage();
  const size_t stage = static_cast<size_t>(&last - plan_stages().stages.data()) + 1;
  const size_t known = last.first_found + last.found_symbols.size();
  auto& bindings = stages[stage].bindings;
  for (auto it = bindings.begin(); it != bindings.end(); ++it) {
    const std::vector<int64_t>& sizes = (*it)->found_sizes();
    if (!std::equal(sizes.begin(), sizes.end(), found_sizes.begin())) continue;
    if (!same_shapes((*it)->input_shapes(), inputs)) continue;
    if (it != bindings.begin()) bindings.splice(bindings.begin(), bindings, it);
    HONE_RETURN_IF_ERROR(grow_arena(stage, bindings.front()->arena_bytes()));
    return static_cast<const Binding*>(bindings.front().get());
  }
  auto binding = Binding::make_next(
      before, {found_sizes.begin(), found_sizes.begin() + static_cast<int64_t>(known)});
  if (!binding.ok()) {
    return Status(binding.status())
        .at(fmt::format("after node '{}'", portable().steps[last.end - 1].name));
  }
  HONE_RETURN_IF_ERROR(grow_arena(stage, (*binding)->arena_bytes()));
  bindings.push_front(std::move(*binding));
  if (bindings.size() > kMaxBindings) bindings.pop_back();
  return static_cast<const Binding*>(bindings.front().get());
}

// The shape is in output_shape.
Status ExecutionContext::Impl::allocate_output(size_t i, DataType dtype, size_t bytes,
                                               const OutputAllocator& allocate) {
  output_pointers[i] = allocate(i, output_shape, dtype, bytes);
  if (output_pointers[i] || bytes == 0) return ok();
  return Status(Code::kOutOfResources, "the output could not be allocated")
      .at(fmt::format("output '{}'", engine->outputs[i].name));
}

Status ExecutionContext::Impl::allocate_outputs(const Binding& binding,
                                                const OutputAllocator& allocate) {
  for (int i : binding.stage().outputs) {
    const TensorLayout& layout = binding.layout(portable().outputs[static_cast<size_t>(i)]);
    output_shape.assign(layout.shape, layout.shape + layout.rank);
    const size_t bytes = static_cast<size_t>(layout.num_elements()) * dtype_size(layout.dtype);
    HONE_RETURN_IF_ERROR(allocate_output(static_cast<size_t>(i), layout.dtype, bytes, allocate));
  }
  return ok();
}

Status ExecutionContext::Impl::run_steps(const Binding& binding, size_t stage,
                                         const OutputAllocator& allocate, StepClock* clock) {
  std::byte* arena = stages[stage].arena.data();
  binding.resolve(arena, input_pointers.data(), output_pointers.data(), &pointers);
  StepContext context;
  context.workspace = binding.workspace(arena);
  context.threads = engine->threads;
  Sink sink(*this, binding, stage, allocate);
  for (const Binding::Step& step : binding.steps()) {
    const bool ends_stage = portable().steps[step.index].ends_stage;
    step_inputs.clear();
    step_outputs.clear();
    for (int v : step.inputs) step_inputs.push_back(pointers[v]);
    for (int v : step.outputs) step_outputs.push_back(pointers[v]);
    context.inputs = step_inputs.data();
    context.outputs = ends_stage ? nullptr : step_outputs.data();
    context.sink = ends_stage ? &sink : nullptr;
    if (clock) clock->begin();
    Status status = step.prepared->run(context);
    if (status.ok() && ends_stage) status = finish_stage(binding, stage);
    if (!status.ok()) {
      return std::move(status).at(fmt::format("node '{}'", portable().steps[step.index].name));
    }
    if (clock) clock->end();
    if (listener) HONE_RETURN_IF_ERROR(show(binding, step, stage));
  }
  return ok();
}

Status ExecutionContext::Impl::run(std::span<const TensorView> inputs,
                                   const OutputAllocator& allocate, StepClock* clock) {
  HONE_RETURN_IF_ERROR(check_inputs(inputs));
  HONE_ASSIGN_OR_RETURN(const Binding* binding, bind(inputs));
  for (size_t i = 0; i < inputs.size(); ++i) input_pointers[i] = inputs[i].data;
  if (stages.size() > 1) {
    const Stage& last = plan_stages().stages[stages.size() - 2];
    found_sizes.assign(last.first_found + last.found_symbols.size(), -1);
    for (StageState& state : stages) state.is_found.assign(state.is_found.size(), false);
  }
  for (size_t stage = 0;; ++stage) {
    HONE_RETURN_IF_ERROR(allocate_outputs(*binding, allocate));
    HONE_RETURN_IF_ERROR(run_steps(*binding, stage, allocate, clock));
    if (stage + 1 == stages.size()) return ok();
    HONE_ASSIGN_OR_RETURN(binding, bind_next(*binding, inputs));
  }
}

ExecutionContext::ExecutionContext(std::shared_ptr<const Engine::Impl> engine)
    : impl_(std::make_unique<Impl>(std::move(engine))) {}
ExecutionContext::~ExecutionContext() = default;
ExecutionContext::ExecutionContext(ExecutionContext&&) noexcept = default;
ExecutionContext& ExecutionContext::operator=(ExecutionContext&&) noexcept = default;

Status ExecutionContext::run(std::span<const TensorView> inputs, const OutputAllocator& allocate) {
  return impl_->run(inputs, allocate, nullptr);
}

Status ExecutionContext::run(const NamedTensors& inputs, const NamedTensors& outputs) {
  const auto order = [](const NamedTensors& given, const std::vector<TensorInfo>& infos,
                        const char* kind, std::vector<TensorView>* ordered) -> Status {
    std::vector<bool> found(infos.size(), false);
    ordered->resize(infos.size());
    for (const auto& [name, view] : given) {
      const auto it = std::find_if(infos.begin(), infos.end(),
                                   [&n = name](const TensorInfo& info) { return info.name == n; });
      if (it == infos.end()) {
        std::string known;
        for (const TensorInfo& info : infos)
          known += (known.empty() ? "'" : ", '") + info.name + "'";
        return Status(Code::kShape, fmt::format("the plan has no {} '{}'", kind, name))
            .fix(fmt::format("use one of {}", known));
      }
      const size_t i = static_cast<size_t>(it - infos.begin());
      if (found[i]) return Status(Code::kShape, fmt::format("{} '{}' given twice", kind, name));
      found[i] = true;
      (*ordered)[i] = view;
    }
    for (size_t i = 0; i < infos.size(); ++i) {
      if (!found[i])
        return Status(Code::kShape, fmt::format("{} '{}' is missing", kind, infos[i].name));
    }
    return ok();
  };
  std::vector<TensorView> in, out;
  HONE_RETURN_IF_ERROR(order(inputs, impl_->engine->inputs, "input", &in));
  HONE_RETURN_IF_ERROR(order(outputs, impl_->engine->outputs, "output", &out));
  Status misfit;
  const Status status = impl_->run(
      in,
      [&](size_t i, const std::vector<int64_t>& shape, DataType dtype, size_t) -> void* {
        if (out[i].shape == shape && out[i].dtype == dtype) return out[i].data;
        misfit = Status(Code::kShape,
                        fmt::format("the buffer is {}{}, the result {}{}", dtype_name(out[i].dtype),
                                    shape_text(out[i].shape), dtype_name(dtype), shape_text(shape)))
                     .at(fmt::format("output '{}'", impl_->engine->outputs[i].name));
        return nullptr;
      },
      nullptr);
  return misfit.ok() ? status : misfit;
}

Result<std::vector<std::vector<int64_t>>> ExecutionContext::output_shapes(
    const std::vector<std::vector<int64_t>>& input_shapes) {
  const Portable& portable = impl_->portable();
  if (input_shapes.size() != portable.inputs.size()) {
    return Status(Code::kShape, fmt::format("{} input shapes given, the plan has {} inputs",
                                            input_shapes.size(), portable.inputs.size()));
  }
  HONE_ASSIGN_OR_RETURN(const SymbolValues symbols, bind_symbols(portable, input_shapes));
  std::vector<std::vector<int64_t>> shapes;
  for (int v : portable.outputs) {
    const Shape& shape = portable.values[v].type.shape;
    shapes.emplace_back();
    for (const Dim& dim : shape) {
      std::set<std::string> used;
      dim.collect_symbols(&used);
      const bool known = std::all_of(used.begin(), used.end(), [&](const std::string& name) {
        return symbols.contains(name);
      });
      shapes.back().push_back(kAny);
      if (!known) continue;  // a run finds it out
      HONE_ASSIGN_OR_RETURN(const auto size, eval_shape({dim}, symbols));
      shapes.back().back() = size[0];
    }
  }
  return shapes;
}

Status ExecutionContext::debug(std::span<const TensorView> inputs, const DebugListener& listener) {
  ScratchOutputs outputs(impl_->output_pointers.size());
  impl_->listener = &listener;
  const Status status = impl_->run(inputs, outputs.allocator(), nullptr);
  impl_->listener = nullptr;
  return status;
}

int64_t ExecutionContext::arena_bytes() const {
  size_t bytes = 0;
  for (const StageState& stage : impl_->stages) {
    bytes += stage.arena.bytes();
    for (const MemoryBlock& block : stage.found) bytes += block.bytes();
  }
  return static_cast<int64_t>(bytes);
}

}  // namespace hone
