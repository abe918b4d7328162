#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "base/text.h"
#include "console.h"
#include "inputs.h"
#include "inspect.h"
#include "json.h"
#include "lower/bind_shapes.h"
#include "runtime/engine_impl.h"

namespace hone::tools {
namespace {

// What a step needs at the shapes of the profile.
struct StepMemory {
  int64_t workspace = 0, output = 0;
};

struct PlanMemory {
  std::vector<std::vector<int64_t>> shapes;  // of the inputs
  std::vector<StepMemory> steps;             // one per step of the plan
  int64_t arena = 0;
};

Result<PlanMemory> measure_memory(const Engine& engine) {
  const auto& plan = engine.impl()->plan;
  PlanMemory memory;
  HONE_ASSIGN_OR_RETURN(memory.shapes, choose_shapes(engine, {}));
  HONE_ASSIGN_OR_RETURN(const auto stages, Binding::make_all(plan, memory.shapes));
  memory.steps.resize(plan->data.portable.steps.size());
  for (const auto& binding : stages) {
    memory.arena += static_cast<int64_t>(binding->arena_bytes());
    for (size_t s = binding->stage().begin; s < binding->stage().end; ++s) {
      const PlanStep& step = plan->data.portable.steps[s];
      for (int v : step.outputs) {
        if (step.ends_stage) continue;  // values decide
        const TensorLayout& layout = binding->layout(v);
        memory.steps[s].output +=
            layout.num_elements() * static_cast<int64_t>(dtype_size(layout.dtype));
      }
    }
    for (const Binding::Step& step : binding->steps()) {
      memory.steps[static_cast<size_t>(step.index)].workspace =
          static_cast<int64_t>(step.prepared->workspace_bytes());
    }
  }
  return memory;
}

std::string bytes_text(int64_t bytes) { return human_bytes(static_cast<uint64_t>(bytes)); }

std::string milliseconds_text(double milliseconds) {
  return milliseconds < 0 ? "not timed" : fmt::format("{:.4f} ms", milliseconds);
}

std::string layer_text(size_t number, const StepInfo& step, const StepMemory& memory) {
  std::string text = fmt::format("{:3} {}\n", number, step.name);
  const auto line = [&text](const char* title, const std::string& value) {
    if (!value.empty()) text += fmt::format("      {:<11}{}\n", title, value);
  };
  line("operator", fmt::format("{}  {}{}", step.op, step.precision, step.output_shapes));
  line("tactic", step.tactic + (step.config.empty() ? "" : "  " + step.config) + "  " +
                     milliseconds_text(step.tuned_milliseconds));
  if (step.sources != std::vector<std::string>{step.name}) line("from", join(step.sources, ", "));
  line("memory", fmt::format("weights {}, workspace {}, output {}", bytes_text(step.weight_bytes),
                             bytes_text(memory.workspace), bytes_text(memory.output)));
  line("storage", step.notes);
  for (size_t i = 0; i < step.rejected.size(); ++i) {
    line(i == 0 ? "not chosen" : "",
         fmt::format("{}: {}", step.rejected[i].first, step.rejected[i].second));
  }
  return text;
}

std::string header_text(const Engine& engine) {
  const Engine::Impl& impl = *engine.impl();
  std::string text = fmt::format("plan {}: model {}, for {} with {} thread{}\n", impl.plan->name,
                                 impl.plan->data.portable.model_name, impl.plan->tuned.features,
                                 impl.threads, impl.threads == 1 ? "" : "s");
  if (!impl.lowered_because.empty()) {
    text += fmt::format("lowered at load, without timing: {}\n", impl.lowered_because);
  }
  for (const TensorInfo& info : engine.inputs()) {
    text += fmt::format("input  {}: {}{}\n", info.name, dtype_name(info.dtype), info.shape_text);
  }
  for (const TensorInfo& info : engine.outputs()) {
    text += fmt::format("output {}: {}{}\n", info.name, dtype_name(info.dtype), info.shape_text);
  }
  const auto& profiles = impl.plan->data.portable.profiles;
  for (size_t p = 0; p < profiles.size(); ++p) {
    text += fmt::format("profile {}:", p);
    for (size_t i = 0; i < profiles[p].inputs.size(); ++i) {
      const PlanProfile::Range& range = profiles[p].inputs[i];
      text += fmt::format(" {} {}..{}..{}", engine.inputs()[i].name, shape_text(range.min),
                          shape_text(range.opt), shape_text(range.max));
    }
    text += "\n";
  }
  return text;
}

double sum_of_times(const std::vector<StepInfo>& steps) {
  return std::accumulate(steps.begin(), steps.end(), 0.0, [](double sum, const StepInfo& step) {
    return sum + std::max(step.tuned_milliseconds, 0.0);
  });
}

std::string tactics_text(const std::vector<StepInfo>& steps) {
  std::map<std::string, int> counts;
  for (const StepInfo& step : steps) ++counts[step.tactic];
  std::vector<std::string> parts;
  for (const auto& [tactic, count] : counts) parts.push_back(fmt::format("{} {}", count, tactic));
  return join(parts, ", ");
}

// Steps that only move bytes, or pad a copy of their input, and why.
std::string copies_text(const Engine& engine) {
  const LoadedPlan& plan = *engine.impl()->plan;
  std::string text;
  for (size_t s = 0; s < plan.tuned.steps.size(); ++s) {
    const std::string& reason = plan.tuned.steps[s].copies;
    if (reason.empty()) continue;
    const PlanStep& step = plan.data.portable.steps[s];
    text += fmt::format("  {} ({}): {}\n", step.name, step.op->name, reason);
  }
  return text.empty() ? "" : "\ncopies:\n" + text;
}

std::string totals_text(const Engine& engine, const std::vector<StepInfo>& steps,
                        const PlanMemory& memory) {
  std::vector<std::string> shapes;
  for (const auto& shape : memory.shapes) shapes.push_back(shape_text(shape));
  return fmt::format(
      "\ntotal: {} layers, {} weights, {} arena at {}, {:.4f} ms by the layers' timings\ntactics: "
      "{}\n",
      steps.size(), bytes_text(engine.weight_bytes()), bytes_text(memory.arena), join(shapes, " "),
      sum_of_times(steps), tactics_text(steps));
}

Json layer_json(const StepInfo& step, const StepMemory& memory) {
  Json rejected = Json::array();
  for (const auto& [tactic, reason] : step.rejected)
    rejected.push_back({{"tactic", tactic}, {"reason", reason}});
  Json json = {{"name", step.name},           {"op", step.op},
               {"sources", step.sources},     {"tactic", step.tactic},
               {"config", step.config},       {"precision", step.precision},
               {"output", step.output_shapes}};
  json["milliseconds"] = step.tuned_milliseconds < 0 ? Json() : Json(step.tuned_milliseconds);
  json["weight_bytes"] = step.weight_bytes;
  json["workspace_bytes"] = memory.workspace;
  json["output_bytes"] = memory.output;
  json["storage"] = step.notes;
  json["rejected"] = std::move(rejected);
  return json;
}

Json plan_json(const Engine& engine, const std::vector<StepInfo>& steps, const PlanMemory& memory) {
  const Engine::Impl& impl = *engine.impl();
  Json layers = Json::array();
  for (size_t s = 0; s < steps.size(); ++s) layers.push_back(layer_json(steps[s], memory.steps[s]));
  Json profiles = Json::array();
  for (const PlanProfile& profile : impl.plan->data.portable.profiles) {
    Json ranges;
    for (size_t i = 0; i < profile.inputs.size(); ++i) {
      const PlanProfile::Range& range = profile.inputs[i];
      ranges[engine.inputs()[i].name] = {
          {"min", range.min}, {"opt", range.opt}, {"max", range.max}};
    }
    profiles.push_back(std::move(ranges));
  }
  return {{"kind", "plan"},
          {"model", impl.plan->data.portable.model_name},
          {"features", impl.plan->tuned.features},
          {"threads", impl.threads},
          {"lowered_because", impl.lowered_because},
          {"inputs", ports_json(engine.inputs())},
          {"outputs", ports_json(engine.outputs())},
          {"profiles", std::move(profiles)},
          {"layers", std::move(layers)},
          {"weight_bytes", engine.weight_bytes()},
          {"arena_bytes", memory.arena},
          {"arena_shapes", memory.shapes},
          {"milliseconds", sum_of_times(steps)}};
}

}  // namespace

Result<std::string> inspect_plan(const Engine& engine, bool as_json) {
  const std::vector<StepInfo> steps = engine.steps();
  HONE_ASSIGN_OR_RETURN(const PlanMemory memory, measure_memory(engine));
  if (as_json) return json_text(plan_json(engine, steps, memory));
  std::string text = header_text(engine) + "\n";
  for (size_t s = 0; s < steps.size(); ++s) text += layer_text(s, steps[s], memory.steps[s]);
  return text + copies_text(engine) + totals_text(engine, steps, memory);
}

}  // namespace hone::tools
