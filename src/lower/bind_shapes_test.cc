#include "lower/bind_shapes.h"

#include <gtest/gtest.h>

#include "graph/text.h"
#include "tune/make_portable.h"

namespace hone {
namespace {

const Dim N = Dim::symbol("N"), M = Dim::symbol("M");

TEST(DefaultSymbols, BatchAndOtherSizes) {
  const DefaultSymbols d = default_symbols({{N, 3, M}}, {});
  EXPECT_TRUE(d.fits);
  EXPECT_EQ(d.symbols.find("N")->second, 1);
  EXPECT_EQ(d.symbols.find("M")->second, 128);
}

TEST(DefaultSymbols, SizesThatWouldBeNegative) {
  const DefaultSymbols d = default_symbols({{N}, {N - 5}, {1, M}, {200 - M}, {1, 40 - M}}, {});
  EXPECT_TRUE(d.fits);
  EXPECT_EQ(d.symbols.find("N")->second, 8);
  EXPECT_EQ(d.symbols.find("M")->second, 32);
}

TEST(DefaultSymbols, RequiredEqualities) {
  const DefaultSymbols d = default_symbols({{N, 3}, {1, M}}, {{N * 4, M}});
  EXPECT_TRUE(d.fits);
  EXPECT_EQ(d.symbols.find("M")->second, 4);
  EXPECT_FALSE(default_symbols({{N}}, {{N, N + 1}}).fits);
  EXPECT_FALSE(default_symbols({{N}, {-N}}, {}).fits);
}

TEST(NearestProfile, InsideFirstThenByDistance) {
  Graph graph = parse_graph("graph { input %x: f32[N,2] %y = Relu(%x) output %y }").value();
  Portable portable = make_portable(graph, {}).value();
  EXPECT_EQ(nearest_profile(portable, {{7, 2}}), 0u);
  portable.profiles = {{{{{1, 2}, {1, 2}, {2, 2}}}}, {{{{8, 2}, {16, 2}, {64, 2}}}}};
  EXPECT_EQ(nearest_profile(portable, {{2, 2}}), 0u);
  EXPECT_EQ(nearest_profile(portable, {{9, 2}}), 1u);
  EXPECT_EQ(nearest_profile(portable, {{3, 2}}), 0u);
  EXPECT_EQ(nearest_profile(portable, {{1000, 2}}), 1u);
}

}  // namespace
}  // namespace hone
