#include "bench_statistics.h"

#include <gtest/gtest.h>

namespace hone::tools {
namespace {

TEST(LatencyStatistics, PercentilesOfAHundredRuns) {
  std::vector<double> times;
  for (int i = 100; i >= 1; --i) times.push_back(i);
  const LatencyStatistics s = latency_statistics(times, 10);
  EXPECT_EQ(s.runs, 100);
  EXPECT_EQ(s.min, 1);
  EXPECT_EQ(s.p50, 50);
  EXPECT_EQ(s.p90, 90);
  EXPECT_EQ(s.p99, 99);
  EXPECT_DOUBLE_EQ(s.mean, 50.5);
  EXPECT_DOUBLE_EQ(s.runs_per_second, 10);
}

TEST(LatencyStatistics, OneRun) {
  const LatencyStatistics s = latency_statistics({3}, 0.003);
  EXPECT_EQ(s.p50, 3);
  EXPECT_EQ(s.p99, 3);
}

TEST(Quartiles, BetweenTwoValues) {
  const Quartiles three = quartiles({3, 1, 2});
  EXPECT_DOUBLE_EQ(three.low, 1.5);
  EXPECT_DOUBLE_EQ(three.median, 2);
  EXPECT_DOUBLE_EQ(three.high, 2.5);
  const Quartiles one = quartiles({7});
  EXPECT_EQ(one.low, 7);
  EXPECT_EQ(one.high, 7);
}

}  // namespace
}  // namespace hone::tools
