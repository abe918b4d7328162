#include "bench_profile.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/cpu.h"
#include "console.h"
#include "kernels/cpu/fma_peak.h"

namespace hone::tools {
namespace {

constexpr int kProfileRuns = 5;

// Of a total; 0 where there is no total.
double share(double part, double total) { return total > 0 ? part / total : 0; }

double gflops(const StepProfile& step) { return share(step.gflop, step.milliseconds) * 1e3; }

double gigabytes_per_second(const StepProfile& step) {
  return share(step.bytes, step.milliseconds) * 1e-6;
}

std::string percent(double share) { return fmt::format("{:.0f}", share * 100); }

}  // namespace

double peak_gflops(int threads) {
  const CpuFeatures features = CpuFeatures::detected();
  if (!features.contains(features_of("avx2"))) return 0;
  const bool wide = features.contains(features_of("avx512"));
  return cpu::fma_peak_flops(wide ? cpu::Isa::kAvx512 : cpu::Isa::kAvx2, threads) * 1e-9;
}

double Profile::milliseconds() const {
  double sum = 0;
  for (const StepProfile& step : steps) sum += step.milliseconds;
  return sum;
}

double Profile::gflop() const {
  double sum = 0;
  for (const StepProfile& step : steps) sum += step.gflop;
  return sum;
}

Result<Profile> profile_steps(Stream* stream, int threads) {
  Profile profile;
  profile.threads = threads;
  profile.peak_gflops = peak_gflops(threads);
  std::vector<std::vector<StepProfile>> runs;  // by step
  for (int run = 0; run < kProfileRuns; ++run) {
    HONE_ASSIGN_OR_RETURN(std::vector<StepProfile> steps,
                          stream->context().profile(stream->views()));
    runs.resize(steps.size());
    for (size_t i = 0; i < steps.size(); ++i) runs[i].push_back(std::move(steps[i]));
  }
  for (std::vector<StepProfile>& step : runs) {
    const auto middle = step.begin() + static_cast<int64_t>(step.size() / 2);
    std::nth_element(step.begin(), middle, step.end(),
                     [](const auto& a, const auto& b) { return a.milliseconds < b.milliseconds; });
    profile.steps.push_back(std::move(*middle));
  }
  profile.peak_gflops = std::max(profile.peak_gflops, peak_gflops(threads));
  return profile;
}

double busy_share(const StepProfile& step, int threads) {
  double busy = 0;
  for (const WorkerProfile& worker : step.workers) busy += worker.busy;
  return std::min(1.0, share(busy, step.milliseconds * threads));
}

std::string profile_table(const Profile& profile) {
  const double total = profile.milliseconds();
  Table table({"layer", "operator", "tactic", ">ms", ">%", ">GFLOP/s", ">% of peak", ">kB", ">GB/s",
               ">% busy"});
  for (const StepProfile& step : profile.steps) {
    const bool counted = step.gflop > 0;
    table.add_row(
        {shortened(step.name, 48), step.op, step.tactic, fmt::format("{:.4f}", step.milliseconds),
         fmt::format("{:.1f}", share(step.milliseconds, total) * 100),
         counted ? fmt::format("{:.1f}", gflops(step)) : "-",
         counted ? percent(share(gflops(step), profile.peak_gflops)) : "-",
         fmt::format("{:.1f}", step.bytes / 1e3), fmt::format("{:.1f}", gigabytes_per_second(step)),
         percent(busy_share(step, profile.threads))});
  }
  std::string text = table.text();
  text += fmt::format("sum of {} steps: {:.4f} ms", profile.steps.size(), total);
  if (profile.gflop() > 0) {
    const double rate = share(profile.gflop(), total) * 1e3;
    text += fmt::format(", {:.1f} GFLOP/s, {} % of peak", rate,
                        percent(share(rate, profile.peak_gflops)));
  }
  return text + fmt::format(
                    "\npeak: {:.1f} GFLOP/s, FMAs on registers on {} thread{}, measured now\n"
                    "busy: share of the threads' time that they worked on the step\n",
                    profile.peak_gflops, profile.threads, profile.threads == 1 ? "" : "s");
}

Json profile_json(const Profile& profile) {
  Json json = Json::array();
  for (const StepProfile& step : profile.steps) {
    Json busy = Json::array();
    for (const WorkerProfile& worker : step.workers) busy.push_back(worker.busy);
    json.push_back({{"name", step.name},
                    {"op", step.op},
                    {"tactic", step.tactic},
                    {"milliseconds", step.milliseconds},
                    {"gflop", step.gflop},
                    {"share_of_peak", share(gflops(step), profile.peak_gflops)},
                    {"bytes", step.bytes},
                    {"busy_milliseconds", busy},
                    {"busy_share", busy_share(step, profile.threads)}});
  }
  return json;
}

Json trace_json(const std::vector<StepProfile>& steps) {
  Json events = Json::array();
  const auto name_row = [&events](size_t row, const std::string& name) {
    events.push_back({{"name", "thread_name"},
                      {"ph", "M"},
                      {"pid", 1},
                      {"tid", row},
                      {"args", {{"name", name}}}});
  };
  const size_t threads = steps.empty() ? 0 : steps[0].workers.size();
  name_row(0, "steps");
  for (size_t i = 0; i < threads; ++i) name_row(i + 1, fmt::format("thread {}", i));
  const auto add = [&events](const StepProfile& step, size_t row, double start, double length,
                             Json arguments) {
    events.push_back({{"name", step.name},
                      {"cat", step.op},
                      {"ph", "X"},
                      {"ts", start * 1e3},
                      {"dur", length * 1e3},
                      {"pid", 1},
                      {"tid", row},
                      {"args", std::move(arguments)}});
  };
  double start = 0;
  for (const StepProfile& step : steps) {
    add(step, 0, start, step.milliseconds,
        {{"tactic", step.tactic}, {"gflop", step.gflop}, {"bytes", step.bytes}});
    for (size_t i = 0; i < step.workers.size(); ++i) {
      const WorkerProfile& worker = step.workers[i];
      if (worker.busy <= 0) continue;
      add(step, i + 1, start + worker.begin, worker.end - worker.begin, {{"busy_ms", worker.busy}});
    }
    start += step.milliseconds;
  }
  return {{"traceEvents", events}, {"displayTimeUnit", "ms"}};
}

}  // namespace hone::tools
