#include "tune/tuner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "graph/text.h"
#include "lower/bind_shapes.h"
#include "tune/make_portable.h"

namespace hone {
namespace {

using ::testing::HasSubstr;

constexpr const char* kModel = R"(graph {
  input %x: f32[N,16,16,16]
  const %w: f32[32,3,3,16] = random(1)
  const %v: f32[32,10] = random(2)
  %c = Conv(%x, %w) {auto_pad="same_upper"}
  %p = ReduceMean(%c) {axes=[1,2], keepdims=false}
  %m = MatMul(%p, %v)
  %y = Softmax(%m)
  output %y })";

Portable portable_of(std::string_view text, const std::vector<int64_t>& batches = {}) {
  Graph graph = parse_graph(text).value();
  PortableOptions options;
  for (int64_t n : batches) {
    std::vector<int64_t> shape{n, 16, 16, 16};
    options.profiles.push_back({{{shape, shape, shape}}});
  }
  return make_portable(graph, options).value();
}

Target this_target() { return {CpuFeatures::detected(), 1}; }

std::vector<std::string> texts(const std::vector<StepChoice>& choices) {
  std::vector<std::string> result;
  for (const StepChoice& choice : choices) {
    std::string text = choice.tactic->name();
    for (const Config& config : choice.configs) text += " | " + config;
    result.push_back(text + " " + std::to_string(choice.milliseconds));
  }
  return result;
}

TEST(Tuner, CacheDecides) {
  const Portable portable = portable_of(kModel);
  TimingCache cache;
  Tuner first(this_target(), &cache, {});
  const auto choices = first.choose(portable).value();
  EXPECT_GT(first.measured(), 0);
  Tuner second(this_target(), &cache, {});
  EXPECT_EQ(texts(second.choose(portable).value()), texts(choices));
  EXPECT_EQ(second.measured(), 0);
  EXPECT_EQ(second.from_cache(), first.measured());
  TunerOptions again;
  again.retune = true;
  Tuner third(this_target(), &cache, again);
  ASSERT_TRUE(third.choose(portable).ok());
  EXPECT_EQ(third.measured(), first.measured());
  const int measured = third.measured();
  ASSERT_TRUE(third.choose(portable).ok());  // once per tuner
  EXPECT_EQ(third.measured(), measured);
}

TEST(Tuner, NoTuningTakesTheFirstOfTheList) {
  TunerOptions options;
  options.tune = false;
  TimingCache cache;
  Tuner tuner(this_target(), &cache, options);
  const auto choices = tuner.choose(portable_of(kModel)).value();
  EXPECT_EQ(tuner.measured(), 0);
  for (const StepChoice& choice : choices) {
    EXPECT_LT(choice.milliseconds, 0);
    EXPECT_EQ(choice.configs.size(), 1u);
  }
}

TEST(Tuner, TimeLimitSkips) {
  TunerOptions options;
  options.seconds = 1e-9;
  TimingCache cache;
  Tuner tuner(this_target(), &cache, options);
  const auto choices = tuner.choose(portable_of(kModel)).value();
  EXPECT_EQ(tuner.measured(), 0);
  EXPECT_GT(tuner.skipped(), 0);
  TunerOptions list_order;
  list_order.tune = false;
  Tuner untimed(this_target(), &cache, list_order);
  const auto expected = untimed.choose(portable_of(kModel)).value();
  for (size_t s = 0; s < choices.size(); ++s) EXPECT_EQ(choices[s].tactic, expected[s].tactic);
}

TEST(Tuner, MemoryLimitIsRecorded) {
  TunerOptions options;
  options.memory_bytes = 64;
  TimingCache cache;
  Tuner tuner(this_target(), &cache, options);
  const auto choices = tuner.choose(portable_of(kModel)).value();
  if (!this_target().features.contains(features_of("avx2")))
    GTEST_SKIP() << "nothing packs weights";
  EXPECT_EQ(choices[0].tactic, &reference_tactic());
  const auto& rejected = choices[0].rejected;
  EXPECT_TRUE(std::any_of(rejected.begin(), rejected.end(), [](const RejectedTactic& r) {
    return r.reason.find("memory limit") != std::string::npos;
  }));
}

// The reference is not timed; its arithmetic counts, or an alternative that needs it would look
// free.
TEST(Tuner, StepsLeftToTheReferenceHaveAPrice) {
  if (!this_target().features.contains(features_of("avx2")))
    GTEST_SKIP() << "nothing packs weights";
  TunerOptions options;
  options.memory_bytes = 64;
  TimingCache cache;
  Tuner tuner(this_target(), &cache, options);
  const double price = tuner
                           .price(portable_of(R"(graph {
    input %x: f32[1,8,8,4]
    const %w: f32[4,3,3,4] = random(1)
    %y = Conv(%x, %w)
    output %y
  })"))
                           .value();
  EXPECT_NEAR(price, 1000 * 2e-9 * (6 * 6 * 4) * (3 * 3 * 4), 1e-6);  // at 1 GFLOP/s
}

