// What an engine tells about itself: steps(), summary().
#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "runtime/engine_impl.h"

namespace hone {
namespace {

std::string storage_notes(const Portable& portable, const Tuned& tuned, size_t s) {
  const PlanStep& step = portable.steps[s];
  std::vector<std::string> notes;
  for (int v : step.outputs) {
    const TunedValue& value = tuned.values[v];
    if (value.alias == AliasKind::kNone) continue;
    const std::string& parent = portable.values[value.parent].name;
    const bool own_input =
        std::find(step.inputs.begin(), step.inputs.end(), value.parent) != step.inputs.end();
    if (value.alias == AliasKind::kSlice && !own_input) {
      notes.push_back(fmt::format("writes into '{}'", parent));
    } else if (own_input) {
      notes.push_back(
          fmt::format("{} '{}'", value.alias == AliasKind::kSame ? "in" : "part of", parent));
    } else {
      notes.push_back(fmt::format("same bytes as '{}'", parent));
    }
  }
  if (!tuned.steps[s].copies.empty()) notes.push_back(tuned.steps[s].copies);
  return join(notes, "; ");
}

StepInfo step_info(const LoadedPlan& plan, size_t s) {
  const Portable& portable = plan.data.portable;
  const PlanStep& step = portable.steps[s];
  const TunedStep& tuned = plan.tuned.steps[s];
  StepInfo info;
  info.name = step.name;
  info.op = step.op->name;
  info.tactic = tuned.is_view ? "view" : tuned.tactic;
  info.config = tuned.configs.empty() ? "" : join(tuned.configs, " | ");
  info.precision = dtype_name(portable.values[step.outputs[0]].type.dtype);
  std::vector<std::string> shapes;
  for (int v : step.outputs) shapes.push_back(shape_text(portable.values[v].type.shape));
  info.output_shapes = join(shapes, " ");
  info.weight_bytes = static_cast<int64_t>(tuned.packed_bytes);
  for (int v : step.inputs) {
    if (portable.values[v].has_data)
      info.weight_bytes += static_cast<int64_t>(portable.values[v].constant.bytes());
  }
  info.tuned_milliseconds = tuned.milliseconds;
  info.sources = step.sources;
  for (const RejectedTactic& rejected : tuned.rejected) {
    info.rejected.emplace_back(rejected.tactic, rejected.reason);
  }
  info.notes = storage_notes(portable, plan.tuned, s);
  return info;
}

// `text` in exactly `width` columns.
std::string column(const std::string& text, size_t width) {
  if (text.size() > width) return text.substr(0, width - 3) + "...";
  return text + std::string(width - text.size(), ' ');
}

}  // namespace

std::vector<StepInfo> Engine::steps() const {
  std::vector<StepInfo> steps;
  for (size_t s = 0; s < impl_->plan->data.portable.steps.size(); ++s) {
    steps.push_back(step_info(*impl_->plan, s));
  }
  return steps;
}

std::string Engine::summary() const {
  const Portable& portable = impl_->plan->data.portable;
  std::string text =
      fmt::format("{}: {} steps, {} weights, for {} with {} thread{}\n", portable.model_name,
                  portable.steps.size(), human_bytes(static_cast<uint64_t>(weight_bytes())),
                  impl_->plan->tuned.features, impl_->threads, impl_->threads == 1 ? "" : "s");
  for (const TensorInfo& info : inputs()) {
    text += fmt::format("  input  {}: {}{}\n", info.name, dtype_name(info.dtype), info.shape_text);
  }
  for (const TensorInfo& info : outputs()) {
    text += fmt::format("  output {}: {}{}\n", info.name, dtype_name(info.dtype), info.shape_text);
  }
  if (!impl_->lowered_because.empty()) {
    text += fmt::format("  lowered at load, without timing: {}\n", impl_->lowered_because);
  }
  text += fmt::format("{} {} {} {} {:>10} {:>9}\n", column("layer", 40), column("operator", 12),
                      column("tactic", 24), column("output", 20), "weights", "tuned ms");
  for (const StepInfo& step : steps()) {
    text += fmt::format(
        "{} {} {} {} {:>10} {:>9}\n", column(step.name, 40), column(step.op, 12),
        column(step.tactic, 24), column(step.output_shapes, 20),
        human_bytes(static_cast<uint64_t>(step.weight_bytes)),
        step.tuned_milliseconds < 0 ? "-" : fmt::format("{:.3f}", step.tuned_milliseconds));
  }
  return text;
}

}  // namespace hone
