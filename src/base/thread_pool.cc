// How a job runs.
//
// A pool has 64 permanent job slots. A caller takes a free slot (a bit of `active_`), writes what
// the job is, and publishes it in the slot's `word`: generation | seats | remaining. One
// compare-and-swap on the word claims a chunk (remaining - 1) and, the first time, a seat (seats -
// 1), which is the worker's number. So whoever got a chunk, and nobody else, holds up the caller,
// and only then reads the rest of the slot; a worker that looked and was then preempted holds up no
// one. `done` counts finished chunks; the caller returns when all are.
//
// Sleep is a futex on `epoch_`. A worker raises `sleepers_` before its last look at the slots; a
// caller publishes before it reads `sleepers_` (both sequentially consistent): one sees the other.
#include "base/thread_pool.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <climits>
#include <csignal>
#include <memory>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include "base/busy_times.h"
#include "base/check.h"
#include "base/cpu.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace hone {
namespace {

constexpr int kSlots = 64;
constexpr auto kSpinTime = std::chrono::microseconds(50);
constexpr int kChunksPerThread = 4;  // a preempted worker keeps at most 1/4 of its share

void pause() {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

// True while the thread runs a body: a parallel_for from there runs inline.
thread_local bool t_inside = false;
// Null unless this thread profiles.
thread_local BusyTimes* t_busy_times = nullptr;

// Returns true if another thread's futex_wake woke us.
bool futex_wait(std::atomic<uint32_t>* word, uint32_t expected) {
  static_assert(sizeof(*word) == 4 && std::atomic<uint32_t>::is_always_lock_free);
  return syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, nullptr, nullptr, 0) == 0;
}

int futex_wake(std::atomic<uint32_t>* word, int count) {
  const long woken = syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, nullptr, nullptr, 0);
  return woken > 0 ? static_cast<int>(woken) : 0;
}

// Calls `done` until it is true (returns true) or kSpinTime is over (false).
template <class F>
bool spin_until(F done) {
  if (done()) return true;
  const auto end = std::chrono::steady_clock::now() + kSpinTime;
  do {
    for (int i = 0; i < 32; ++i) {  // 32 pauses: 0.4 us (Skylake: 1.4 us)
      if (done()) return true;
      pause();
    }
  } while (std::chrono::steady_clock::now() < end);
  return false;
}

// generation : 28 | seats : 8 | remaining chunks : 28
constexpr int kRemainingBits = 28, kSeatBits = 8;
constexpr int64_t kMaxChunks = (int64_t{1} << kRemainingBits) - 1;
constexpr uint64_t kOneSeat = uint64_t{1} << kRemainingBits;
uint32_t remaining_of(uint64_t word) { return static_cast<uint32_t>(word & kMaxChunks); }
uint32_t seats_of(uint64_t word) {
  return static_cast<uint32_t>(word >> kRemainingBits) & ((1u << kSeatBits) - 1);
}
uint64_t generation_of(uint64_t word) { return word >> (kRemainingBits + kSeatBits); }
uint64_t make_word(uint64_t generation, uint32_t seats, uint32_t remaining) {
  return (generation << (kRemainingBits + kSeatBits)) | (uint64_t{seats} << kRemainingBits) |
         remaining;
}

constexpr uint32_t kCallerSleeps = 1u << 31;  // in Slot::done

struct Job {
  const ThreadPool::Body* body;
  int64_t items, chunk_items;
  uint32_t chunks;
  uint32_t seats;
};

struct alignas(64) Slot {
  std::atomic<uint64_t> word{0};
  Job job{};  // written by the slot's owner while remaining == 0, read by holders of a chunk
  alignas(64) std::atomic<uint32_t> done{0};
};

void run_chunk(const Job& job, uint32_t remaining, int worker) {
  const int64_t begin = static_cast<int64_t>(job.chunks - remaining) * job.chunk_items;
  (*job.body)(begin, begin + std::min(job.items - begin, job.chunk_items), worker);
}

}  // namespace

