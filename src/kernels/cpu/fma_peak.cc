#include "kernels/cpu/fma_peak.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace hone::cpu {
namespace {

constexpr int kRounds = 20, kLoops = 10000, kFmasPerLoop = 12;

// Twelve chains: two units of four cycles need eight of them. Inline assembly, for compilers fuse
// and drop what has no effect; zeros, for denormals would be slow.
void fmas_avx2() {
#if defined(__x86_64__)
// clang-format off
#define HONE_FMA(r, d) "vfmadd231ps %%" r "15,%%" r "15,%%" r #d "\n"
#define HONE_TWELVE(r)                                                                      \
  HONE_FMA(r, 0) HONE_FMA(r, 1) HONE_FMA(r, 2) HONE_FMA(r, 3) HONE_FMA(r, 4) HONE_FMA(r, 5) \
  HONE_FMA(r, 6) HONE_FMA(r, 7) HONE_FMA(r, 8) HONE_FMA(r, 9) HONE_FMA(r, 10) HONE_FMA(r, 11)
#define HONE_CLOBBERED                                                                         \
  "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", \
      "xmm11", "xmm15"
  // clang-format on
  asm volatile("vzeroall" ::: HONE_CLOBBERED, "xmm12", "xmm13", "xmm14");
  for (int i = 0; i < kLoops; i++) asm volatile(HONE_TWELVE("ymm")::: HONE_CLOBBERED);
  asm volatile("vzeroupper");
#endif
}

void fmas_avx512() {
#if defined(__x86_64__)
  asm volatile("vzeroall" ::: HONE_CLOBBERED, "xmm12", "xmm13", "xmm14");
  for (int i = 0; i < kLoops; i++) asm volatile(HONE_TWELVE("zmm")::: HONE_CLOBBERED);
  asm volatile("vzeroupper");
#endif
}

using Clock = std::chrono::steady_clock;

// Threads that begin each round together.
class Race {
 public:
  explicit Race(int threads) : threads_(threads), seconds_(static_cast<size_t>(threads)) {}

  // One thread's part of a round; the last to arrive starts it.
  void run(void (*work)(), int thread) {
    const int round = round_.load(std::memory_order_acquire);
    if (arrived_.fetch_add(1) + 1 == threads_) {
      arrived_ = 0;
      round_.fetch_add(1, std::memory_order_release);
    }
    while (round_.load(std::memory_order_acquire) == round) std::this_thread::yield();
    const auto begin = Clock::now();
    work();
    seconds_[static_cast<size_t>(thread)] =
        std::chrono::duration<double>(Clock::now() - begin).count();
  }
  double slowest() const { return *std::max_element(seconds_.begin(), seconds_.end()); }

 private:
  int threads_;
  std::atomic<int> arrived_{0}, round_{0};
  std::vector<double> seconds_;
};

}  // namespace

double fma_peak_flops(Isa isa, int threads) {
  if (isa == Isa::kPortable) return 0;
  const int lanes = isa == Isa::kAvx512 ? 16 : 8;
  void (*work)() = isa == Isa::kAvx512 ? fmas_avx512 : fmas_avx2;
  const double flop = 2.0 * lanes * kFmasPerLoop * kLoops * threads;
  Race race(threads), end(threads);
  double best = 0;
  const auto rounds = [&](int thread) {
    for (int round = 0; round < kRounds; round++) {
      race.run(work, thread);
      end.run([] {}, thread);
      if (thread == 0) best = std::max(best, flop / race.slowest());
      end.run([] {}, thread);
    }
  };
  std::vector<std::thread> others;
  for (int thread = 1; thread < threads; thread++) others.emplace_back(rounds, thread);
  rounds(0);
  for (std::thread& other : others) other.join();
  return best;
}

}  // namespace hone::cpu
