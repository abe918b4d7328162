// ExecutionContext: finds or makes the binding for the shapes at hand and runs its flat list of
// steps.
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <list>

#include "runtime/engine_impl.h"

namespace hone {
namespace {

constexpr size_t kMaxBindings = 8;

struct FreeDeleter {
  void operator()(void* p) const { std::free(p); }
};

bool same_shapes(const std::vector<std::vector<int64_t>>& bound,
                 std::span<const TensorView> inputs) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (bound[i] != inputs[i].shape) return false;
  }
  return true;
}

// The elements of a stored tensor, row-major without gaps. Plain: for debugging runs only.
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

// Outputs of runs that only look: kept until the run is over.
class ScratchOutputs {
 public:
  explicit ScratchOutputs(size_t count) : buffers_(count) {}
  OutputAllocator allocator() {
    return [this](size_t i, const std::vector<int64_t>&, DataType, size_t bytes) -> void* {
      buffers_[i].resize(bytes + 1);
      return buffers_[i].data();
    };
  }

 private:
  std::vector<std::vector<std::byte>> buffers_;
};

}  // namespace

struct ExecutionContext::Impl {
  std::shared_ptr<const Engine::Impl> engine;
  std::list<std::unique_ptr<Binding>> bindings;  // most recently used first
  std::unique_ptr<std::byte, FreeDeleter> arena;
  size_t arena_bytes = 0;
  // Reused by every run, so that the steady state does not allocate.
  std::vector<const void*> input_pointers;
  std::vector<void*> output_pointers, pointers;
  std::vector<const void*> step_inputs;
  std::vector<void*> step_outputs;
  std::vector<int64_t> output_shape;
  const DebugListener* listener = nullptr;  // of the debugging run that is under way

  const Portable& portable() const { return engine->plan->data.portable; }

  Status check_inputs(std::span<const TensorView> inputs) const;
  Result<const Binding*> bind(std::span<const TensorView> inputs);
  Status grow_arena(size_t bytes);
  Status allocate_outputs(const Binding& binding, const OutputAllocator& allocate);
  Status run_steps(const Binding& binding, std::vector<double>* milliseconds);
  Status show(const Binding& binding, const Binding::Step& step);
  Status run(std::span<const TensorView> inputs, const OutputAllocator& allocate,
             std::vector<double>* milliseconds);
};

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

Status ExecutionContext::Impl::grow_arena(size_t bytes) {
  if (bytes <= arena_bytes) return ok();
  arena.reset();
  arena_bytes = 0;
  // Large arenas on a huge-page boundary: fewer TLB misses when the system gives huge pages.
  constexpr size_t kHugePage = size_t{2} << 20;
  const size_t alignment = bytes >= kHugePage ? kHugePage : 64;
  const size_t padded = (bytes + alignment - 1) / alignment * alignment;
  arena.reset(static_cast<std::byte*>(std::aligned_alloc(alignment, padded)));
  if (!arena) {
    return Status(Code::kOutOfResources,
                  fmt::format("no memory for {} bytes of intermediate tensors", bytes))
        .fix("use a smaller batch, or fewer contexts");
  }
  arena_bytes = padded;
  return ok();
}

Result<const Binding*> ExecutionContext::Impl::bind(std::span<const TensorView> inputs) {
  for (auto it = bindings.begin(); it != bindings.end(); ++it) {
    if (!same_shapes((*it)->input_shapes(), inputs)) continue;
    if (it != bindings.begin()) bindings.splice(bindings.begin(), bindings, it);
    // A larger shape may have failed to get its arena and left none.
    HONE_RETURN_IF_ERROR(grow_arena(bindings.front()->arena_bytes()));
    return static_cast<const Binding*>(bindings.front().get());
  }
  std::vector<std::vector<int64_t>> shapes;
  for (const TensorView& input : inputs) shapes.push_back(input.shape);
  HONE_ASSIGN_OR_RETURN(auto binding, Binding::make(engine->plan, shapes));
  HONE_RETURN_IF_ERROR(grow_arena(binding->arena_bytes()));
  bindings.push_front(std::move(binding));
  if (bindings.size() > kMaxBindings) bindings.pop_back();
  return static_cast<const Binding*>(bindings.front().get());
}

