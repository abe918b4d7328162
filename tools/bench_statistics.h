// What `hone bench` says about measured times.
#pragma once

#include <cstdint>
#include <vector>

namespace hone::tools {

struct LatencyStatistics {
  int64_t runs = 0;
  double min = 0, p50 = 0, p90 = 0, p99 = 0, mean = 0;  // milliseconds
  double runs_per_second = 0;
};

// `wall_seconds`: from the first run's begin to the last one's end. REQUIRES: a time.
// Percentiles: the smallest time that at least so many percent of the runs do not exceed.
LatencyStatistics latency_statistics(std::vector<double> milliseconds, double wall_seconds);

struct Quartiles {
  double low = 0, median = 0, high = 0;
};

// Between two values where a quarter falls between them. REQUIRES: a value.
Quartiles quartiles(std::vector<double> values);

}  // namespace hone::tools