TEST(Tuner, CancelsWithinAStep) {
  int calls = 0;
  TunerOptions options;
  options.progress = [&calls](double fraction, std::string_view step) {
    EXPECT_GE(fraction, 0);
    EXPECT_LT(fraction, 1);
    EXPECT_FALSE(step.empty());
    return ++calls < 2;
  };
  TimingCache cache;
  Tuner tuner(this_target(), &cache, options);
  EXPECT_EQ(tuner.choose(portable_of(kModel)).status().code(), Code::kCancelled);
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(tuner.choose(portable_of(kModel)).status().code(), Code::kCancelled);
}

// With times made up for every candidate, the choice is the packing with the smallest sum, and for
// each profile the fastest configuration with that packing.
TEST(Tuner, BestConfigurationPerProfile) {
  const Target target = this_target();
  const Portable portable = portable_of(kModel, {1, 8});
  const StepDesc symbolic = make_step_desc(portable, portable.steps[0]);
  const auto profiles = profile_symbols(portable).value();
  TimingCache cache;
  struct Best {
    double time[2] = {INFINITY, INFINITY};
    Config config[2];
  };
  std::map<std::pair<std::string, std::string>, Best> packings;
  unsigned state = 1;
  for (size_t p = 0; p < 2; ++p) {
    const StepDesc concrete = substitute_shapes(symbolic, profiles[p]);
    for (const Tactic* tactic : all_tactics()) {
      if (std::string_view(tactic->op_name()) != "Conv" || !tactic->can_run(symbolic, target).ok())
        continue;
      for (const Config& config : tactic->candidates(concrete, target)) {
        state = state * 1664525u + 1013904223u;
        const double time = 1 + (state >> 20);
        cache.put(cpu_signature() + "|1|" + step_key(concrete) + "|" + tactic->name() + "@" +
                      std::to_string(tactic->version()) + "|" + config,
                  time);
        Best& best = packings[{tactic->name(), tactic->packing_key(symbolic, config)}];
        if (time >= best.time[p]) continue;
        best.time[p] = time;
        best.config[p] = config;
      }
    }
  }
  if (packings.empty()) GTEST_SKIP() << "no tactic but the reference";
  const auto expected =
      std::min_element(packings.begin(), packings.end(), [](const auto& a, const auto& b) {
        return a.second.time[0] + a.second.time[1] < b.second.time[0] + b.second.time[1];
      });
  Tuner tuner(target, &cache, {});
  const StepChoice choice = tuner.choose(portable).value()[0];
  EXPECT_EQ(choice.tactic->name(), expected->first.first);
  ASSERT_EQ(choice.configs.size(), 2u);
  EXPECT_EQ(choice.configs[0], expected->second.config[0]);
  EXPECT_EQ(choice.configs[1], expected->second.config[1]);
  EXPECT_EQ(choice.milliseconds, expected->second.time[0]);
}

TEST(Tuner, StepsThatCannotRunAtTheTunedSizes) {
  const Portable portable = portable_of(R"(graph {
    input %x: f32[N,H,6,2]
    const %w: f32[3,200,5,2] = random(1)
    %y = Conv(%x, %w) {auto_pad="valid"}
    %z = Relu(%y)
    output %z })");
  TimingCache cache;
  Tuner tuner(this_target(), &cache, {});
  const auto choices = tuner.choose(portable);
  ASSERT_TRUE(choices.ok()) << choices.status().message();
  EXPECT_EQ(tuner.measured(), 0);
}

TEST(MakePortable, OutputsOfTheirOwn) {
  Graph graph = parse_graph(R"(graph {
    input %x: f32[N,4]
    const %k: f32[2] = [1, 2]
    %a = Relu(%x)
    output %x as "input"
    output %k as "constant"
    output %a as "first"
    output %a as "second" })")
                    .value();
  const Portable portable = make_portable(graph, {}).value();
  EXPECT_EQ(portable.steps.size(), 4u);
  std::set<int> seen;
  for (int v : portable.outputs) {
    EXPECT_EQ(portable.values[v].kind, ValueKind::kComputed);
    EXPECT_TRUE(seen.insert(v).second);
  }
  EXPECT_TRUE(verify_plan({portable, {}}).ok());
  EXPECT_EQ(portable.output_names,
            (std::vector<std::string>{"input", "constant", "first", "second"}));
}

TEST(MakePortable, SizesKnownOnlyWhileRunning) {
  Graph graph = parse_graph(R"(graph {
    input %x: f32[N,4]
    input %n: i64[2]
    %y = Reshape(%x, %n)
    output %y })")
                    .value();
  const auto portable = make_portable(graph, {});
  ASSERT_TRUE(portable.ok()) << portable.status().message();
  ASSERT_EQ(portable->steps.size(), 1u);
  EXPECT_TRUE(portable->steps[0].ends_stage);
}

}  // namespace
}  // namespace hone
