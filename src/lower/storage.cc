#include "lower/storage.h"

#include <algorithm>

#include "lower/views.h"
#include "plan/stages.h"

namespace hone {
namespace {

// Working state. A value's *root* is the value at the end of its chain of parents; all values with
// one root share one buffer.
class StoragePlanner {
 public:
  StoragePlanner(const Portable& portable, const std::vector<StepDesc>& descs,
                 const std::vector<StepChoice>& choices, std::vector<TunedStep>* steps)
      : portable_(portable), descs_(descs), choices_(choices), steps_(*steps) {
    const size_t count = portable.values.size();
    values_.resize(count);
    is_output_.assign(count, false);
    producer_.assign(count, -1);
    last_use_.assign(count, -1);
    stage_ = value_stages(portable);
    for (int output : portable.outputs) is_output_[output] = true;
    for (size_t s = 0; s < portable.steps.size(); ++s) {
      for (int v : portable.steps[s].inputs) last_use_[v] = static_cast<int>(s);
      for (int v : portable.steps[s].outputs) producer_[v] = static_cast<int>(s);
    }
    for (size_t v = 0; v < count; ++v) {
      if (is_output_[v]) last_use_[v] = static_cast<int>(portable.steps.size());
    }
  }

  std::vector<TunedValue> run() {
    for (size_t s = 0; s < portable_.steps.size(); ++s) view_reshape(static_cast<int>(s));
    for (size_t s = 0; s < portable_.steps.size(); ++s) view_split_or_slice(static_cast<int>(s));
    for (size_t s = 0; s < portable_.steps.size(); ++s) elide_concat(static_cast<int>(s));
    place_halos();
    for (size_t s = 0; s < portable_.steps.size(); ++s) reuse_input(static_cast<int>(s));
    return std::move(values_);
  }

 private:
  int root(int v) const {
    while (values_[v].parent >= 0) v = values_[v].parent;
    return v;
  }
  bool computed(int v) const { return portable_.values[v].kind == ValueKind::kComputed; }
  // A step that finds out the sizes of its outputs writes them where it is told while running.
  bool sizes_outputs(int s) const { return portable_.steps[s].ends_stage; }
  bool free_to_alias(int v) const {
    return computed(v) && values_[v].alias == AliasKind::kNone && !is_output_[v] &&
           !sizes_outputs(producer_[v]);
  }
  // A value may lie in a buffer of its own stage or of an earlier one, not in one that is not there
  // yet.
  bool may_lie_in(int v, int parent) const { return stage_[v] >= stage_[parent]; }
  void alias(int v, AliasKind kind, int parent, int axis = 0, Dim start = 0) {
    values_[v].alias = kind;
    values_[v].parent = parent;
    values_[v].axis = axis;
    values_[v].start = start;
  }
  // Whole buffers in row-major order: what a reshape may look at.
  bool dense_chain(int v) const {
    for (; values_[v].parent >= 0; v = values_[v].parent) {
      if (values_[v].alias != AliasKind::kSame) return false;
    }
    return true;
  }

  void view_reshape(int s) {
    const PlanStep& step = portable_.steps[s];
    if (!is_reshape_like(*step.op) || !step.epilogue.empty() || sizes_outputs(s)) return;
    const int in = step.inputs[0], out = step.outputs[0];
    if (portable_.values[in].kind == ValueKind::kConstant) return;
    if (!is_output_[out]) {
      alias(out, AliasKind::kSame, in);
    } else if (free_to_alias(in) && dense_chain(in) && may_lie_in(in, out)) {
      // The bytes must end up in the caller's buffer, so the producer writes there.
      alias(in, AliasKind::kSame, out);
    } else {
      return;
    }
    steps_[s].is_view = true;
  }

  void view_split_or_slice(int s) {
    const PlanStep& step = portable_.steps[s];
    if (!step.epilogue.empty() || portable_.values[step.inputs[0]].kind == ValueKind::kConstant)
      return;
    if (sizes_outputs(s)) return;
    const std::vector<SliceView> views = slice_views(descs_[s]);
    if (views.size() != step.outputs.size()) return;
    for (int out : step.outputs) {
      // Reshapes of a part are not dense, and outputs must lie in the caller's buffer.
      if (!free_to_alias(out) || has_reshape_view(out)) return;
    }
    for (size_t i = 0; i < views.size(); ++i) {
      alias(step.outputs[i], AliasKind::kSlice, step.inputs[0], views[i].axis, views[i].start);
    }
    steps_[s].is_view = true;
  }

  bool has_reshape_view(int v) const {
    for (const TunedValue& value : values_) {
      if (value.parent == v && value.alias == AliasKind::kSame) return true;
    }
    return false;
  }

