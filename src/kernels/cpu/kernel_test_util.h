// Shared by the kernel tests: buffers between guard pages, the instruction sets to test, seeds.
#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

#include "kernels/cpu/isa.h"

namespace hone::cpu {

// `count` elements with an inaccessible page directly behind them (at_end) or directly before them:
// a kernel that touches one byte outside on that side crashes the test.
template <class T>
class GuardedBuffer {
 public:
  GuardedBuffer(int64_t count, bool at_end) {
    const int64_t page = sysconf(_SC_PAGESIZE);
    const int64_t bytes = count * static_cast<int64_t>(sizeof(T));
    const int64_t inner = (bytes + page - 1) / page * page + (bytes == 0 ? page : 0);
    size_ = static_cast<size_t>(inner + 2 * page);
    void* map = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) std::abort();
    base_ = static_cast<char*>(map);
    mprotect(base_, static_cast<size_t>(page), PROT_NONE);
    mprotect(base_ + page + inner, static_cast<size_t>(page), PROT_NONE);
    data_ = reinterpret_cast<T*>(at_end ? base_ + page + inner - bytes : base_ + page);
    count_ = count;
  }
  ~GuardedBuffer() { munmap(base_, size_); }
  GuardedBuffer(const GuardedBuffer&) = delete;
  GuardedBuffer& operator=(const GuardedBuffer&) = delete;

  T* data() { return data_; }
  int64_t size() const { return count_; }
  T& operator[](int64_t i) { return data_[i]; }

 private:
  char* base_;
  size_t size_;
  T* data_;
  int64_t count_;
};

inline const char* isa_name(Isa isa) {
  return isa == Isa::kAvx512 ? "avx512" : isa == Isa::kAvx2 ? "avx2" : "portable";
}

// Every instruction set this machine can run; says which ones it cannot.
inline std::vector<Isa> testable_isas() {
  std::vector<Isa> isas;
  for (const Isa isa : {Isa::kPortable, Isa::kAvx2, Isa::kAvx512}) {
    if (cpu_has(isa)) {
      isas.push_back(isa);
    } else {
      std::printf("[   note   ] %s is not tested natively: the CPU lacks it\n", isa_name(isa));
    }
  }
  return isas;
}

// HONE_TEST_SEED repeats a failing run.
inline unsigned test_seed() {
  const char* text = std::getenv("HONE_TEST_SEED");
  const unsigned seed = text != nullptr ? static_cast<unsigned>(std::strtoul(text, nullptr, 10))
                                        : std::random_device{}();
  std::printf("[   seed   ] HONE_TEST_SEED=%u\n", seed);
  return seed;
}

}  // namespace hone::cpu
