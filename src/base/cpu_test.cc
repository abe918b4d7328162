#include "base/cpu.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <cstdlib>

namespace hone {
namespace {

using testing::HasSubstr;

TEST(CpuFeatures, NamedSetsGrow) {
  const auto sets = named_features();
  ASSERT_EQ(sets.size(), 5u);
  for (size_t i = 1; i < sets.size(); ++i) {
    EXPECT_TRUE(sets[i].features.contains(sets[i - 1].features));
    EXPECT_FALSE(sets[i - 1].features.contains(sets[i].features));
  }
  EXPECT_TRUE(features_of("avx2").has(CpuFeature::fma));
}

TEST(CpuFeatures, TextRoundTrip) {
  EXPECT_EQ(CpuFeatures().text(), "baseline");
  for (const auto& set : named_features()) {
    EXPECT_EQ(set.features.text(), set.name);
    EXPECT_EQ(CpuFeatures::parse(set.name).value(), set.features);
  }
  CpuFeatures f = features_of("avx2");
  f.add(CpuFeature::avx_vnni);
  EXPECT_EQ(f.text(), "avx2+avx_vnni");
  EXPECT_EQ(CpuFeatures::parse("avx2+avx_vnni").value(), f);
  EXPECT_EQ(CpuFeatures::parse("native").value(), CpuFeatures::detected());
  const auto bad = CpuFeatures::parse("avx3").status();
  EXPECT_EQ(bad.code(), Code::kInvalidArgument);
  EXPECT_THAT(bad.message(), HasSubstr("avx512"));
  for (const char* text : {"", "+", "avx2+", "AVX2", "avx2 "}) {
    EXPECT_FALSE(CpuFeatures::parse(text).ok()) << text;
  }
}

TEST(CpuFeatures, AgreesWithTheCompiler) {
#if defined(__x86_64__)
  if (std::getenv("HONE_MAX_ISA") != nullptr) GTEST_SKIP();
  const CpuFeatures f = CpuFeatures::detected();
  EXPECT_EQ(f.has(CpuFeature::sse4_2), !!__builtin_cpu_supports("sse4.2"));
  EXPECT_EQ(f.has(CpuFeature::avx2), !!__builtin_cpu_supports("avx2"));
  EXPECT_EQ(f.has(CpuFeature::fma), !!__builtin_cpu_supports("fma"));
  EXPECT_EQ(f.has(CpuFeature::avx512f), !!__builtin_cpu_supports("avx512f"));
  EXPECT_EQ(f.has(CpuFeature::avx512bw), !!__builtin_cpu_supports("avx512bw"));
  EXPECT_EQ(f.has(CpuFeature::avx512_vnni), !!__builtin_cpu_supports("avx512vnni"));
#endif
}

// What this program prints about its features as a new process under HONE_MAX_ISA=cap.
std::string output_with_cap(const char* cap) {
  const std::string command = std::string("HONE_MAX_ISA=") + cap + " '/proc/" +
                              std::to_string(getpid()) +
                              "/exe' --gtest_filter='CpuFeatures.DISABLED_Print' "
                              "--gtest_also_run_disabled_tests 2>&1";
  FILE* out = popen(command.c_str(), "r");
  std::string text;
  char buffer[512];
  while (fgets(buffer, sizeof buffer, out) != nullptr) text += buffer;
  pclose(out);
  return text;
}

TEST(CpuFeatures, DISABLED_Print) {
  printf("features=%s\n", CpuFeatures::detected().text().c_str());
}

TEST(CpuFeatures, MaxIsaCaps) {
  EXPECT_THAT(output_with_cap("baseline"), HasSubstr("features=baseline\n"));
  const std::string bad = output_with_cap("nonsense");
  EXPECT_THAT(bad, HasSubstr("HONE_MAX_ISA=nonsense"));
  EXPECT_THAT(bad, HasSubstr("baseline, avx2, avx512, vnni, amx"));
}

TEST(CpuInfo, IsPlausible) {
  const CpuInfo& info = cpu_info();
  EXPECT_FALSE(info.model_name.empty());
  EXPECT_GE(info.l1d_bytes, 8 << 10);
  EXPECT_GE(info.l2_bytes, info.l1d_bytes);
  cpu_set_t set;
  ASSERT_EQ(sched_getaffinity(0, sizeof set, &set), 0);
  EXPECT_GE(info.usable_cpus, 1);
  EXPECT_LE(info.usable_cpus, CPU_COUNT(&set));
  EXPECT_THAT(cpu_signature(), HasSubstr(info.model_name.substr(0, 8)));
  EXPECT_EQ(cpu_signature().find_first_of("|\n"), std::string::npos);
  printf("%s; %d CPUs\n", cpu_signature().c_str(), info.usable_cpus);
}

}  // namespace
}  // namespace hone
