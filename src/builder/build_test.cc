#include "builder/build.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>

#include "base/cpu.h"
#include "base/file.h"
#include "builder/profiles.h"
#include "graph/evaluate.h"
#include "graph/text.h"
#include "hone/builder.h"
#include "hone/engine.h"

namespace hone {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr const char* kModel = R"(graph "model" {
  input %x: f32[N,12,12,8]
  const %w: f32[16,3,3,8] = random(1)
  const %b: f32[16] = random(2)
  const %v: f32[16,300] = random(3)
  %c = Conv(%x, %w) {auto_pad="same_upper"}
  %s = Add(%c, %b)
  %r = Relu(%s)
  %m = ReduceMean(%r) {axes=[1,2], keepdims=false}
  %y = MatMul(%m, %v)
  output %y as "y"
})";

Graph read(std::string_view text) { return parse_graph(text).value(); }

class Build : public testing::Test {
 protected:
  Build() : folder_(testing::TempDir() + "hone_build_" + std::to_string(getpid())) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~Build() override { fs::remove_all(folder_); }
  std::string file(const std::string& name) const { return folder_ + "/" + name; }
  Model model() {
    EXPECT_TRUE(write_file_atomically(file("m.txt"), kModel).ok());
    return Model::from_file(file("m.txt")).value();
  }
  std::string folder_;
};

// Its folder is gone when the timings are saved: the plan is good all the same.
TEST_F(Build, PlanWithoutTimingCache) {
  BuildOptions options;
  options.timing_cache = file("gone/cache.json");
  fs::create_directory(file("gone"));
  options.progress = [&](std::string_view, double, std::string_view) {
    fs::remove(file("gone"));
    return true;
  };
  EXPECT_TRUE(build(model(), options).ok());
}

TEST_F(Build, SameModelAndCacheGiveTheSameBytes) {
  BuildOptions options;
  options.threads = 1;
  options.timing_cache = file("cache.json");
  const Plan first = build(model(), options).value();
  const Plan second = build(model(), options).value();
  EXPECT_TRUE(first.bytes() == second.bytes());
  fs::remove(file("cache.json"));
  EXPECT_EQ(list_directory(folder_).value(), std::vector<std::string>{"m.txt"});  // no lock file
  options.tune = false;
  EXPECT_TRUE(build(model(), options).value().bytes() == build(model(), options).value().bytes());
}

TEST_F(Build, RunsAndEqualsTheReference) {
  BuildOptions options;
  options.tune = false;
  const Engine engine = Engine::load_bytes(build(model(), options).value().bytes()).value();
  ExecutionContext context = engine.create_context();
  const Graph graph = read(kModel);
  for (const int64_t n : {3, 1}) {
    Tensor x = Tensor::zeros(DataType::f32, {n, 12, 12, 8});
    for (int64_t i = 0; i < x.num_elements(); ++i)
      x.mutable_data<float>()[i] = static_cast<float>(i % 13) / 13 - 0.5f;
    std::vector<float> y(static_cast<size_t>(n) * 300);
    ASSERT_TRUE(
        context
            .run({{"x", TensorView(x.raw(), x.shape())}}, {{"y", TensorView(y.data(), {n, 300})}})
            .ok());
    const Tensor expected = evaluate_graph(graph, std::vector<Tensor>{x}).value()[0];
    for (size_t i = 0; i < y.size(); ++i) ASSERT_NEAR(y[i], expected.data<float>()[i], 1e-3);
  }
}

TEST_F(Build, PortablePlansKeepTheWeights) {
  BuildOptions options;
  options.tune = false;
  const size_t tuned = build(model(), options).value().bytes().size();
  options.portable = true;
  const size_t portable = build(model(), options).value().bytes().size();
  if (!CpuFeatures::detected().contains(features_of("avx2"))) GTEST_SKIP() << "nothing is packed";
  EXPECT_GE(portable, tuned + 16 * 300 * 4 + 16 * 9 * 8 * 4);
}

