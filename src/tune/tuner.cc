#include "tune/tuner.h"

#include <fmt/core.h>

#include <algorithm>

#include "lower/bind_shapes.h"
#include "lower/storage.h"
#include "tune/step_timer.h"

namespace hone {
namespace {

Status cancelled() { return Status(Code::kCancelled, "the build was cancelled while tuning"); }

bool has_numbers(const StepDesc& step) {
  const auto fixed = [](const OperandDesc& operand) { return is_static(operand.type.shape); };
  return std::all_of(step.inputs.begin(), step.inputs.end(), fixed) &&
         std::all_of(step.outputs.begin(), step.outputs.end(), fixed);
}

}  // namespace

std::string step_key(const StepDesc& step) {
  std::string key = fmt::format("{}{}", step.op->name, attributes_text(step.attributes));
  if (!step.epilogue.empty()) key += fmt::format("epilogue{{{}}}", step.epilogue.text());
  if (step.strict_fp32) key += "strict";
  key += "(";
  for (const OperandDesc& input : step.inputs) {
    key += fmt::format("{}{},", input.is_constant ? "const " : "", type_text(input.type));
  }
  return key + ")";
}

Tuner::Tuner(Target target, TimingCache* cache, TunerOptions options)
    : target_(target),
      cache_(cache),
      options_(std::move(options)),
      begin_(std::chrono::steady_clock::now()) {}

bool Tuner::out_of_time() const {
  if (options_.seconds <= 0) return false;
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begin_;
  return passed.count() > options_.seconds;
}

std::string Tuner::key(const StepDesc& step, const Candidate& candidate) const {
  return fmt::format("{}|{}|{}|{}@{}|{}", cpu_signature(), target_.threads, step_key(step),
                     candidate.tactic->name(), candidate.tactic->version(), candidate.config);
}

bool Tuner::keep_going(bool report_now) {
  constexpr std::chrono::milliseconds kInterval(100);
  if (cancelled_ || !options_.progress) return !cancelled_;
  const auto now = std::chrono::steady_clock::now();
  if (!report_now && now - last_report_ < kInterval) return true;
  last_report_ = now;
  cancelled_ = !options_.progress(fraction_, step_name_);
  return !cancelled_;
}

std::vector<Tuner::Candidate> Tuner::find_candidates(const StepDesc& symbolic,
                                                     const StepDesc& concrete,
                                                     std::vector<RejectedTactic>* rejected) const {
  std::vector<Candidate> candidates;
  for (const Tactic* tactic : all_tactics()) {
    const std::string_view op_name = tactic->op_name();
    if (op_name != "*" && op_name != symbolic.op->name) continue;
    if (tactic == &reference_tactic() && !candidates.empty()) break;  // never the fastest
    const Verdict verdict = can_run_step(*tactic, symbolic, target_);
    if (!verdict.ok()) {
      rejected->push_back({tactic->name(), verdict.reason()});
      continue;
    }
    bool refused = false;
    for (Config& config : tactic->candidates(concrete, target_)) {
      const auto bytes = static_cast<int64_t>(tactic->packed_bytes(symbolic, target_, config));
      if (options_.memory_bytes > 0 && bytes > options_.memory_bytes) {
        refused = true;
        continue;
      }
      candidates.push_back({tactic, std::move(config)});
    }
    if (refused)
      rejected->push_back({tactic->name(), "its packed weights exceed the memory limit"});
  }
  if (candidates.empty()) candidates.push_back({&reference_tactic(), Config()});
  return candidates;
}

// Fills in what the cache knows and measures the rest. A step that cannot run at these shapes (a
// size comes out negative) is not timed.
Status Tuner::time_missing(const StepDesc& step, std::vector<Candidate>* candidates) {
  // The time of a step that sizes its outputs depends on values, which nobody knows here.
  if (step.sizes_outputs || !has_numbers(step)) return ok();
  std::vector<TimedCandidate> missing;
  std::vector<size_t> where;
  for (size_t i = 0; i < candidates->size(); ++i) {
    Candidate& candidate = (*candidates)[i];
    if (candidate.tactic == &reference_tactic()) continue;  // may take seconds, and has no rival
    const std::string cache_key = key(step, candidate);
    const bool fresh = !options_.retune || timed_again_.count(cache_key) > 0;
    if (const auto known = cache_->find(cache_key); known && fresh) {
      candidate.milliseconds = *known;
      ++from_cache_;
      continue;
    }
    missing.push_back({candidate.tactic, candidate.config, -1});
    where.push_back(i);
  }
  if (missing.empty()) return ok();
  const auto stop = [this] { return !keep_going(false) || out_of_time(); };
  HONE_RETURN_IF_ERROR(time_candidates(step, target_, stop, &missing));
  if (cancelled_) return cancelled();
  for (size_t m = 0; m < missing.size(); ++m) {
    if (missing[m].milliseconds < 0) {
      ++skipped_;
      continue;
    }
    Candidate& candidate = (*candidates)[where[m]];
    candidate.milliseconds = missing[m].milliseconds;
    const std::string cache_key = key(step, candidate);
    cache_->put(cache_key, candidate.milliseconds);
    timed_again_[cache_key] = true;
    ++measured_;
  }
  return ok();
}

// One packing of a tactic serves all profiles, each with the fastest configuration that reads this
// packing.
struct Tuner::Packing {
  const Tactic* tactic;
  std::string key;
  std::vector<Candidate> best;  // one per profile

