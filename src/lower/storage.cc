#include "lower/storage.h"

#include <fmt/core.h>

#include <algorithm>

#include "lower/reshaped_view.h"
#include "lower/views.h"
#include "plan/stages.h"

namespace hone {
namespace {

constexpr const char* kReshaped = "is reshaped in a way that strides cannot express";
constexpr const char* kLater = "is needed before that buffer is there";
constexpr const char* kJoined = "is put together from parts that may be old";
constexpr const char* kWhole = "has another rank than its padding";

// Working state. A value's *root* is the value at the end of its chain of parents; all values with
// one root share one buffer.
class StoragePlanner {
 public:
  StoragePlanner(const Portable& portable, const std::vector<StepDesc>& descs,
                 const std::vector<StepChoice>& choices, std::vector<TunedStep>* steps)
      : portable_(portable), descs_(descs), choices_(choices), steps_(*steps) {
    const size_t count = portable.values.size();
    values_.resize(count);
    children_.resize(count);
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
    for (size_t s = 0; s < portable_.steps.size(); ++s) {
      if (steps_[s].is_view) steps_[s].copies.clear();
      if (steps_[s].is_view || !steps_[s].copies.empty()) continue;
      if (const char* reason = why_it_copies(descs_[s])) note(s, fmt::format("copies: {}", reason));
    }
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
  // Null if v may be a part or view of another value, or have more room; else what it is instead.
  const char* why_not_free(int v) const {
    switch (portable_.values[v].kind) {
      case ValueKind::kInput:
        return "lies in the caller's buffer";
      case ValueKind::kConstant:
        return "is a constant";
      case ValueKind::kComputed:
        break;
    }
    if (is_output_[v]) return "lies in the caller's buffer";
    if (sizes_outputs(producer_[v])) return "gets its size while running";
    if (values_[v].alias != AliasKind::kNone) return "is part of something else already";
    return nullptr;
  }
  bool free_to_alias(int v) const { return why_not_free(v) == nullptr; }
  void note(size_t s, const std::string& text) {
    std::string& copies = steps_[s].copies;
    copies += (copies.empty() ? "" : "; ") + text;
  }
  void copies(int s, int v, const char* reason) {
    note(static_cast<size_t>(s),
         fmt::format("copies '{}', which {}", portable_.values[v].name, reason));
  }
  // A value may lie in a buffer of its own stage or of an earlier one, not in one that is not there
  // yet.
  bool may_lie_in(int v, int parent) const { return stage_[v] >= stage_[parent]; }
  void alias(int v, AliasKind kind, int parent, int axis = 0, Dim start = 0) {
    values_[v].alias = kind;
    values_[v].parent = parent;
    values_[v].axis = axis;
    values_[v].start = start;
    children_[parent].push_back(v);
  }
  void unalias(int v) {
    std::erase(children_[values_[v].parent], v);
    values_[v] = TunedValue();
  }
  const Shape& shape(int v) const { return portable_.values[v].type.shape; }

  // --- Views of buffers that are not dense (lower/reshaped_view.h).

  Breaks breaks_of_halo(int v) const {
    Breaks breaks = 0;
    for (size_t i = 0; i < values_[v].halo_before.size(); ++i) {
      const bool wide = values_[v].halo_before[i] > 0 || values_[v].halo_after[i] > 0;
      if (wide) breaks |= Breaks{1} << i;
    }
    return breaks;
  }
  // The breaks of a view, given its parent's; nothing if it cannot be one.
  std::optional<Breaks> breaks_below(int v, Breaks parent) const {
    const TunedValue& value = values_[v];
    if (value.alias == AliasKind::kSlice) return parent | Breaks{1} << value.axis;
    return reshaped_breaks(shape(value.parent), shape(v), parent);
  }
  std::optional<Breaks> breaks_of(int v) const {
    if (shape(v).size() >= kMaxBreaks) return std::nullopt;
    if (values_[v].parent < 0) return breaks_of_halo(v);
    const auto parent = breaks_of(values_[v].parent);
    return parent ? breaks_below(v, *parent) : std::nullopt;
  }
  // Whether all views of v can be views where v lies now.
  bool views_fit(int v) const {
    const auto breaks = breaks_of(v);
    return breaks && views_fit(v, *breaks);
  }
  bool views_fit(int v, Breaks breaks) const {
    return std::all_of(children_[v].begin(), children_[v].end(), [&](int child) {
      const auto below = breaks_below(child, breaks);
      return below && views_fit(child, *below);
    });
  }
  // Makes v a part of `parent`; false, and nothing has changed, if a view of v does not allow it.
  bool place_in(int v, int parent, int axis, const Dim& start) {
    alias(v, AliasKind::kSlice, parent, axis, start);
    if (views_fit(v)) return true;
    unalias(v);
    return false;
  }

  // --- Reshapes, parts.

  void view_reshape(int s) {
    const PlanStep& step = portable_.steps[s];
    if (!is_reshape_like(*step.op) || !step.epilogue.empty() || sizes_outputs(s)) return;
    const int in = step.inputs[0], out = step.outputs[0];
    if (portable_.values[in].kind == ValueKind::kConstant) {
      copies(s, in, "is a constant");
    } else if (!is_output_[out]) {
      alias(out, AliasKind::kSame, in);
      steps_[s].is_view = true;
    } else if (const char* reason = why_not_free(in); reason || !may_lie_in(in, out)) {
      copies(s, in, reason ? reason : kLater);
    } else {
      // The bytes must end up in the caller's buffer, so the producer writes there.
      alias(in, AliasKind::kSame, out);
      steps_[s].is_view = true;
    }
  }

  void view_split_or_slice(int s) {
    const PlanStep& step = portable_.steps[s];
    if (!step.epilogue.empty() || sizes_outputs(s)) return;
    if (portable_.values[step.inputs[0]].kind == ValueKind::kConstant) return;
    const std::vector<SliceView> views = slice_views(descs_[s]);
    if (views.size() != step.outputs.size()) return;
    bool all = true;
    for (size_t i = 0; i < step.outputs.size(); ++i) {
      const int out = step.outputs[i];
      const char* reason = why_not_free(out);
      if (!reason && !place_in(out, step.inputs[0], views[i].axis, views[i].start)) {
        reason = kReshaped;
      }
      if (reason) copies(s, out, reason);
      all = all && !reason;
    }
    steps_[s].is_view = all;
  }

  // Producers of a Concat's inputs write into its output where possible; the step copies the
  // others.
  void elide_concat(int s) {
    const PlanStep& step = portable_.steps[s];
    if (!step.epilogue.empty() || std::string_view(step.op->name) != "Concat") return;
    if (sizes_outputs(s)) return;
    const int axis = concat_axis(descs_[s]);
    Dim start = 0;
    bool all = true;
    for (size_t i = 0; i < step.inputs.size(); ++i) {
      const char* reason = write_into(step.inputs[i], step.outputs[0], axis, start);
      if (reason) copies(s, step.inputs[i], reason);
      all = all && !reason;
      start = start + descs_[s].in_shape(i)[axis];
    }
    steps_[s].is_view = all;
  }
  // Makes v the part of `out` from `start` on; otherwise says why not.
  const char* write_into(int v, int out, int axis, const Dim& start) {
    if (values_[v].alias == AliasKind::kSame) become_root(v);
    if (const char* reason = why_not_free(v)) return reason;
    if (root(out) == v) return "is there twice";
    if (!may_lie_in(v, out)) return kLater;
    return place_in(v, out, axis, start) ? nullptr : kReshaped;
  }
  // What v is a reshaped view of becomes one of v, if it may.
  void become_root(int v) {
    std::vector<int> chain = {v};
    for (int u = v; values_[u].alias != AliasKind::kNone; chain.push_back(u)) {
      if (values_[u].alias != AliasKind::kSame) return;
      u = values_[u].parent;
      if (!computed(u) || is_output_[u] || sizes_outputs(producer_[u])) return;
      if (!may_lie_in(u, v)) return;
    }
    for (size_t i = 0; i + 1 < chain.size(); ++i) unalias(chain[i]);
    for (size_t i = 1; i < chain.size(); ++i) alias(chain[i], AliasKind::kSame, chain[i - 1]);
  }

  // --- Padding.

  void place_halos() {
    struct Refused {
      size_t step;
      int value;
      Halo wish;
      const char* reason;
    };
    std::vector<Refused> refused;  // the tactic copies into its workspace instead
    for (size_t s = 0; s < portable_.steps.size(); ++s) {
      if (steps_[s].is_view || !choices_[s].tactic) continue;
      const StorageWish wish = choices_[s].tactic->storage(descs_[s], choices_[s].configs[0]);
      for (size_t i = 0; i < wish.input_halo.size() && i < portable_.steps[s].inputs.size(); ++i) {
        if (wish.input_halo[i].empty()) continue;
        const int v = portable_.steps[s].inputs[i];
        const char* reason = made_by_concat(v) ? kJoined : widen_halo(v, wish.input_halo[i]);
        if (reason) refused.push_back({s, v, wish.input_halo[i], reason});
      }
    }
    for (const Refused& r : refused) {
      if (covers(halo_of(r.value), r.wish)) continue;  // another reader wants it
      const std::string& name = portable_.values[r.value].name;
      note(r.step, fmt::format("pads a copy of '{}', which {}", name, r.reason));
    }
  }
  // The parts of a Concat may be old when it is read, and a copy fetches them in order. U-Net with
  // 128x128 and 256x256 pixels, the Conv behind the Concat on a loaded AMD EPYC: 4.8 and 7.3 ms
  // with a copy, 6.2 and 8.2 ms padded in place.
  bool made_by_concat(int v) const {
    return producer_[v] >= 0 &&
           std::string_view(portable_.steps[static_cast<size_t>(producer_[v])].op->name) ==
               "Concat";
  }
  static bool covers(const Halo& there, const Halo& wanted) {
    if (there.empty()) return false;
    for (size_t i = 0; i < wanted.before.size(); ++i) {
      if (there.before[i] < wanted.before[i] || there.after[i] < wanted.after[i]) return false;
    }
    return true;
  }

  // Leaves room around v in the buffer that it lies in; otherwise says why not. Nothing else reads
  // the room, and who reads v fills it first: parts of one buffer can have it side by side.
  const char* widen_halo(int v, Halo halo) {
    if (halo.before.size() != shape(v).size() || halo.after.size() != shape(v).size())
      return kWhole;
    for (; values_[v].parent >= 0; v = values_[v].parent) {
      const TunedValue& value = values_[v];
      if (value.alias == AliasKind::kSlice) {
        const auto axis = static_cast<size_t>(value.axis);
        if (halo.before[axis] > 0 || halo.after[axis] > 0)
          return "is a part of the padded dimension";
      } else {
        const int64_t wanted = extent(halo);
        halo = reshaped_halo(shape(v), shape(value.parent), halo);
        if (extent(halo) != wanted) return kReshaped;
      }
    }
    if (const char* reason = why_not_free(v)) return reason;
    TunedValue& value = values_[v];
    const TunedValue before = value;
    const size_t rank = shape(v).size();
    value.halo_before.resize(rank, 0);
    value.halo_after.resize(rank, 0);
    for (size_t i = 0; i < rank; ++i) {
      value.halo_before[i] = std::max(value.halo_before[i], halo.before[i]);
      value.halo_after[i] = std::max(value.halo_after[i], halo.after[i]);
    }
    if (views_fit(v)) return nullptr;
    value = before;
    return kReshaped;
  }
  static int64_t extent(const Halo& halo) {
    int64_t sum = 0;
    for (int64_t n : halo.before) sum += n;
    for (int64_t n : halo.after) sum += n;
    return sum;
  }
  // What is around v in its buffer.
  Halo halo_of(int v) const {
    const TunedValue& value = values_[v];
    if (value.parent < 0) return {value.halo_before, value.halo_after};
    Halo halo = halo_of(value.parent);
    if (halo.empty()) return halo;
    if (value.alias == AliasKind::kSame) {
      return reshaped_halo(shape(value.parent), shape(v), halo);
    }
    halo.before[static_cast<size_t>(value.axis)] = halo.after[static_cast<size_t>(value.axis)] = 0;
    return halo;
  }
  bool has_alias(int v) const { return !children_[v].empty(); }

  // --- In place.

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
      values_[out] = TunedValue();  // the room is in the other buffer
      alias(out, AliasKind::kSame, in);
      return;
    }
  }
  // Whether `in` has the room that readers of `out` want.
  bool halo_fits(int out, int in) const {
    const Halo wanted = halo_of(out);
    return wanted.empty() || covers(halo_of(in), wanted);
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
  std::vector<std::vector<int>> children_;  // views of each value
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