struct ThreadPool::State {
  explicit State(int workers) : workers_wanted(workers) {}

  alignas(64) std::atomic<uint64_t> active_{0};  // bit i: slot i belongs to a caller
  alignas(64) std::atomic<uint32_t> epoch_{0};   // futex; bumped to wake sleepers
  alignas(64) std::atomic<int> sleepers_{0};     // workers asleep or about to be
  std::atomic<int> spinners_{0};                 // workers looking for work
  alignas(64) std::atomic<bool> started_{false};
  std::atomic<bool> stop_{false};
  const int workers_wanted;
  std::mutex start_mutex_;
  std::vector<pthread_t> threads_;
  Slot slots_[kSlots];

  void start();
  void worker_loop(int index);
  bool help(int offset);
  bool help_slot(Slot* slot);
  bool work_available() const;
  void sleep();
  Slot* take_slot();
  void wake(int wanted);
  void wait_done(Slot* slot, uint32_t chunks);
};

void ThreadPool::State::start() {
  std::lock_guard lock(start_mutex_);
  if (started_.load(std::memory_order_relaxed)) return;
  // Signals are for the program's own threads.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  struct Argument {
    State* state;
    int index;
  };
  for (int i = 0; i < workers_wanted; ++i) {
    auto argument = std::make_unique<Argument>(Argument{this, i});
    pthread_t thread;
    const int error = pthread_create(
        &thread, nullptr,
        [](void* p) -> void* {
          std::unique_ptr<Argument> a(static_cast<Argument*>(p));
          a->state->worker_loop(a->index);
          return nullptr;
        },
        argument.get());
    if (error != 0) break;  // a thread limit: we do with fewer, the caller alone if need be
    argument.release();
    threads_.push_back(thread);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  started_.store(true, std::memory_order_release);
}

void ThreadPool::State::worker_loop(int index) {
  pthread_setname_np(pthread_self(), "hone-worker");
  t_inside = true;
  while (!stop_.load(std::memory_order_acquire)) {
    if (help(index)) continue;
    spinners_.fetch_add(1, std::memory_order_relaxed);
    const bool found =
        spin_until([&] { return work_available() || stop_.load(std::memory_order_relaxed); });
    spinners_.fetch_sub(1, std::memory_order_relaxed);
    if (!found) sleep();
  }
}

// Works on some job until it has no chunks left; false if there was none to work on. Workers begin
// to look at different slots, so that several jobs share them evenly.
bool ThreadPool::State::help(int offset) {
  const uint64_t active = active_.load(std::memory_order_acquire);
  if (active == 0) return false;
  const int first = offset % kSlots;
  for (uint64_t mask = std::rotr(active, first); mask != 0; mask &= mask - 1) {
    if (help_slot(&slots_[(std::countr_zero(mask) + first) % kSlots])) return true;
  }
  return false;
}

bool ThreadPool::State::help_slot(Slot* slot) {
  uint64_t word = slot->word.load(std::memory_order_acquire);
  do {
    if (remaining_of(word) == 0 || seats_of(word) == 0) return false;
  } while (!slot->word.compare_exchange_weak(word, word - kOneSeat - 1, std::memory_order_acq_rel,
                                             std::memory_order_acquire));
  // From here to the last fetch_add the caller waits for us, so the job cannot change.
  const Job job = slot->job;
  const uint64_t generation = generation_of(word);
  const int worker = static_cast<int>(job.seats - seats_of(word)) + 1;
  uint32_t finished = 0;
  for (uint32_t remaining = remaining_of(word); remaining > 0;) {
    run_chunk(job, remaining, worker);
    ++finished;
    word = slot->word.load(std::memory_order_relaxed);
    do {
      remaining = generation_of(word) == generation ? remaining_of(word) : 0;
    } while (remaining > 0 &&
             !slot->word.compare_exchange_weak(word, word - 1, std::memory_order_acq_rel,
                                               std::memory_order_relaxed));
  }
  const uint32_t before = slot->done.fetch_add(finished, std::memory_order_acq_rel);
  // The slot may belong to another job now; a wake too many does no harm.
  if ((before & kCallerSleeps) && (before & ~kCallerSleeps) + finished == job.chunks) {
    futex_wake(&slot->done, 1);
  }
  return true;
}