TEST_F(Build, WrongOptions) {
  const auto code = [&](BuildOptions options) { return build(model(), options).status().code(); };
  EXPECT_EQ(code({.precision = Precision::kInt8}), Code::kUnsupported);
  EXPECT_EQ(code({.threads = -1}), Code::kInvalidArgument);
  EXPECT_EQ(code({.memory_bytes = -1}), Code::kInvalidArgument);
  EXPECT_EQ(code({.tune_seconds = -1}), Code::kInvalidArgument);
  EXPECT_NE(code({.target = "pdp11"}), Code::kOk);
  EXPECT_EQ(code({.profiles = {{{"z", {{1}, {1}, {1}}}}}}), Code::kInvalidArgument);
  ASSERT_TRUE(write_file_atomically(file("bad.json"), "{").ok());
  EXPECT_EQ(code({.timing_cache = file("bad.json")}), Code::kModel);
}

TEST_F(Build, DumpedGraphsParse) {
  BuildOptions options;
  options.tune = false;
  options.dump_graphs = file("dump");
  ASSERT_TRUE(build(model(), options).ok());
  const auto names = list_directory(file("dump")).value();
  EXPECT_GE(names.size(), 2u);
  bool imported = false;
  for (const std::string& name : names) {
    // Large constants are there by hash: parsing needs them, so the store comes from the model.
    ConstantStore store;
    const Graph source = read(kModel);
    collect_constants(source, {}, &store);
    const auto graph = parse_graph(read_file(join_path(file("dump"), name)).value(), &store);
    if (name == "00_imported.txt") {
      imported = true;
      EXPECT_TRUE(graph.ok()) << graph.status().message();
    } else if (!graph.ok()) {
      EXPECT_THAT(graph.status().message(), HasSubstr("constant")) << name;  // one that a pass made
    }
  }
  EXPECT_TRUE(imported);
}

TEST_F(Build, CancellingLeavesNothing) {
  for (const std::string stage : {"optimize", "tune", "lower", "write"}) {
    BuildOptions options;
    options.timing_cache = file("cancel.json");
    std::chrono::steady_clock::time_point stopped;
    double last = 0;
    options.progress = [&](std::string_view at, double fraction, std::string_view) {
      EXPECT_GE(fraction, last) << "at " << at;
      last = fraction;
      if (at != stage) return true;
      stopped = std::chrono::steady_clock::now();
      return false;
    };
    const auto plan = build(model(), options);
    EXPECT_LT(std::chrono::steady_clock::now() - stopped, std::chrono::seconds(1)) << stage;
    EXPECT_EQ(plan.status().code(), Code::kCancelled) << stage;
    if (stage == "optimize" || stage == "tune") {
      EXPECT_FALSE(file_exists(file("cancel.json"))) << stage;
    }
  }
  fs::remove(file("cancel.json"));
  EXPECT_EQ(list_directory(folder_).value(), std::vector<std::string>{"m.txt"});
}

// --- Profiles.

std::string error_of(const Graph& graph, const Profile& profile) {
  std::string warning;
  const auto profiles = make_profiles(graph, {.profiles = {profile}}, &warning);
  if (profiles.ok()) return "no error";
  EXPECT_EQ(profiles.status().code(), Code::kInvalidArgument);
  return profiles.status().message();
}

TEST(Profiles, Defaults) {
  std::string warning;
  const auto none =
      make_profiles(read("graph { input %x: f32[2] %y = Relu(%x) output %y }"), {}, &warning);
  EXPECT_TRUE(none.value().empty());
  EXPECT_EQ(warning, "");
  const Graph graph =
      read("graph { input %x: f32[N,T,3] input %z: f32[N] %y = Relu(%x) output %y output %z }");
  const auto profiles = make_profiles(graph, {}, &warning).value();
  ASSERT_EQ(profiles.size(), 1u);
  EXPECT_EQ(profiles[0].inputs[0].opt, (std::vector<int64_t>{1, 128, 3}));
  EXPECT_EQ(profiles[0].inputs[1].max, (std::vector<int64_t>{1}));
  EXPECT_THAT(warning, HasSubstr("N = 1, T = 128"));
}

