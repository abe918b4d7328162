// Where the time of a run goes: what `hone bench --profile` and `--trace` show.
#pragma once

#include <string>
#include <vector>

#include "bench_stream.h"
#include "hone/engine.h"
#include "json.h"

namespace hone::tools {

// FLOP/s in billions that so many threads reach on registers, with the widest vectors that Hone may
// use here: what shares of peak are shares of. 0: unknown.
double peak_gflops(int threads);

struct Profile {
  std::vector<StepProfile> steps;  // each the median run of some: a single one has outliers
  double peak_gflops = 0;          // of all threads of a run
  int threads = 1;

  double milliseconds() const;
  double gflop() const;
};

Result<Profile> profile_steps(Stream* stream, int threads);

// Share of the threads' time during the step that they worked, 0 to 1.
double busy_share(const StepProfile& step, int threads);

std::string profile_table(const Profile& profile);
Json profile_json(const Profile& profile);

// One run in the format of chrome://tracing and Perfetto: a row of steps, and one for each thread.
Json trace_json(const std::vector<StepProfile>& steps);

}  // namespace hone::tools