  int untimed() const {
    return static_cast<int>(
        std::count_if(best.begin(), best.end(), [](auto& c) { return c.milliseconds < 0; }));
  }
  double sum() const {
    double sum = 0;
    for (const Candidate& c : best) sum += std::max(c.milliseconds, 0.0);
    return sum;
  }
};

void Tuner::add_profile(const StepDesc& step, size_t profile,
                        const std::vector<Candidate>& candidates, std::vector<Packing>* packings) {
  for (const Candidate& c : candidates) {
    const std::string key = c.tactic->packing_key(step, c.config);
    auto it = std::find_if(packings->begin(), packings->end(),
                           [&](const Packing& p) { return p.tactic == c.tactic && p.key == key; });
    if (it == packings->end()) {
      if (profile > 0) continue;  // not a candidate at the first profile
      it = packings->insert(it, Packing{c.tactic, key, {}});
    }
    if (it->best.size() == profile) {
      it->best.push_back(c);
    } else if (c.milliseconds >= 0 && (it->best.back().milliseconds < 0 ||
                                       c.milliseconds < it->best.back().milliseconds)) {
      it->best.back() = c;
    }
  }
  for (Packing& packing :
       *packings) {  // not a candidate at this profile: it works, but was not timed
    if (packing.best.size() == profile)
      packing.best.push_back({packing.tactic, packing.best[0].config});
  }
}

// The fastest over all profiles; what was not timed comes after what was, in the order of the list.
StepChoice Tuner::pick(const std::vector<Packing>& packings, std::vector<RejectedTactic> rejected) {
  const auto best =
      std::min_element(packings.begin(), packings.end(), [](const Packing& a, const Packing& b) {
        return std::pair(a.untimed(), a.sum()) < std::pair(b.untimed(), b.sum());
      });
  StepChoice choice;
  choice.tactic = best->tactic;
  choice.milliseconds = best->best[0].milliseconds;
  for (const Candidate& c : best->best) choice.configs.push_back(c.config);
  choice.rejected = std::move(rejected);
  for (auto it = packings.begin(); it != packings.end(); ++it) {
    if (it == best) continue;
    const double time = it->best[0].milliseconds;
    choice.rejected.push_back({fmt::format("{} {}", it->tactic->name(), it->best[0].config),
                               time < 0 ? "not timed" : fmt::format("{:.3f} ms", time)});
  }
  return choice;
}

Result<StepChoice> Tuner::choose_step(const Portable& portable, const PlanStep& step,
                                      const std::vector<SymbolValues>& profiles) {
  const StepDesc symbolic = make_step_desc(portable, step);
  std::vector<Packing> packings;
  std::vector<RejectedTactic> rejected;
  for (size_t p = 0; p < profiles.size(); ++p) {
    const StepDesc concrete = substitute_shapes(symbolic, profiles[p]);
    std::vector<RejectedTactic> again;
    std::vector<Candidate> candidates =
        find_candidates(symbolic, concrete, p == 0 ? &rejected : &again);
    HONE_RETURN_IF_ERROR(time_missing(concrete, &candidates));
    add_profile(symbolic, p, candidates, &packings);
  }
  return pick(packings, std::move(rejected));
}

Result<std::vector<StepChoice>> Tuner::choose(const Portable& portable) {
  if (!options_.tune) return choose_by_list_order(portable, target_);
  HONE_ASSIGN_OR_RETURN(const auto profiles, profile_symbols(portable));
  std::vector<StepChoice> choices;
  for (size_t s = 0; s < portable.steps.size(); ++s) {
    fraction_ = static_cast<double>(s) / static_cast<double>(portable.steps.size());
    step_name_ = portable.steps[s].name;
    if (!keep_going(true)) return cancelled();
    HONE_ASSIGN_OR_RETURN(StepChoice choice, choose_step(portable, portable.steps[s], profiles));
    choices.push_back(std::move(choice));
  }
  return choices;
}

namespace {

// The reference does about this many GFLOP/s. It is not timed, but an alternative that leaves a
// step to it must not look free.
constexpr double kReferenceMsPerGflop = 1000;

}  // namespace

Result<double> Tuner::price(const Portable& portable) {
  HONE_ASSIGN_OR_RETURN(const std::vector<StepChoice> choices, choose(portable));
  HONE_ASSIGN_OR_RETURN(const auto profiles, profile_symbols(portable));
  const std::vector<StepDesc> descs = make_step_descs(portable);
  std::vector<TunedStep> steps(choices.size());
  plan_storage(portable, descs, choices, &steps);
  double sum = 0;
  for (size_t s = 0; s < choices.size(); ++s) {
    if (steps[s].is_view) continue;  // nothing runs
    if (choices[s].milliseconds >= 0) {
      sum += choices[s].milliseconds;
    } else if (choices[s].tactic == &reference_tactic()) {
      sum += kReferenceMsPerGflop * step_gflop(substitute_shapes(descs[s], profiles[0]));
    }
  }
  return sum;
}

}  // namespace hone