bool ThreadPool::State::work_available() const {
  for (uint64_t mask = active_.load(std::memory_order_seq_cst); mask != 0; mask &= mask - 1) {
    const uint64_t word = slots_[std::countr_zero(mask)].word.load(std::memory_order_seq_cst);
    if (remaining_of(word) > 0 && seats_of(word) > 0) return true;
  }
  return false;
}

void ThreadPool::State::sleep() {
  sleepers_.fetch_add(1, std::memory_order_seq_cst);
  const uint32_t epoch = epoch_.load(std::memory_order_seq_cst);
  const bool rest = !work_available() && !stop_.load(std::memory_order_seq_cst);
  // Whoever wakes us takes us off `sleepers_`; then a burst of jobs does not wake one thread twice.
  if (!rest || !futex_wait(&epoch_, epoch)) sleepers_.fetch_sub(1, std::memory_order_seq_cst);
}

void ThreadPool::State::wake(int wanted) {
  const int sleeping = sleepers_.load(std::memory_order_seq_cst);
  if (sleeping <= 0) return;
  wanted = std::min(wanted - spinners_.load(std::memory_order_relaxed), sleeping);
  if (wanted <= 0) return;
  epoch_.fetch_add(1, std::memory_order_seq_cst);
  const int woken = futex_wake(&epoch_, wanted);
  if (woken > 0) sleepers_.fetch_sub(woken, std::memory_order_seq_cst);
}

// A free slot, now ours; null if 64 callers are at work already.
Slot* ThreadPool::State::take_slot() {
  uint64_t active = active_.load(std::memory_order_relaxed);
  while (~active != 0) {
    const int free = std::countr_one(active);
    if (active_.compare_exchange_weak(active, active | (uint64_t{1} << free),
                                      std::memory_order_acq_rel, std::memory_order_relaxed)) {
      return &slots_[free];
    }
  }
  return nullptr;
}

void ThreadPool::State::wait_done(Slot* slot, uint32_t chunks) {
  const auto finished = [&] { return slot->done.load(std::memory_order_acquire) == chunks; };
  if (spin_until(finished)) return;
  // A worker was preempted in the middle of a chunk.
  uint32_t done = slot->done.fetch_or(kCallerSleeps, std::memory_order_acq_rel) | kCallerSleeps;
  while ((done & ~kCallerSleeps) != chunks) {
    futex_wait(&slot->done, done);
    done = slot->done.load(std::memory_order_acquire);
  }
}

ThreadPool::ThreadPool(int workers)
    : state_(std::make_unique<State>(std::clamp(workers, 0, kMaxThreads - 1))) {}

ThreadPool::~ThreadPool() {
  HONE_CHECK(state_->active_.load() == 0);
  state_->stop_.store(true, std::memory_order_seq_cst);
  state_->epoch_.fetch_add(1, std::memory_order_seq_cst);
  futex_wake(&state_->epoch_, INT_MAX);
  for (const pthread_t thread : state_->threads_) pthread_join(thread, nullptr);
}

int ThreadPool::size() const { return state_->workers_wanted + 1; }

BusyTimes::BusyTimes(int threads) : workers_(static_cast<size_t>(threads)) {
  HONE_CHECK(t_busy_times == nullptr);
  t_busy_times = this;
}
BusyTimes::~BusyTimes() { t_busy_times = nullptr; }

void BusyTimes::reset() { std::fill(workers_.begin(), workers_.end(), Worker{}); }

