#include "lower/lower.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/memory.h"
#include "base/thread_pool.h"
#include "lower/bind_shapes.h"
#include "lower/storage.h"

namespace hone {
namespace {

constexpr size_t kWeightAlignment = 64;

size_t align_weights(size_t bytes) {
  return (bytes + kWeightAlignment - 1) / kWeightAlignment * kWeightAlignment;
}

// Where the packed weights of each step go, and who packs them: equal ones are kept once.
class PackingPlan {
 public:
  // Returns the offset of the weights of `step`.
  size_t add(const StepDesc& step, const StepChoice& choice, size_t bytes) {
    const auto [it, is_new] = offsets_.try_emplace(key(step, choice), size_);
    if (is_new) {
      jobs_.push_back({&step, &choice, size_, bytes});
      size_ += align_weights(bytes);
    }
    return it->second;
  }

  // Packs everything, step by step on as many threads as the target has: the first touch of the
  // memory costs more than the packing.
  Status run(const Target& target, Tuned* tuned) const {
    std::shared_ptr<std::byte> memory = allocate_memory(size_);
    if (!memory) {
      return Status(Code::kOutOfResources,
                    fmt::format("no memory for {} bytes of packed weights", size_));
    }
    const auto pack = [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) {
        const Job& job = jobs_[i];
        std::byte* place = memory.get() + job.offset;
        std::memset(place, 0, align_weights(job.bytes));
        job.choice->tactic->pack_weights(*job.step, target, job.choice->configs.front(), place);
      }
    };
    ThreadPool::global().parallel_for(std::max(target.threads, 1),
                                      static_cast<int64_t>(jobs_.size()), pack);
    tuned->packed = memory.get();
    tuned->packed_bytes = size_;
    tuned->owner = std::move(memory);
    return ok();
  }

 private:
  struct Job {
    const StepDesc* step;
    const StepChoice* choice;
    size_t offset, bytes;
  };

  // What the packed bytes follow from. Equal constants share their memory.
  static std::string key(const StepDesc& step, const StepChoice& choice) {
    std::string key = fmt::format("{}|{}|{}", choice.tactic->name(),
                                  choice.tactic->packing_key(step, choice.configs.front()),
                                  attributes_text(step.attributes));
    for (const OperandDesc& input : step.inputs) {
      if (!input.constant) continue;
      key += fmt::format("|{}@{}", type_text(input.type), input.constant->raw());
    }
    return key;
  }

  std::map<std::string, size_t> offsets_;
  std::vector<Job> jobs_;
  size_t size_ = 0;
};

Status missing_weights(const PlanStep& step) {
  return Status(Code::kPlan, fmt::format("the weights of step '{}' are not in the plan in a form "
                                         "that can be packed again",
                                         step.name))
      .because("the plan was built without its portable part")
      .fix("build the plan on this machine, or with --portable");
}

}  // namespace

std::vector<StepChoice> choose_by_list_order(const Portable& portable, const Target& target) {
  std::vector<StepChoice> choices;
  // Configurations are picked for the first profile; where its shapes do not fit, any will do.
  const auto profiles = profile_symbols(portable);
  const SymbolValues symbols = profiles.ok() ? profiles->front() : SymbolValues();
  for (const PlanStep& step : portable.steps) {
    const StepDesc desc = make_step_desc(portable, step);
    StepChoice choice;
    for (const Tactic* tactic : all_tactics()) {
      const std::string_view op_name = tactic->op_name();
      if (op_name != "*" && op_name != desc.op->name) continue;
      if (choice.tactic) {
        choice.rejected.push_back({tactic->name(), "later in the list; not timed"});
        continue;
      }
      const Verdict verdict = can_run_step(*tactic, desc, target);
      if (!verdict.ok()) {
        choice.rejected.push_back({tactic->name(), verdict.reason()});
        continue;
      }
      std::vector<Config> configs = tactic->candidates(substitute_shapes(desc, symbols), target);
      if (configs.empty()) {
        choice.rejected.push_back({tactic->name(), "no configuration for these shapes"});
        continue;
      }
      choice.tactic = tactic;
      choice.configs = {std::move(configs.front())};
    }
    HONE_CHECK(choice.tactic != nullptr);  // the reference runs everything
    choices.push_back(std::move(choice));
  }
  return choices;
}

