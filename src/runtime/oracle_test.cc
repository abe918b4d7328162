// Whole plans against the reference evaluator: random graphs, any batch size, any number of
// threads.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <thread>

#include "graph/evaluate.h"
#include "hone/engine.h"
#include "runtime/any_order_test_util.h"
#include "runtime/random_graph_test_util.h"

namespace hone::runtime_test {
namespace {

// Each operator sums at most 9 * 24 products; layers do not amplify (see RandomGraph::weights),
// sums of two values at most double the error and the value. 2e-5 per operator covers 216 roundings
// of 6e-8 and Winograd.
void expect_close(const std::vector<Tensor>& got, const std::vector<Tensor>& expected, int ops,
                  const std::string& what) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_EQ(got[i].shape(), expected[i].shape()) << what << " output " << i;
    const float* a = got[i].data<float>();
    const float* b = expected[i].data<float>();
    float scale = 1;
    for (int64_t k = 0; k < got[i].num_elements(); ++k) scale = std::max(scale, std::abs(b[k]));
    for (int64_t k = 0; k < got[i].num_elements(); ++k) {
      ASSERT_NEAR(a[k], b[k], 2e-5 * ops * scale) << what << " output " << i << " element " << k;
    }
  }
}

void check_seed(unsigned seed, const PlanOptions& options, bool found_sizes = false) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  RandomGraph random(seed, found_sizes);
  SCOPED_TRACE(print_graph(random.graph(), {.inline_constants = 4, .provenance = false}));
  if (testing::Test::HasFailure()) return;
  const Graph reference = random.graph().clone();
  const Engine engine = load(make_plan(std::move(random.graph()), options));
  ExecutionContext context = engine.create_context();
  for (const int64_t batch : {2, 1, 0, 3, 2}) {
    RandomGraph same(seed, found_sizes);
    const std::vector<Tensor> inputs = same.inputs(batch);
    const auto expected = evaluate_graph(reference, inputs);
    ASSERT_TRUE(expected.ok()) << expected.status().message();
    const auto got = run_any_order(context, inputs);
    ASSERT_TRUE(got.ok()) << got.status().message() << "\n" << engine.summary();
    expect_close(*got, *expected, random.ops() + 1, "batch " + std::to_string(batch));
    if (testing::Test::HasFatalFailure()) {
      ADD_FAILURE() << engine.summary();
      return;
    }
  }
}

// HONE_TEST_SEED=n runs one graph; HONE_TEST_COUNT=n runs n of them.
TEST(Oracle, RandomGraphs) {
  if (const char* seed = std::getenv("HONE_TEST_SEED"))
    return check_seed(std::strtoul(seed, nullptr, 10), {});
  const char* count = std::getenv("HONE_TEST_COUNT");
  const unsigned graphs = count ? std::strtoul(count, nullptr, 10) : 600;
  for (unsigned seed = 0; seed < graphs && !HasFailure(); ++seed) {
    check_seed(seed, {.passes = seed % 3 != 0, .portable = seed % 2 == 0});
  }
}

// The same with stages: values cross their borders in every way.
TEST(Oracle, RandomGraphsOfFoundSizes) {
  if (const char* seed = std::getenv("HONE_TEST_SEED"))
    return check_seed(std::strtoul(seed, nullptr, 10), {}, true);
  for (unsigned seed = 5000; seed < 5300 && !HasFailure(); ++seed) {
    check_seed(seed, {.passes = seed % 3 != 0, .portable = seed % 2 == 0}, true);
  }
}

TEST(Oracle, RandomGraphsTuned) {
  for (unsigned seed = 1000; seed < 1006 && !HasFailure(); ++seed)
    check_seed(seed, {.tune = true, .portable = false});
}

TEST(Oracle, SameBitsForAnyNumberOfThreads) {
  for (const bool passes : {true, false}) {
    const PlanData plan = make_plan(read_graph(kNetwork), {.passes = passes, .threads = 2});
    std::mt19937 rng(3);
    const std::vector<Tensor> inputs{random_tensor(rng, {3, 8, 8, 16})};
    std::vector<std::vector<Tensor>> results;
    for (const int threads : {1, 2, 4}) {
      const Engine engine = load(plan, threads);
      ExecutionContext context = engine.create_context();
      results.push_back(run(context, inputs).value());
    }
    EXPECT_TRUE(results[0] == results[1]);
    EXPECT_TRUE(results[0] == results[2]);
  }
}

TEST(Oracle, ManyShapesBackAndForth) {
  const Graph graph = read_graph(kNetwork);
  const Engine engine = load(make_plan(graph.clone()));
  ExecutionContext context = engine.create_context();
  std::mt19937 rng(4);
  std::vector<std::vector<Tensor>> inputs, results;
  for (int64_t n = 0; n < 12; ++n) inputs.push_back({random_tensor(rng, {n, 8, 8, 16})});
  for (const auto& input : inputs) {
    ExecutionContext fresh = engine.create_context();
    results.push_back(run(fresh, input).value());
  }
  for (int i = 0; i < 60; ++i) {
    const size_t n = i < 12 ? static_cast<size_t>(11 - i) : rng() % 12;
    EXPECT_TRUE(run(context, inputs[n]).value() == results[n]) << "run " << i << " batch " << n;
  }
}

TEST(Oracle, ContextsOfManyThreads) {
  const Engine engine = load(make_plan(read_graph(kNetwork), {.threads = 2}), 2);
  std::mt19937 rng(5);
  std::vector<std::vector<Tensor>> inputs, results;
  for (int64_t n = 1; n <= 3; ++n) {
    inputs.push_back({random_tensor(rng, {n, 8, 8, 16})});
    ExecutionContext context = engine.create_context();
    results.push_back(run(context, inputs.back()).value());
  }
  std::vector<int> wrong(16, 0);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&, t] {
      ExecutionContext context = engine.create_context();
      for (size_t i = 0; i < 6; ++i) {
        const size_t which = (t + i) % inputs.size();
        const auto got = run(context, inputs[which]);
        wrong[t] += !got.ok() || !(*got == results[which]);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(16, 0));
}

}  // namespace
}  // namespace hone::runtime_test
