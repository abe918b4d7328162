// In the steady state nothing is allocated; over many shapes memory stays flat.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "runtime/runtime_test_util.h"

namespace {
std::atomic<int64_t> allocations{0}, live{0};

[[maybe_unused]] void* counted(std::size_t bytes) {
  ++allocations;
  ++live;
  void* memory = std::malloc(bytes > 0 ? bytes : 1);
  if (!memory) throw std::bad_alloc();
  return memory;
}
[[maybe_unused]] void uncounted(void* memory) {
  if (!memory) return;
  --live;
  std::free(memory);
}
}  // namespace

// AddressSanitizer brings allocation functions of its own, and objects made by one kind must not be
// freed by the other: under it nothing is counted and the test below is skipped.
#ifndef __SANITIZE_ADDRESS__
void* operator new(std::size_t bytes) { return counted(bytes); }
void* operator new[](std::size_t bytes) { return counted(bytes); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return counted(bytes); }
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept { return counted(bytes); }
void operator delete(void* memory) noexcept { uncounted(memory); }
void operator delete[](void* memory) noexcept { uncounted(memory); }
void operator delete(void* memory, std::size_t) noexcept { uncounted(memory); }
void operator delete[](void* memory, std::size_t) noexcept { uncounted(memory); }
#endif

namespace hone::runtime_test {
namespace {

// Buffers made once, handed out in every run.
struct Outputs {
  std::vector<std::vector<std::byte>> memory;
  OutputAllocator allocator() {
    return [this](size_t i, const std::vector<int64_t>&, DataType, size_t bytes) -> void* {
      if (memory.size() <= i) memory.resize(i + 1);
      if (memory[i].size() < bytes + 1) memory[i].resize(bytes + 1);
      return memory[i].data();
    };
  }
};

TEST(SteadyState, DoesNotAllocate) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "AddressSanitizer counts its own allocations";
#endif
  for (const int threads : {1, 2}) {
    const Engine engine = load(make_plan(read_graph(kNetwork), {.threads = threads}), threads);
    for (const StepInfo& step : engine.steps()) {
      if (step.tactic == "reference")
        GTEST_SKIP() << "this CPU runs " << step.name << " by the reference";
    }
    ExecutionContext context = engine.create_context();
    std::mt19937 rng(1);
    const std::vector<Tensor> small{random_tensor(rng, {1, 8, 8, 16})},
        large{random_tensor(rng, {3, 8, 8, 16})};
    const std::vector<TensorView> small_views = views_of(small), large_views = views_of(large);
    Outputs outputs;
    const OutputAllocator allocate = outputs.allocator();
    for (const auto* views : {&small_views, &large_views, &small_views})
      ASSERT_TRUE(context.run(*views, allocate).ok());
    const int64_t before = allocations;
    bool good = true;
    for (int i = 0; i < 10; ++i) {
      good = good && context.run(small_views, allocate).ok() &&
             context.run(large_views, allocate).ok();
    }
    EXPECT_EQ(allocations - before, 0) << threads << " threads";
    EXPECT_TRUE(good);
  }
}

// Of a network whose sizes depend on values as well, once these sizes have been seen.
TEST(SteadyState, FoundSizesDoNotAllocate) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "AddressSanitizer counts its own allocations";
#endif
  const Engine engine = load(make_plan(read_graph(R"(graph "found" {
    input %x: f32[N,8]
    input %mask: bool[N]
    const %k: i64[] = [2]
    %rows = Compress(%x, %mask) {axis=0}
    %twice = Add(%rows, %rows)
    %best, %places = TopK(%twice, %k)
    %nonzero = NonZero(%mask)
    output %best as "best"
    output %nonzero as "nonzero"
  })")));
  for (const StepInfo& step : engine.steps()) {
    if (step.tactic == "reference")
      GTEST_SKIP() << "this CPU runs " << step.name << " by the reference";
  }
  ExecutionContext context = engine.create_context();
  std::mt19937 rng(1);
  const std::vector<Tensor> two{random_tensor(rng, {4, 8}),
                                Tensor::from<bool>({4}, {true, false, false, true})};
  const std::vector<Tensor> three{random_tensor(rng, {4, 8}),
                                  Tensor::from<bool>({4}, {true, false, true, true})};
  const std::vector<TensorView> two_views = views_of(two), three_views = views_of(three);
  Outputs outputs;
  const OutputAllocator allocate = outputs.allocator();
  for (const auto* views : {&two_views, &three_views, &two_views})
    ASSERT_TRUE(context.run(*views, allocate).ok());
  const int64_t before = allocations;
  bool good = true;
  for (int i = 0; i < 10; ++i) {
    good = good && context.run(two_views, allocate).ok() && context.run(three_views, allocate).ok();
  }
  EXPECT_EQ(allocations - before, 0);
  EXPECT_TRUE(good);
}

TEST(SteadyState, MemoryIsFlatOverManyShapes) {
  const Engine engine = load(make_plan(read_graph(kNetwork)));
  ExecutionContext context = engine.create_context();
  std::mt19937 rng(2);
  std::vector<std::vector<Tensor>> inputs;
  for (int64_t n = 1; n <= 15; ++n) inputs.push_back({random_tensor(rng, {n, 8, 8, 16})});
  Outputs outputs;
  const OutputAllocator allocate = outputs.allocator();
  int64_t live_after_first = 0, arena_after_first = 0;
  for (int i = 0; i < 300; ++i) {
    ASSERT_TRUE(context.run(views_of(inputs[static_cast<size_t>(i) % 15]), allocate).ok());
    if (i == 29) {
      live_after_first = live;
      arena_after_first = context.arena_bytes();
    }
  }
  // 300 and 30 are the same place in the cycle of 15 shapes.
  EXPECT_EQ(live.load(), live_after_first);
  EXPECT_EQ(context.arena_bytes(), arena_after_first);
}

}  // namespace
}  // namespace hone::runtime_test