Result<Tuned> lower(const Portable& portable, const Target& target,
                    const std::vector<StepChoice>& choices) {
  HONE_CHECK(choices.size() == portable.steps.size());
  Tuned tuned;
  tuned.features = target.features.text();
  tuned.cpu = cpu_info().model_name;
  tuned.threads = target.threads;
  tuned.steps.resize(portable.steps.size());
  const std::vector<StepDesc> descs = make_step_descs(portable);
  tuned.values = plan_storage(portable, descs, choices, &tuned.steps);

  PackingPlan packing;
  for (size_t s = 0; s < portable.steps.size(); ++s) {
    TunedStep& out = tuned.steps[s];
    out.milliseconds = choices[s].milliseconds;
    out.rejected = choices[s].rejected;
    if (out.is_view) continue;
    const Tactic& tactic = *choices[s].tactic;
    out.tactic = tactic.name();
    out.version = tactic.version();
    out.configs = choices[s].configs;
    const Config& config = out.configs.front();
    out.packed_key = tactic.packing_key(descs[s], config);
    for (const OperandDesc& input : descs[s].inputs) {
      if (input.is_constant && !input.constant) return missing_weights(portable.steps[s]);
    }
    out.packed_bytes = tactic.packed_bytes(descs[s], target, config);
    if (out.packed_bytes == 0) continue;
    out.packed_offset = packing.add(descs[s], choices[s], out.packed_bytes);
    out.replaced_inputs = tactic.replaced_inputs(descs[s]);
  }
  HONE_RETURN_IF_ERROR(packing.run(target, &tuned));
  return tuned;
}

namespace {

Status check_tuned_step(const PlanStep& step, const StepDesc& desc, const TunedStep& tuned,
                        const Target& target) {
  const auto misfit = [&step](std::string what) {
    return Status(Code::kPlan, std::move(what)).at(fmt::format("step '{}'", step.name));
  };
  const Tactic* tactic = find_tactic(tuned.tactic);
  if (!tactic)
    return misfit(fmt::format("tactic '{}' is not in this version of Hone", tuned.tactic));
  if (tactic->version() != tuned.version) {
    return misfit(fmt::format("tactic '{}' has version {} here, {} in the plan", tuned.tactic,
                              tactic->version(), tuned.version));
  }
  const std::string_view op_name = tactic->op_name();
  if (op_name != "*" && op_name != step.op->name) {
    return misfit(fmt::format("tactic '{}' does not run operator {}", tuned.tactic, step.op->name));
  }
  const Verdict verdict = can_run_step(*tactic, desc, target);
  if (!verdict.ok())
    return misfit(fmt::format("tactic '{}' cannot run it: {}", tuned.tactic, verdict.reason()));
  if (tuned.configs.empty()) return misfit("no configuration");
  for (const Config& config : tuned.configs) {
    if (!tactic->valid_config(desc, target, config) ||
        tactic->packing_key(desc, config) != tuned.packed_key) {
      return misfit(
          fmt::format("tactic '{}' does not know configuration '{}'", tuned.tactic, config));
    }
  }
  if (tactic->packed_bytes(desc, target, tuned.configs.front()) != tuned.packed_bytes) {
    return misfit("packed weights have the wrong size");
  }
  const std::vector<size_t> packable = tactic->replaced_inputs(desc);
  for (size_t i : tuned.replaced_inputs) {
    if (std::find(packable.begin(), packable.end(), i) == packable.end()) {
      return misfit(
          fmt::format("input {} is said to be packed, but tactic '{}' reads it", i, tuned.tactic));
    }
  }
  for (size_t i = 0; i < desc.inputs.size(); ++i) {
    const bool replaced = std::find(tuned.replaced_inputs.begin(), tuned.replaced_inputs.end(),
                                    i) != tuned.replaced_inputs.end();
    if (replaced && (tuned.packed_bytes == 0 || !desc.inputs[i].is_constant)) {
      return misfit(fmt::format("input {} is said to be packed, but is not", i));
    }
    if (desc.inputs[i].is_constant && !desc.inputs[i].constant && !replaced) {
      return misfit(fmt::format("constant input {} has no data", i));
    }
  }
  return ok();
}

}  // namespace

Status attach_tuned(const Portable& portable, const Target& target, Tuned* tuned) {
  auto needed = CpuFeatures::parse(tuned->features);
  if (!needed.ok()) return needed.status();
  if (!target.features.contains(*needed)) {
    return Status(Code::kDevice,
                  fmt::format("the plan was tuned for '{}' ({}), this CPU offers '{}'",
                              tuned->features, tuned->cpu, target.features.text()))
        .fix("build the plan on this machine, or with --portable");
  }
  if (tuned->steps.size() != portable.steps.size()) {
    return Status(Code::kPlan, "the tuned part has another number of steps than the portable part");
  }
  const std::vector<StepDesc> descs = make_step_descs(portable);
  std::vector<StepChoice> choices;
  for (size_t s = 0; s < portable.steps.size(); ++s) {
    TunedStep& step = tuned->steps[s];
    StepChoice choice;
    if (!step.tactic.empty()) {
      HONE_RETURN_IF_ERROR(check_tuned_step(portable.steps[s], descs[s], step, target));
      choice.tactic = find_tactic(step.tactic);
      choice.configs = step.configs;
    }
    choices.push_back(std::move(choice));
    step.is_view = false;
    step.copies.clear();
  }
  tuned->values = plan_storage(portable, descs, choices, &tuned->steps);
  for (size_t s = 0; s < portable.steps.size(); ++s) {
    if (tuned->steps[s].tactic.empty() && !tuned->steps[s].is_view) {
      return Status(Code::kPlan, fmt::format("step '{}' has no tactic", portable.steps[s].name));
    }
  }
  return ok();
}

}  // namespace hone
