#include "tune/tuner.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "lower/bind_shapes.h"
#include "lower/views.h"
#include "tune/step_timer.h"

namespace hone {

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
    : target_(target), cache_(cache), options_(std::move(options)), begin_(std::chrono::steady_clock::now()) {}

bool Tuner::out_of_time() const {
  if (options_.seconds <= 0) return false;
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begin_;
  return passed.count() > options_.seconds;
}

std::string Tuner::key(const StepDesc& step, const Candidate& candidate) const {
  return fmt::format("{}|{}|{}|{}@{}|{}", cpu_signature(), target_.threads, step_key(step),
                     candidate.tactic->name(), candidate.tactic->version(), candidate.config);
}

std::vector<Tuner::Candidate> Tuner::find_candidates(const StepDesc& step,
                                                     std::vector<RejectedTactic>* rejected) const {
  std::vector<Candidate> candidates;
  for (const Tactic* tactic : all_tactics()) {
    const std::string_view op_name = tactic->op_name();
    if (op_name != "*" && op_name != step.op->name) continue;
    if (tactic == &reference_tactic() && !candidates.empty()) break;  // never the fastest
    const Verdict verdict = tactic->can_run(step, target_);
    if (!verdict.ok()) {
      rejected->push_back({tactic->name(), verdict.reason()});
      continue;
    }
    bool refused = false;
    for (Config& config : tactic->candidates(step, target_)) {
      const auto bytes = static_cast<int64_t>(tactic->packed_bytes(step, target_, config));
      if (options_.memory_bytes > 0 && bytes > options_.memory_bytes) {
        refused = true;
        continue;
      }
      candidates.push_back({tactic, std::move(config)});
    }
    if (refused) rejected->push_back({tactic->name(), "its packed weights exceed the memory limit"});
  }
  if (candidates.empty()) candidates.push_back({&reference_tactic(), Config()});
  return candidates;
}

// Fills in what the cache knows and measures the rest.
Status Tuner::time_missing(const StepDesc& step, std::vector<Candidate>* candidates) {
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
  const auto stop = [this] { return cancelled_ || out_of_time(); };
  HONE_RETURN_IF_ERROR(time_candidates(step, target_, stop, &missing));
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

Result<StepChoice> Tuner::choose_step(const Portable& portable, const PlanStep& step,
                                      const std::vector<SymbolValues>& profiles) {
  const StepDesc symbolic = make_step_desc(portable, step);
  StepChoice choice;
  // A packing of a tactic serves all profiles: time[packing] sums over the profiles the best
  // configuration with that packing.
  struct Packing {
    const Tactic* tactic;
    std::string key;
    std::vector<Config> configs;
    double first = -1, sum = 0;
    bool operator==(const Packing& other) const { return tactic == other.tactic && key == other.key; }
  };
  std::vector<Packing> packings;
  for (size_t p = 0; p < profiles.size(); ++p) {
    const StepDesc concrete = substitute_shapes(symbolic, profiles[p]);
    std::vector<RejectedTactic> rejected;
    std::vector<Candidate> candidates = find_candidates(concrete, &rejected);
    // A tactic must be able to run for every value of the symbols, not only at the opt shape.
    std::erase_if(candidates, [&](const Candidate& c) { return !c.tactic->can_run(symbolic, target_).ok(); });
    if (candidates.empty()) candidates.push_back({&reference_tactic(), Config()});
    if (p == 0) choice.rejected = std::move(rejected);
    HONE_RETURN_IF_ERROR(time_missing(concrete, &candidates));
    std::vector<bool> seen(packings.size(), false);
    for (const Candidate& c : candidates) {
      Packing packing{c.tactic, c.tactic->packing_key(symbolic, c.config), {}, -1, 0};
      auto it = std::find(packings.begin(), packings.end(), packing);
      if (it == packings.end()) {
        if (p > 0) continue;  // not a candidate at the first profile
        packings.push_back(packing);
        seen.push_back(false);
        it = packings.end() - 1;
      }
      const size_t index = static_cast<size_t>(it - packings.begin());
      const double time = c.milliseconds < 0 ? INFINITY : c.milliseconds;
      if (!seen[index]) {
        it->configs.push_back(c.config);
        it->sum += time;
        if (p == 0) it->first = c.milliseconds;
        seen[index] = true;
      } else if (const double known = it->first; p == 0 && c.milliseconds >= 0 && (known < 0 || time < known)) {
        it->sum = time;
        it->first = c.milliseconds;
        it->configs[0] = c.config;
      }
    }
    for (size_t i = 0; i < packings.size(); ++i) {
      if (!seen[i]) packings[i].configs.push_back(packings[i].configs[0]);
    }
  }
  const auto best = std::min_element(packings.begin(), packings.end(),
                                     [](const Packing& a, const Packing& b) { return a.sum < b.sum; });
  choice.tactic = best->tactic;
  choice.configs = best->configs;
  choice.milliseconds = best->first;
  for (const Packing& packing : packings) {
    if (&packing == &*best) continue;
    choice.rejected.push_back({fmt::format("{} {}", packing.tactic->name(), packing.configs[0]),
                               packing.first < 0 ? "not timed" : fmt::format("{:.3f} ms", packing.first)});
  }
  return choice;
}

Result<std::vector<StepChoice>> Tuner::choose(const Portable& portable) {
  if (!options_.tune) return choose_by_list_order(portable, target_);
  HONE_ASSIGN_OR_RETURN(const auto profiles, profile_symbols(portable));
  std::vector<StepChoice> choices;
  for (size_t s = 0; s < portable.steps.size(); ++s) {
    if (options_.progress &&
        !options_.progress(static_cast<double>(s) / static_cast<double>(portable.steps.size()),
                           portable.steps[s].name)) {
      return Status(Code::kCancelled, "the build was cancelled while tuning");
    }
    HONE_ASSIGN_OR_RETURN(StepChoice choice, choose_step(portable, portable.steps[s], profiles));
    choices.push_back(std::move(choice));
  }
  return choices;
}

Result<double> Tuner::price(const Portable& portable) {
  HONE_ASSIGN_OR_RETURN(const std::vector<StepChoice> choices, choose(portable));
  double sum = 0;
  for (size_t s = 0; s < choices.size(); ++s) {
    if (is_reshape_like(*portable.steps[s].op) || !slice_views(make_step_desc(portable, portable.steps[s])).empty()) {
      continue;  // views: nothing runs
    }
    sum += std::max(choices[s].milliseconds, 0.0);
  }
  return sum;
}

}  // namespace hone
