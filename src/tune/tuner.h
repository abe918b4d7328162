// Chooses a tactic and configurations for every step of a portable plan, by timing where that is
// wanted.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lower/lower.h"
#include "tune/timing_cache.h"

namespace hone {

struct TunerOptions {
  bool tune = true;          // false: list order, nothing is timed
  bool retune = false;       // ignore times that the cache already has
  double seconds = 0;        // stop timing after this long; 0 = no limit
  int64_t memory_bytes = 0;  // candidates whose packed weights are larger are refused; 0 = no limit
  // Fraction done of this call and the step's name, at least every 100 ms; false = cancel.
  std::function<bool(double fraction, std::string_view step)> progress;
};

// Results depend on the cache's contents only: same model, same cache, same choices. Not
// thread-safe.
class Tuner {
 public:
  Tuner(Target target, TimingCache* cache, TunerOptions options);

  // One choice per step. Errors: kCancelled, kOutOfResources.
  Result<std::vector<StepChoice>> choose(const Portable& portable);
  // Sum of the chosen steps' times in milliseconds at the first profile's opt shapes: what
  // alternatives are compared by. Steps left to the reference count by their arithmetic. REQUIRES:
  // tune.
  Result<double> price(const Portable& portable);

  int measured() const { return measured_; }  // timings made by this tuner
  int from_cache() const { return from_cache_; }
  int skipped() const { return skipped_; }  // not timed because time was up

 private:
  struct Candidate {
    const Tactic* tactic;
    Config config;
    double milliseconds = -1;
  };
  struct Packing;
  Result<StepChoice> choose_step(const Portable& portable, const PlanStep& step,
                                 const std::vector<SymbolValues>& profiles);
  // Tactics that can run `symbolic`, with their configurations for `concrete`; at least one.
  std::vector<Candidate> find_candidates(const StepDesc& symbolic, const StepDesc& concrete,
                                         std::vector<RejectedTactic>* rejected) const;
  static void add_profile(const StepDesc& step, size_t profile,
                          const std::vector<Candidate>& candidates, std::vector<Packing>* packings);
  static StepChoice pick(const std::vector<Packing>& packings,
                         std::vector<RejectedTactic> rejected);
  // Reports progress, at once or at most every 100 ms; false when cancelled.
  bool keep_going(bool report_now);
  Status time_missing(const StepDesc& step, std::vector<Candidate>* candidates);
  std::string key(const StepDesc& step, const Candidate& candidate) const;
  bool out_of_time() const;

  Target target_;
  TimingCache* cache_;
  TunerOptions options_;
  std::chrono::steady_clock::time_point begin_;
  std::map<std::string, bool> timed_again_;  // with retune: keys measured by this tuner
  bool cancelled_ = false;
  double fraction_ = 0;  // what progress is told
  std::string step_name_;
  std::chrono::steady_clock::time_point last_report_;
  int measured_ = 0, from_cache_ = 0, skipped_ = 0;
};

// "Conv{...}epilogue{...}(f32[1,56,56,64],...)": what the time of a step depends on.
std::string step_key(const StepDesc& step);

}  // namespace hone
