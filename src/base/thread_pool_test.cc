#include "base/thread_pool.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>
#include <vector>

#include "base/busy_times.h"

namespace hone {
namespace {

#if defined(__SANITIZE_THREAD__)
constexpr int kRounds = 300;
#else
constexpr int kRounds = 3000;
#endif

// Every item exactly once, ranges cut at multiples of the grain, worker numbers in range.
void check_job(ThreadPool* pool, int threads, int64_t items, int64_t grain) {
  std::vector<int> count(items, 0);  // plain ints: TSan sees two threads at one item
  std::atomic<int> in_use[256] = {};
  std::atomic<bool> good{true};
  pool->parallel_for(
      threads, items,
      [&](int64_t begin, int64_t end, int worker) {
        if (worker < 0 || worker >= threads || in_use[worker].fetch_add(1) != 0) good = false;
        if (begin % grain != 0 || (end % grain != 0 && end != items) || begin >= end) good = false;
        for (int64_t i = begin; i < end; ++i) ++count[i];
        in_use[worker].fetch_sub(1);
      },
      grain);
  ASSERT_TRUE(good);
  ASSERT_EQ(std::count(count.begin(), count.end(), 1), items);
}

TEST(ThreadPool, EveryItemOnce) {
  ThreadPool pool(3);
  for (const int64_t items : {0, 1, 2, 3, 7, 16, 17, 1000, 4097}) {
    for (const int threads : {1, 2, 3, 4, 100}) {
      for (const int64_t grain : {1, 2, 5, 64, 5000}) check_job(&pool, threads, items, grain);
    }
  }
}

TEST(ThreadPool, HugeItemCountsDoNotOverflow) {
  ThreadPool pool(1);
  std::atomic<int64_t> sum{0};
  const auto body = [&](int64_t begin, int64_t end, int) { sum += end - begin; };
  pool.parallel_for(2, ThreadPool::kMaxItems, body);
  EXPECT_EQ(sum.load(), ThreadPool::kMaxItems);
  sum = 0;
  pool.parallel_for(2, ThreadPool::kMaxItems, body, ThreadPool::kMaxItems - 1);
  EXPECT_EQ(sum.load(), ThreadPool::kMaxItems);
}

TEST(ThreadPool, WithoutWorkersTheCallerDoesAll) {
  ThreadPool pool(0);
  EXPECT_EQ(pool.size(), 1);
  check_job(&pool, 4, 100, 1);
}

TEST(ThreadPool, WorkersDoHelp) {
  ThreadPool pool(2);
  // Each range waits until three threads are inside at once.
  std::atomic<int> inside{0};
  pool.parallel_for(3, 3, [&](int64_t, int64_t, int) {
    inside.fetch_add(1);
    while (inside.load() < 3) std::this_thread::yield();
  });
  EXPECT_EQ(inside.load(), 3);
}

TEST(ThreadPool, NestedCallsRunInline) {
  ThreadPool pool(3);
  std::atomic<int> total{0};
  std::atomic<bool> good{true};
  pool.parallel_for(4, 16, [&](int64_t begin, int64_t end, int) {
    const auto outer = std::this_thread::get_id();
    for (int64_t i = begin; i < end; ++i) {
      pool.parallel_for(4, 10, [&](int64_t b, int64_t e, int worker) {
        if (std::this_thread::get_id() != outer || worker != 0) good = false;
        total += static_cast<int>(e - b);
      });
    }
  });
  EXPECT_EQ(total.load(), 160);
  EXPECT_TRUE(good);
}

TEST(ThreadPool, BusyWorkersHoldNobodyUp) {
  ThreadPool pool(1);
  std::atomic<bool> worker_busy{false}, release{false};
  std::thread other([&] {
    // Two ranges: one keeps the only worker until we say so.
    pool.parallel_for(2, 2, [&](int64_t, int64_t, int worker) {
      if (worker == 1) worker_busy = true;
      while (worker == 0 ? !worker_busy.load() : !release.load()) std::this_thread::yield();
    });
  });
  while (!worker_busy) std::this_thread::yield();
  for (int i = 0; i < 100; ++i) check_job(&pool, 2, 50, 1);  // would hang if it waited for it
  release = true;
  other.join();
}

TEST(ThreadPool, ManyCallersAtOnce) {
  ThreadPool pool(3);
  std::vector<std::thread> callers;
  for (int c = 0; c < 16; ++c) {
    callers.emplace_back([&pool, c] {
      for (int i = 0; i < kRounds / 10; ++i) check_job(&pool, 1 + (c + i) % 5, 1 + (c * i) % 97, 1);
    });
  }
  for (auto& t : callers) t.join();
}

TEST(ThreadPool, MoreCallersThanSlots) {
  ThreadPool pool(2);
  std::atomic<int> inside{0};
  std::vector<std::thread> callers;
  for (int c = 0; c < 80; ++c) {
    callers.emplace_back([&] {
      std::atomic<bool> first{true};
      pool.parallel_for(2, 8, [&](int64_t, int64_t, int worker) {
        if (worker != 0 || !first.exchange(false)) return;
        inside.fetch_add(1);
        while (inside.load() < 80) std::this_thread::yield();  // all 80 jobs open at once
      });
    });
  }
  for (auto& t : callers) t.join();
  EXPECT_EQ(inside.load(), 80);
}

TEST(ThreadPool, SleepsAndWakes) {
  ThreadPool pool(2);
  for (int i = 0; i < 30; ++i) {
    check_job(&pool, 3, 100, 1);
    std::this_thread::sleep_for(std::chrono::microseconds(i * 20));  // around the spin time
  }
}

TEST(ThreadPool, ShortJobsInSequence) {
  ThreadPool pool(3);
  int64_t sum = 0;
  for (int i = 0; i < kRounds; ++i) {
    int64_t part[4] = {};
    pool.parallel_for(4, 8, [&](int64_t begin, int64_t end, int worker) {
      for (int64_t k = begin; k < end; ++k) part[worker] += k;
    });
    sum += part[0] + part[1] + part[2] + part[3];
  }
  EXPECT_EQ(sum, int64_t{28} * kRounds);
}

int num_threads() {
  return static_cast<int>(
      std::distance(std::filesystem::directory_iterator("/proc/self/task"), {}));
}

TEST(ThreadPool, StartsNoThreadBeforeItIsNeeded) {
  const int before = num_threads();
  {
    ThreadPool pool(3);
    EXPECT_EQ(num_threads(), before);
    pool.parallel_for(1, 100, [](int64_t, int64_t, int) {});
    EXPECT_EQ(num_threads(), before);
    pool.parallel_for(2, 100, [](int64_t, int64_t, int) {});
    EXPECT_EQ(num_threads(), before + 3);
  }
}

TEST(ThreadPool, SurvivesFork) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "TSan does not support threads in a child of fork()";
#endif
  ThreadPool& pool = ThreadPool::global();
  check_job(&pool, 8, 1000, 1);
  for (int round = 0; round < 3; ++round) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      alarm(20);  // a hang ends as a signal
      ThreadPool& fresh = ThreadPool::global();
      std::atomic<int64_t> sum{0};
      for (int i = 0; i < 100; ++i) {
        fresh.parallel_for(8, 1000, [&](int64_t b, int64_t e, int) { sum += e - b; });
      }
      const bool threads = num_threads() == fresh.size();
      _exit(sum == 100000 && &fresh != &pool && threads ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
    check_job(&pool, 8, 1000, 1);
  }
  EXPECT_EQ(&ThreadPool::global(), &pool);
}

TEST(ThreadPool, BusyTimesAreOfTheJobsOfOneThread) {
  using std::chrono::milliseconds;
  ThreadPool pool(1);
  BusyTimes times(2);
  const auto busy = [&times] {
    BusyTimes::Clock::duration sum{0};
    for (const BusyTimes::Worker& worker : times.workers()) sum += worker.busy;
    return sum;
  };
  const auto work = [](int64_t begin, int64_t end, int) {
    std::this_thread::sleep_for(milliseconds(2 * (end - begin)));
  };
  const auto start = BusyTimes::Clock::now();
  pool.parallel_for(2, 4, work);
  pool.parallel_for(2, 2, work);
  const auto end = BusyTimes::Clock::now();
  EXPECT_GE(busy(), milliseconds(12));
  EXPECT_LE(busy(), 2 * (end - start));
  for (const BusyTimes::Worker& worker : times.workers()) {
    if (worker.busy.count() == 0) continue;
    EXPECT_GE(worker.begin, start);
    EXPECT_LE(worker.end, end);
    EXPECT_LE(worker.busy, worker.end - worker.begin);
  }
  times.reset();
  EXPECT_EQ(busy().count(), 0);
  // Inside a body nothing is counted twice; another thread's jobs are not counted.
  pool.parallel_for(1, 1, [&](int64_t, int64_t, int) { pool.parallel_for(2, 2, work); });
  EXPECT_LT(busy(), milliseconds(1000));
  EXPECT_GE(busy(), milliseconds(4));
  times.reset();
  std::thread([&] { pool.parallel_for(2, 4, work); }).join();
  EXPECT_EQ(busy().count(), 0);
}

// Not a check: prints what a fork-join costs here with the worker awake.
TEST(ThreadPool, ForkJoinTime) {
  ThreadPool pool(1);
  std::vector<double> times;
  for (int i = 0; i < kRounds; ++i) {
    const auto start = std::chrono::steady_clock::now();
    pool.parallel_for(2, 2, [](int64_t, int64_t, int) {});
    times.push_back(
        std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start)
            .count());
  }
  std::sort(times.begin(), times.end());
  std::printf("fork-join: median %.2f us, p95 %.2f us\n", times[times.size() / 2],
              times[times.size() * 95 / 100]);
}

}  // namespace
}  // namespace hone
