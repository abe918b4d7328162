#include "bench_statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"

namespace hone::tools {

LatencyStatistics latency_statistics(std::vector<double> milliseconds, double wall_seconds) {
  HONE_CHECK(!milliseconds.empty());
  std::sort(milliseconds.begin(), milliseconds.end());
  const auto count = static_cast<double>(milliseconds.size());
  const auto percentile = [&](int percent) {
    const auto rank = static_cast<size_t>(std::ceil(count * percent / 100));
    return milliseconds[std::max<size_t>(rank, 1) - 1];
  };
  LatencyStatistics result;
  result.runs = static_cast<int64_t>(milliseconds.size());
  result.min = milliseconds.front();
  result.p50 = percentile(50);
  result.p90 = percentile(90);
  result.p99 = percentile(99);
  result.mean = std::accumulate(milliseconds.begin(), milliseconds.end(), 0.0) / count;
  result.runs_per_second = wall_seconds > 0 ? count / wall_seconds : 0;
  return result;
}

}  // namespace hone::tools
