// A plan bound to concrete input shapes: everything that run() needs, computed once.
#pragma once

#include <memory>
#include <vector>

#include "lower/bind_shapes.h"
#include "lower/lower.h"
#include "plan/plan.h"
#include "tactics/tactic.h"

namespace hone {

// What an Engine shares with its bindings. Immutable.
struct LoadedPlan {
  PlanData data;
  Tuned tuned;  // the part that runs here, storage attached
  Target target;
  std::vector<StepDesc> descs;  // one per step
  std::string name;             // file name or "plan", for messages
};

class Binding {
 public:
  // Infers all shapes, places slots in one arena, prepares the steps that run.
  static Result<std::unique_ptr<Binding>> make(std::shared_ptr<const LoadedPlan> plan,
                                               const std::vector<std::vector<int64_t>>& shapes);

  const std::vector<std::vector<int64_t>>& input_shapes() const { return input_shapes_; }
  const TensorLayout& layout(int value) const { return layouts_[value]; }
  size_t arena_bytes() const { return arena_bytes_; }

  struct Step {
    int index;  // in Portable::steps
    std::unique_ptr<PreparedStep> prepared;
    std::vector<int> inputs, outputs;  // value indices
  };
  const std::vector<Step>& steps() const { return steps_; }

  // Address of element 0 of every value, given the arena and the callers' buffers.
  void resolve(std::byte* arena, const void* const* inputs, void* const* outputs,
               std::vector<void*>* pointers) const;
  std::byte* workspace(std::byte* arena) const { return arena + workspace_offset_; }

 private:
  enum class Base : uint8_t { kNone, kArena, kInput, kOutput, kConstant };
  struct Place {
    Base base = Base::kNone;
    int index = 0;      // which input or output
    int64_t bytes = 0;  // offset of element 0
    const void* constant = nullptr;
  };

  Status infer_layouts(const SymbolValues& symbols);
  Status layout_of_root(int v, const std::vector<int64_t>& shape);
  Status layout_of_alias(int v, const std::vector<int64_t>& shape, const SymbolValues& symbols);
  Status place_slots();
  Status prepare_steps(size_t profile);
  int root(int v) const;
  int64_t slot_bytes(int v) const;

  std::shared_ptr<const LoadedPlan> plan_;
  std::vector<std::vector<int64_t>> input_shapes_;
  std::vector<TensorLayout> layouts_;
  std::vector<int64_t> element_offsets_;  // of element 0 from the start of the root's slot
  std::vector<Place> places_;
  std::vector<Step> steps_;
  size_t arena_bytes_ = 0, workspace_offset_ = 0;
};

}  // namespace hone