TEST(Profiles, DefaultsWhereSizesWouldBeNegative) {
  std::string warning;
  const Graph graph =
      read("graph { input %x: f32[N] input %z: f32[N-5] %y = Relu(%x) output %y output %z }");
  const auto profiles = make_profiles(graph, {}, &warning).value();
  ASSERT_EQ(profiles.size(), 1u);
  EXPECT_EQ(profiles[0].inputs[0].opt, (std::vector<int64_t>{8}));
  EXPECT_EQ(profiles[0].inputs[1].opt, (std::vector<int64_t>{3}));
  const auto plan = build_plan(graph.clone(), {.tune = false});
  ASSERT_TRUE(plan.ok()) << plan.status().message();
  EXPECT_TRUE(verify_plan(*plan).ok());
}

TEST(Profiles, ModelsWithoutUsualSizes) {
  std::string warning;
  const Graph graph =
      read("graph { symbols 0 require N == N+1\n input %x: f32[N] %y = Relu(%x) output %y }");
  EXPECT_TRUE(make_profiles(graph, {}, &warning).value().empty());
  EXPECT_THAT(warning, HasSubstr("no usual sizes"));
}

TEST(Profiles, EqualSizesOfTwoInputs) {
  // Dimension 0 of one input and dimension 1 of the other: the defaults 1 and 128 would contradict.
  const Graph graph =
      read("graph { input %x: f32[N] input %z: f32[2,M] %y = Add(%x, %z) output %y }");
  for (const bool tune : {true, false}) {
    const auto plan = build_plan(graph.clone(), {.threads = 1, .tune = tune});
    ASSERT_TRUE(plan.ok()) << plan.status().message();
  }
}

TEST(Profiles, InputsLeftOutFollow) {
  std::string warning;
  const Graph graph =
      read("graph { input %x: f32[N,3] input %z: f32[2*N] %y = Relu(%x) output %y output %z }");
  const auto profiles =
      make_profiles(graph, {.profiles = {{{"x", {{1, 3}, {4, 3}, {8, 3}}}}}}, &warning).value();
  EXPECT_EQ(profiles[0].inputs[1].min, (std::vector<int64_t>{2}));
  EXPECT_EQ(profiles[0].inputs[1].opt, (std::vector<int64_t>{8}));
  EXPECT_EQ(profiles[0].inputs[1].max, (std::vector<int64_t>{16}));
  EXPECT_EQ(warning, "");
}

TEST(Profiles, Errors) {
  const Graph graph =
      read("graph { input %x: f32[N,3] input %z: f32[N-5] %y = Relu(%x) output %y output %z }");
  EXPECT_THAT(error_of(graph, {{"q", {{1}, {1}, {1}}}}), HasSubstr("use one of: x, z"));
  EXPECT_THAT(error_of(graph, {{"x", {{1}, {1, 3}, {1, 3}}}}), HasSubstr("rank 1"));
  EXPECT_THAT(error_of(graph, {{"x", {{4, 3}, {2, 3}, {8, 3}}}}), HasSubstr("4 <= 2 <= 8"));
  EXPECT_THAT(error_of(graph, {{"x", {{8, 3}, {8, 3}, {7, 3}}}}), HasSubstr("8 <= 8 <= 7"));
  EXPECT_THAT(error_of(graph, {{"x", {{-1, 3}, {8, 3}, {8, 3}}}}), HasSubstr("-1"));
  EXPECT_THAT(error_of(graph, {{"x", {{8, 4}, {8, 4}, {8, 4}}}}), HasSubstr("fixed at 3"));
  EXPECT_THAT(error_of(graph, {{"x", {{1, 3}, {2, 3}, {3, 3}}}}), HasSubstr("input 'z'"));
}

}  // namespace
}  // namespace hone