Status ExecutionContext::Impl::allocate_outputs(const Binding& binding,
                                                const OutputAllocator& allocate) {
  for (size_t i = 0; i < portable().outputs.size(); ++i) {
    const TensorLayout& layout = binding.layout(portable().outputs[i]);
    output_shape.assign(layout.shape, layout.shape + layout.rank);
    const size_t bytes = static_cast<size_t>(layout.num_elements()) * dtype_size(layout.dtype);
    output_pointers[i] = allocate(i, output_shape, layout.dtype, bytes);
    if (!output_pointers[i] && bytes > 0) {
      return Status(Code::kOutOfResources, "the output could not be allocated")
          .at(fmt::format("output '{}'", engine->outputs[i].name));
    }
  }
  return ok();
}

Status ExecutionContext::Impl::run_steps(const Binding& binding,
                                         std::vector<double>* milliseconds) {
  using Clock = std::chrono::steady_clock;
  binding.resolve(arena.get(), input_pointers.data(), output_pointers.data(), &pointers);
  StepContext context;
  context.workspace = binding.workspace(arena.get());
  context.threads = engine->threads;
  for (const Binding::Step& step : binding.steps()) {
    step_inputs.clear();
    step_outputs.clear();
    for (int v : step.inputs) step_inputs.push_back(pointers[v]);
    for (int v : step.outputs) step_outputs.push_back(pointers[v]);
    context.inputs = step_inputs.data();
    context.outputs = step_outputs.data();
    const auto begin = milliseconds ? Clock::now() : Clock::time_point();
    Status status = step.prepared->run(context);
    if (!status.ok()) {
      return std::move(status).at(fmt::format("node '{}'", portable().steps[step.index].name));
    }
    if (milliseconds) {
      milliseconds->push_back(
          std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
    }
    if (listener) HONE_RETURN_IF_ERROR(show(binding, step));
  }
  return ok();
}

Status ExecutionContext::Impl::show(const Binding& binding, const Binding::Step& step) {
  for (int v : step.outputs) {
    const PlanValue& value = portable().values[v];
    const PlanStep& plan_step = portable().steps[step.index];
    const TensorLayout& layout = binding.layout(v);
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

Status ExecutionContext::Impl::run(std::span<const TensorView> inputs,
                                   const OutputAllocator& allocate,
                                   std::vector<double>* milliseconds) {
  HONE_RETURN_IF_ERROR(check_inputs(inputs));
  HONE_ASSIGN_OR_RETURN(const Binding* binding, bind(inputs));
  for (size_t i = 0; i < inputs.size(); ++i) input_pointers[i] = inputs[i].data;
  HONE_RETURN_IF_ERROR(allocate_outputs(*binding, allocate));
  return run_steps(*binding, milliseconds);
}

ExecutionContext::ExecutionContext(std::shared_ptr<const Engine::Impl> engine)
    : impl_(std::make_unique<Impl>()) {
  impl_->input_pointers.resize(engine->inputs.size());
  impl_->output_pointers.resize(engine->outputs.size());
  impl_->engine = std::move(engine);
}
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
    HONE_ASSIGN_OR_RETURN(auto shape, eval_shape(portable.values[v].type.shape, symbols));
    shapes.push_back(std::move(shape));
  }
  return shapes;
}

Result<std::vector<StepProfile>> ExecutionContext::profile(std::span<const TensorView> inputs) {
  ScratchOutputs outputs(impl_->output_pointers.size());
  std::vector<double> milliseconds;
  HONE_RETURN_IF_ERROR(impl_->run(inputs, outputs.allocator(), &milliseconds));
  const Binding& binding = *impl_->bindings.front();
  HONE_ASSIGN_OR_RETURN(const SymbolValues symbols,
                        bind_symbols(impl_->portable(), binding.input_shapes()));
  std::vector<StepProfile> profile;
  for (size_t i = 0; i < binding.steps().size(); ++i) {
    const int s = binding.steps()[i].index;
    const PlanStep& step = impl_->portable().steps[s];
    StepProfile entry;
    entry.name = step.name;
    entry.op = step.op->name;
    entry.tactic = impl_->engine->plan->tuned.steps[s].tactic;
    entry.milliseconds = milliseconds[i];
    entry.gflop = step_gflop(substitute_shapes(impl_->engine->plan->descs[s], symbols));
    profile.push_back(std::move(entry));
  }
  return profile;
}

Status ExecutionContext::debug(std::span<const TensorView> inputs, const DebugListener& listener) {
  ScratchOutputs outputs(impl_->output_pointers.size());
  impl_->listener = &listener;
  const Status status = impl_->run(inputs, outputs.allocator(), nullptr);
  impl_->listener = nullptr;
  return status;
}

int64_t ExecutionContext::arena_bytes() const { return static_cast<int64_t>(impl_->arena_bytes); }

}  // namespace hone
