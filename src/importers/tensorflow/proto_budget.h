// The memory that tensors of one file may take beyond the file itself.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace hone::tf {

// Thread-safe. A tensor whose bytes are used where they lie in the file costs nothing; one that
// must be expanded (a value that repeats, typed value lists, strings) costs its size, once.
class ExpansionBudget {
 public:
  static constexpr int64_t kMin = int64_t{256} << 20;
  static constexpr int64_t kPerByte = 8;

  explicit ExpansionBudget(size_t file_bytes)
      : left_(kMin + kPerByte * static_cast<int64_t>(file_bytes)) {}

  // False: the bound would be passed (and nothing is taken).
  bool take(int64_t bytes) {
    int64_t left = left_.load(std::memory_order_relaxed);
    do {
      if (bytes > left) return false;
    } while (!left_.compare_exchange_weak(left, left - bytes, std::memory_order_relaxed));
    return true;
  }

 private:
  std::atomic<int64_t> left_;
};

}  // namespace hone::tf
