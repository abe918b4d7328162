// The inside of hone::ExecutionContext: what it keeps for each stage of the plan, and where the
// steps that find out sizes put their outputs.
#pragma once

#include <list>
#include <memory>
#include <span>
#include <vector>

#include "base/memory.h"
#include "runtime/engine_impl.h"

namespace hone {

// Memory that grows and is kept.
class MemoryBlock {
 public:
  std::byte* data() const { return memory_.get(); }
  size_t bytes() const { return bytes_; }
  // Keeps nothing of what was in it. False: no memory, and none is held.
  bool grow(size_t bytes) {
    if (bytes <= bytes_) return true;
    memory_.reset();
    bytes_ = 0;
    memory_ = allocate_memory(bytes);
    if (memory_) bytes_ = bytes;
    return memory_ != nullptr;
  }

 private:
  Memory memory_;
  size_t bytes_ = 0;
};

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

// What a context keeps for a stage.
struct StageState {
  std::list<std::unique_ptr<Binding>> bindings;  // most recently used first
  MemoryBlock arena;
  // Of the step that ends the stage: its outputs, where they are no outputs of the plan, and the
  // shapes it gave in this run.
  std::vector<MemoryBlock> found;
  std::vector<std::vector<int64_t>> found_shapes;
  std::vector<bool> is_found;
};

class StepClock;  // step_clock.h

struct ExecutionContext::Impl {
  explicit Impl(std::shared_ptr<const Engine::Impl> owner);

  class Sink;  // found_outputs.cc

  std::shared_ptr<const Engine::Impl> engine;
  std::vector<StageState> stages;
  // Reused by every run, so that the steady state does not allocate.
  std::vector<const void*> input_pointers;
  std::vector<void*> output_pointers, pointers;
  std::vector<const void*> step_inputs;
  std::vector<void*> step_outputs;
  std::vector<int64_t> output_shape, found_sizes;
  const DebugListener* listener = nullptr;  // of the debugging run that is under way

  const Portable& portable() const { return engine->plan->data.portable; }
  const Stages& plan_stages() const { return engine->plan->stages; }

  Status check_inputs(std::span<const TensorView> inputs) const;
  Result<const Binding*> bind(std::span<const TensorView> inputs);
  Result<const Binding*> bind_next(const Binding& before, std::span<const TensorView> inputs);
  Status grow_arena(size_t stage, size_t bytes);
  Status allocate_output(size_t i, DataType dtype, size_t bytes, const OutputAllocator& allocate);
  Status allocate_outputs(const Binding& binding, const OutputAllocator& allocate);
  Status run_steps(const Binding& binding, size_t stage, const OutputAllocator& allocate,
                   StepClock* clock);
  Status finish_stage(const Binding& binding, size_t stage);
  Status show(const Binding& binding, const Binding::Step& step, size_t stage) const;
  Status run(std::span<const TensorView> inputs, const OutputAllocator& allocate, StepClock* clock);
};

}  // namespace hone
