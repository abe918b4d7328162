// A stage of a plan bound to concrete shapes: everything that run() needs, computed once. Most
// plans have one stage.
#pragma once

#include <memory>
#include <vector>

#include "lower/bind_shapes.h"
#include "lower/lower.h"
#include "plan/plan.h"
#include "runtime/stage.h"
#include "tactics/tactic.h"

namespace hone {

inline constexpr int64_t kMaxTensorBytes = int64_t{1} << 42;

// What an Engine shares with its bindings. Immutable.
struct LoadedPlan {
  PlanData data;
  Tuned tuned;  // the part that runs here, storage attached
  Target target;
  std::vector<StepDesc> descs;  // one per step
  Stages stages;
  std::string name;  // file name or "plan", for messages

  // Makes descs and stages of the rest.
  void prepare();
};

class Binding {
 public:
  // The first stage: infers shapes, places slots in one arena, prepares the steps that run.
  static Result<std::unique_ptr<Binding>> make(std::shared_ptr<const LoadedPlan> plan,
                                               const std::vector<std::vector<int64_t>>& shapes);
  // The stage behind `before`, when its last step has found `sizes`: those of all stages so far.
  static Result<std::unique_ptr<Binding>> make_next(const Binding& before,
                                                    const std::vector<int64_t>& sizes);

  // All stages, where sizes found while running are as in add_default_sizes(); those that do not
  // fit such sizes are left out. For tools.
  static Result<std::vector<std::unique_ptr<Binding>>> make_all(
      std::shared_ptr<const LoadedPlan> plan, const std::vector<std::vector<int64_t>>& shapes);

  const std::vector<std::vector<int64_t>>& input_shapes() const { return input_shapes_; }
  // Sizes that the stages before have found.
  const std::vector<int64_t>& found_sizes() const { return found_sizes_; }
  const SymbolValues& symbols() const { return symbols_; }
  const Stage& stage() const { return plan_->stages.stages[stage_]; }
  // REQUIRES: the value is one of Stage::values.
  const TensorLayout& layout(int value) const { return layouts_[local(value)]; }
  size_t arena_bytes() const { return arena_bytes_; }

  struct Step {
    int index;  // in Portable::steps
    std::unique_ptr<PreparedStep> prepared;
    std::vector<int> inputs, outputs;  // value indices
  };
  const std::vector<Step>& steps() const { return steps_; }

  // Sets the addresses of element 0 of the stage's own values, given the arena and the callers'
  // buffers. `pointers` has one entry per value of the plan; those of the stages before are set.
  void resolve(std::byte* arena, const void* const* inputs, void* const* outputs,
               std::vector<void*>* pointers) const;
  std::byte* workspace(std::byte* arena) const { return arena + workspace_offset_; }

 private:
  // kEarlier: in the buffer of value `index`, which a stage before has placed.
  enum class Base : uint8_t { kNone, kArena, kInput, kOutput, kConstant, kEarlier };
  struct Place {
    int value = 0;
    Base base = Base::kNone;
    int index = 0;      // which input, output or value
    int64_t bytes = 0;  // offset of element 0
    const void* constant = nullptr;
  };

  Status bind();
  Status infer_layouts();
  Status infer_layout(int v);
  Status layout_of_root(int v, const std::vector<int64_t>& shape);
  Status layout_of_alias(int v, const std::vector<int64_t>& shape);
  void place_slots();
  Place place_of(int v, const std::vector<ArenaSlot>& slots) const;
  Status prepare_steps(size_t profile);
  bool owns(int v) const { return plan_->stages.stage_of[v] == static_cast<int>(stage_); }
  // Position in Stage::values.
  size_t local(int v) const;
  int64_t slot_bytes(int v) const;

  std::shared_ptr<const LoadedPlan> plan_;
  size_t stage_ = 0;
  std::vector<std::vector<int64_t>> input_shapes_;
  std::vector<int64_t> found_sizes_;
  SymbolValues symbols_;
  // One entry per Stage::values.
  std::vector<TensorLayout> layouts_;
  std::vector<int64_t> element_offsets_;  // of element 0 from the start of the root's slot
  std::vector<Place> places_;             // of the stage's own values
  std::vector<Step> steps_;
  size_t arena_bytes_ = 0, workspace_offset_ = 0;
};

}  // namespace hone