  // Producers of a Concat's inputs write into its output where possible; the step copies the
  // others.
  void elide_concat(int s) {
    const PlanStep& step = portable_.steps[s];
    if (!step.epilogue.empty() || std::string_view(step.op->name) != "Concat") return;
    if (sizes_outputs(s)) return;
    const int out = step.outputs[0];
    if (root(out) != out) return;  // part of something else already: keep it simple, copy
    const int axis = concat_axis(descs_[s]);
    Dim start = 0;
    bool all = true;
    for (size_t i = 0; i < step.inputs.size(); ++i) {
      const int v = step.inputs[i];
      if (free_to_alias(v) && !has_reshape_view(v) && !made_by_reshape(v) && may_lie_in(v, out)) {
        alias(v, AliasKind::kSlice, out, axis, start);
      } else {
        all = false;
      }
      start = start + descs_[s].in_shape(i)[axis];
    }
    steps_[s].is_view = all;
  }
  // A reshape that must copy (from or to a caller's buffer) wants a dense result.
  bool made_by_reshape(int v) const {
    return producer_[v] >= 0 &&
           is_reshape_like(*portable_.steps[static_cast<size_t>(producer_[v])].op);
  }

  void place_halos() {
    for (size_t s = 0; s < portable_.steps.size(); ++s) {
      if (steps_[s].is_view || !choices_[s].tactic) continue;
      const StorageWish wish = choices_[s].tactic->storage(descs_[s], choices_[s].configs[0]);
      for (size_t i = 0; i < wish.input_halo.size() && i < portable_.steps[s].inputs.size(); ++i) {
        if (!wish.input_halo[i].empty())
          widen_halo(portable_.steps[s].inputs[i], wish.input_halo[i]);
      }
    }
  }

  void widen_halo(int v, const Halo& halo) {
    // Otherwise the tactic copies into its workspace instead.
    if (!free_to_alias(v) || has_alias(v) || made_by_reshape(v)) return;
    TunedValue& value = values_[v];
    const size_t rank = portable_.values[v].type.shape.size();
    if (halo.before.size() != rank || halo.after.size() != rank) return;
    value.halo_before.resize(rank, 0);
    value.halo_after.resize(rank, 0);
    for (size_t i = 0; i < rank; ++i) {
      value.halo_before[i] = std::max(value.halo_before[i], halo.before[i]);
      value.halo_after[i] = std::max(value.halo_after[i], halo.after[i]);
    }
  }
  bool has_alias(int v) const {
    for (const TunedValue& value : values_) {
      if (value.parent == v) return true;
    }
    return false;
  }

  // The output takes over the buffer of an input that nobody needs afterwards.
  void reuse_input(int s) {
    const PlanStep& step = portable_.steps[s];
    if (steps_[s].is_view || !choices_[s].tactic || step.outputs.size() != 1) return;
    if (sizes_outputs(s)) return;
    const int out = step.outputs[0];
    if (!free_to_alias(out) || has_alias(out)) return;
    for (size_t i = 0; i < step.inputs.size(); ++i) {
      const int in = step.inputs[i];
      if (!computed(in) || !choices_[s].tactic->may_overwrite(descs_[s], i)) continue;
      if (portable_.values[in].type != portable_.values[out].type) continue;
      if (!halo_fits(out, in) || !buffer_dies(in, s) || occurs_twice(step, in)) continue;
      alias(out, AliasKind::kSame, in);
      values_[out].halo_before.clear();
      values_[out].halo_after.clear();
      return;
    }
  }
  bool halo_fits(int out, int in) const {
    if (values_[out].halo_before.empty()) return true;
    return values_[in].halo_before == values_[out].halo_before &&
           values_[in].halo_after == values_[out].halo_after;
  }
  bool occurs_twice(const PlanStep& step, int in) const {
    int count = 0;
    for (int v : step.inputs) count += root(v) == root(in);
    return count > 1;
  }
  // No value in the same buffer is read after step s or written by another step from s on.
  bool buffer_dies(int in, int s) const {
    const int r = root(in);
    if (!computed(r) || is_output_[r]) return false;
    for (size_t v = 0; v < values_.size(); ++v) {
      if (root(static_cast<int>(v)) != r) continue;
      if (last_use_[v] > s || producer_[v] >= s) return false;
    }
    return true;
  }

  const Portable& portable_;
  const std::vector<StepDesc>& descs_;
  const std::vector<StepChoice>& choices_;
  std::vector<TunedStep>& steps_;
  std::vector<TunedValue> values_;
  std::vector<bool> is_output_;
  std::vector<int> producer_, last_use_, stage_;
};

}  // namespace

std::vector<TunedValue> plan_storage(const Portable& portable, const std::vector<StepDesc>& descs,
                                     const std::vector<StepChoice>& choices,
                                     std::vector<TunedStep>* steps) {
  return StoragePlanner(portable, descs, choices, steps).run();
}

}  // namespace hone