// No lock: worker numbers differ between the threads of a job.
void BusyTimes::add(int worker, Clock::time_point begin, Clock::time_point end) {
  if (static_cast<size_t>(worker) >= workers_.size()) return;
  Worker& w = workers_[static_cast<size_t>(worker)];
  if (w.busy.count() == 0) w.begin = begin;
  w.end = end;
  w.busy += end - begin;
}

void ThreadPool::parallel_for(int max_threads, int64_t items, Body body, int64_t grain) {
  if (items <= 0) return;
  HONE_CHECK(max_threads >= 1 && grain >= 1 && items <= kMaxItems);
  if (t_busy_times != nullptr) {
    BusyTimes* times = std::exchange(t_busy_times, nullptr);
    const auto timed = [times, &body](int64_t begin, int64_t end, int worker) {
      const auto start = BusyTimes::Clock::now();
      body(begin, end, worker);
      times->add(worker, start, BusyTimes::Clock::now());
    };
    parallel_for(max_threads, items, timed, grain);
    t_busy_times = times;
    return;
  }
  State& state = *state_;
  const int threads = std::min({max_threads, size(), kMaxThreads});
  Slot* slot = nullptr;
  if (threads > 1 && items > grain && !t_inside) slot = state.take_slot();
  if (slot == nullptr) {
    const bool was_inside = std::exchange(t_inside, true);
    body(0, items, 0);
    t_inside = was_inside;
    return;
  }
  const int64_t grains = (items - 1) / grain + 1;
  const int64_t wanted = std::min<int64_t>(int64_t{threads} * kChunksPerThread, kMaxChunks);
  const int64_t chunk_items = ((grains - 1) / wanted + 1) * grain;
  const auto chunks = static_cast<uint32_t>((items - 1) / chunk_items + 1);
  const auto seats = static_cast<uint32_t>(std::min<int64_t>(threads - 1, chunks - 1));
  slot->job = {&body, items, chunk_items, chunks, seats};
  slot->done.store(0, std::memory_order_relaxed);
  const uint64_t generation = generation_of(slot->word.load(std::memory_order_relaxed)) + 1;
  // The first chunk is claimed for the caller right here.
  slot->word.store(make_word(generation, seats, chunks - 1), std::memory_order_seq_cst);
  if (!state.started_.load(std::memory_order_acquire)) state.start();
  state.wake(static_cast<int>(seats));

  t_inside = true;
  const Job& job = slot->job;
  uint32_t finished = 0;
  for (uint32_t remaining = chunks; remaining > 0;) {
    run_chunk(job, remaining, 0);
    ++finished;
    uint64_t word = slot->word.load(std::memory_order_relaxed);
    do {
      remaining = remaining_of(word);
    } while (remaining > 0 &&
             !slot->word.compare_exchange_weak(word, word - 1, std::memory_order_acq_rel,
                                               std::memory_order_relaxed));
  }
  t_inside = false;
  slot->done.fetch_add(finished, std::memory_order_acq_rel);
  state.wait_done(slot, chunks);
  state.active_.fetch_and(~(uint64_t{1} << (slot - state.slots_)), std::memory_order_release);
}

namespace {

std::atomic<ThreadPool*> g_pool{nullptr};

// Only the forking thread exists in the child. The old pool's memory is given up, its threads are
// gone, and its mutex may be held by one of them.
void forget_pool_in_child() { g_pool.store(nullptr, std::memory_order_relaxed); }

}  // namespace

ThreadPool& ThreadPool::global() {
  ThreadPool* pool = g_pool.load(std::memory_order_acquire);
  if (pool != nullptr) return *pool;
  static const int kRegistered = pthread_atfork(nullptr, nullptr, forget_pool_in_child);
  HONE_CHECK(kRegistered == 0);
  auto* fresh = new ThreadPool(cpu_info().usable_cpus - 1);
  if (g_pool.compare_exchange_strong(pool, fresh, std::memory_order_acq_rel,
                                     std::memory_order_acquire)) {
    return *fresh;
  }
  delete fresh;  // another thread was first; no worker has been started yet
  return *pool;
}

}  // namespace hone
