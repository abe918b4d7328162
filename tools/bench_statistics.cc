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

Quartiles quartiles(std::vector<double> values) {
  HONE_CHECK(!values.empty());
  std::sort(values.begin(), values.end());
  const auto at = [&values](double share) {
    const double position = share * static_cast<double>(values.size() - 1);
    const auto below = static_cast<size_t>(position);
    const size_t above = std::min(below + 1, values.size() - 1);
    return std::lerp(values[below], values[above], position - static_cast<double>(below));
  };
  return {at(0.25), at(0.5), at(0.75)};
}

}  // namespace hone::tools
