// Loading plans on another machine, by another version, and from strangers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "plan/plan_test_util.h"
#include "runtime/engine_impl.h"
#include "runtime/runtime_test_util.h"

namespace hone::runtime_test {
namespace {

using ::testing::HasSubstr;

bool has_avx2() { return CpuFeatures::detected().contains(features_of("avx2")); }

std::vector<Tensor> network_input() {
  std::mt19937 rng(7);
  return {random_tensor(rng, {2, 8, 8, 16})};
}

void expect_close(const Tensor& a, const Tensor& b) {
  ASSERT_EQ(a.shape(), b.shape());
  for (int64_t i = 0; i < a.num_elements(); ++i)
    ASSERT_NEAR(a.data<float>()[i], b.data<float>()[i], 1e-3);
}

// --- On a machine without the plan's instruction set: this program again, with HONE_MAX_ISA.

// Run by the tests below only.
TEST(LoadChild, DISABLED_AtBaseline) {
  const char* path = std::getenv("HONE_TEST_PLAN");
  ASSERT_NE(path, nullptr);
  const auto engine = Engine::load(path);
  if (std::getenv("HONE_TEST_EXPECT_ERROR")) {
    ASSERT_FALSE(engine.ok());
    EXPECT_EQ(engine.status().code(), Code::kDevice);
    EXPECT_THAT(engine.status().message(), HasSubstr(path));
    EXPECT_THAT(engine.status().message(), HasSubstr("this CPU offers"));
    EXPECT_THAT(engine.status().fix_hint(), HasSubstr("--portable"));
    return;
  }
  ASSERT_TRUE(engine.ok()) << engine.status().message();
  for (const StepInfo& step : engine->steps()) {
    EXPECT_THAT(step.tactic, testing::Not(HasSubstr("avx"))) << step.name;
  }
  ExecutionContext context = engine->create_context();
  const auto got = run(context, network_input());
  ASSERT_TRUE(got.ok()) << got.status().message();
  const std::string expected = read_file(std::string(path) + ".expected").value();
  expect_close(
      (*got)[0],
      Tensor::copy_of(DataType::f32, (*got)[0].shape(), expected.data(), expected.size()).value());
}

int run_child(const std::string& plan, bool expect_error) {
  const pid_t child = fork();
  if (child == 0) {
    setenv("HONE_MAX_ISA", "baseline", 1);
    setenv("HONE_TEST_PLAN", plan.c_str(), 1);
    if (expect_error) setenv("HONE_TEST_EXPECT_ERROR", "1", 1);
    execl("/proc/self/exe", "runtime_tests", "--gtest_filter=LoadChild.*",
          "--gtest_also_run_disabled_tests", static_cast<char*>(nullptr));
    _exit(127);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(Load, AnotherMachine) {
  if (!has_avx2()) GTEST_SKIP() << "needs a CPU with AVX2";
  const std::string path =
      testing::TempDir() + "hone_load_test_" + std::to_string(getpid()) + ".plan";
  const PlanData portable = make_plan(read_graph(kNetwork));
  ASSERT_TRUE(write_file_atomically(path, write_plan(portable).value()).ok());
  const Engine engine = load(portable);
  ExecutionContext context = engine.create_context();
  const Tensor expected = run(context, network_input()).value()[0];
  ASSERT_TRUE(write_file_atomically(path + ".expected",
                                    {static_cast<const char*>(expected.raw()), expected.bytes()})
                  .ok());
  EXPECT_EQ(run_child(path, false), 0);
  ASSERT_TRUE(write_file_atomically(
                  path, write_plan(make_plan(read_graph(kNetwork), {.portable = false})).value())
                  .ok());
  EXPECT_EQ(run_child(path, true), 0);
  std::filesystem::remove(path);
  std::filesystem::remove(path + ".expected");
}

// --- By another version of Hone.

TEST(Load, AnotherTacticVersion) {
  if (!has_avx2()) GTEST_SKIP() << "needs a CPU with AVX2";
  for (const bool portable : {true, false}) {
    PlanData plan = make_plan(read_graph(kNetwork), {.portable = portable});
    for (TunedStep& step : plan.tuned[0].steps) step.version += step.packed_bytes > 0 ? 1 : 0;
    const auto engine = Engine::load_bytes(write_plan(plan).value());
    if (portable) {
      ASSERT_TRUE(engine.ok()) << engine.status().message();
      EXPECT_THAT(engine->impl()->lowered_because, HasSubstr("version"));
      EXPECT_THAT(engine->summary(), HasSubstr("lowered at load"));
    } else {
      ASSERT_FALSE(engine.ok());
      EXPECT_EQ(engine.status().code(), Code::kDevice);
      EXPECT_THAT(engine.status().message(), HasSubstr("version"));
    }
  }
}

TEST(Load, StringsThatAreComputedAreRefused) {
  // Its second part is for AVX-512; the first is foreign as well. What matters: an error, not a
  // crash.
  const auto engine = Engine::load_bytes(write_plan(plan_test::example_plan()).value());
  ASSERT_FALSE(engine.ok());
  EXPECT_THAT(engine.status().message(), HasSubstr("string"));
}

TEST(Load, SecondTunedPartIsUsedWhenTheFirstIsForeign) {
  PlanData plan = make_plan(read_graph(kNetwork), {.portable = false});
  plan.tuned.insert(plan.tuned.begin(), plan.tuned[0]);
  plan.tuned[0].features = "amx_tile";
  if (CpuFeatures::detected().has(CpuFeature::amx_tile)) GTEST_SKIP() << "this CPU has AMX";
  const auto engine = Engine::load_bytes(write_plan(plan).value());
  ASSERT_TRUE(engine.ok()) << engine.status().message();
}

// --- From strangers: no change of the tuned part may crash, at load or at run.

class Mutator {
 public:
  explicit Mutator(unsigned seed) : rng_(seed) {}

  void mutate(PlanData* plan) {
    Tuned& tuned = plan->tuned[0];
    for (size_t n = 1 + pick(3); n-- > 0;) {
      const size_t s = pick(tuned.steps.size());
      change(make_step_desc(plan->portable, plan->portable.steps[s]),
             plan->portable.steps[s].inputs.size(), tuned, &tuned.steps[s]);
    }
  }

 private:
  size_t pick(size_t count) { return count == 0 ? 0 : rng_() % count; }

  void change(const StepDesc& desc, size_t inputs, const Tuned& tuned, TunedStep* step) {
    switch (pick(8)) {
      case 0:
        return use_tactic(desc, tuned, step);
      case 1:
        return change_text(step->configs.empty() ? &step->tactic
                                                 : &step->configs[pick(step->configs.size())]);
      case 2:
        step->replaced_inputs = {pick(inputs)};
        return;
      case 3:
        step->replaced_inputs.push_back(pick(inputs));
        return;
      case 4:
        step->replaced_inputs.clear();
        return;
      case 5:
        step->packed_bytes = pick(3) ? step->packed_bytes + 64 * pick(3) - 64 : 0;
        return;
      case 6:
        step->packed_offset = 64 * pick(tuned.packed_bytes / 64 + 1);
        return;
      case 7:
        *step = TunedStep(tuned.steps[pick(tuned.steps.size())]);
        return;
    }
  }
  // A tactic with everything that goes with it, so that checks further on are reached.
  void use_tactic(const StepDesc& desc, const Tuned& tuned, TunedStep* step) {
    const auto tactics = all_tactics();
    const Tactic& tactic = *tactics[pick(tactics.size())];
    const Target target{CpuFeatures::detected(), 1};
    const std::string_view op_name = tactic.op_name();
    if (op_name != "*" && op_name != desc.op->name) return;
    if (!tactic.can_run(desc, target).ok()) return;
    const auto configs = tactic.candidates(desc, target);
    if (configs.empty()) return;  // none for shapes that are not known
    step->tactic = tactic.name();
    step->version = tactic.version();
    step->configs = {configs[pick(configs.size())]};
    if (pick(2)) change_text(&step->configs[0]);
    if (!tactic.valid_config(desc, target, step->configs[0])) return;
    step->packed_key = tactic.packing_key(desc, step->configs[0]);
    step->packed_bytes = tactic.packed_bytes(desc, target, step->configs[0]);
    step->replaced_inputs =
        step->packed_bytes ? tactic.replaced_inputs(desc) : std::vector<size_t>();
    step->packed_offset = tuned.packed_bytes > step->packed_bytes ? 0 : step->packed_offset;
  }
  void change_text(std::string* text) {
    if (text->empty()) return text->push_back('1');
    switch (pick(4)) {
      case 0:
        text->erase(pick(text->size()), 1);
        return;
      case 1:
        (*text)[pick(text->size())] = static_cast<char>('0' + pick(10));
        return;
      case 2:
        text->insert(pick(text->size()),
                     std::string(1 + pick(12), static_cast<char>('0' + pick(10))));
        return;
      case 3:
        text->insert(pick(text->size()), "-");
        return;
    }
  }

  std::mt19937 rng_;
};

TEST(Load, ChangedTunedPartsNeverCrash) {
  const PlanData plans[] = {make_plan(read_graph(kNetwork)),
                            make_plan(read_graph(kNetwork), {.portable = false}),
                            make_plan(read_graph(kNetwork), {.passes = false})};
  const char* count = std::getenv("HONE_TEST_COUNT");
  const unsigned rounds = count ? std::strtoul(count, nullptr, 10) : 400;
  int refused = 0, lowered = 0, ran = 0;
  for (unsigned seed = 0; seed < rounds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    PlanData plan = plans[seed % 3];
    Mutator(seed).mutate(&plan);
    const auto bytes = write_plan(plan);
    const auto engine =
        bytes.ok() ? Engine::load_bytes(*bytes, {1, false}) : Result<Engine>(bytes.status());
    if (!engine.ok()) {
      ++refused;
      EXPECT_TRUE(engine.status().code() == Code::kPlan || engine.status().code() == Code::kDevice)
          << engine.status().message();
      continue;
    }
    lowered += !engine->impl()->lowered_because.empty();
    ExecutionContext context = engine->create_context();
    const auto result = run(context, network_input());
    EXPECT_TRUE(result.ok()) << result.status().message();
    ++ran;
  }
  EXPECT_GT(refused, 0);
  EXPECT_GT(ran, 0);
  EXPECT_GT(lowered, 0);
}

}  // namespace
}  // namespace hone::runtime_test
