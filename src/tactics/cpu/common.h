// What the CPU tactics share: choosing the instruction set, configurations as text, layouts.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "kernels/cpu/isa.h"
#include "tactics/tactic.h"

namespace hone {

// "avx2", "avx512".
const char* isa_name(cpu::Isa isa);
CpuFeatures isa_features(cpu::Isa isa);
// Yes if the target has the instruction set, else "needs avx512".
Verdict target_has(const Target& target, cpu::Isa isa);

// Yes if all tensors of the step are f32, else which one is not. `first`: inputs from here on.
Verdict all_f32(const StepDesc& step);

// Yes unless a tactic before this one in the list can run the step: for general ones, which are
// slower and need not be timed then.
Verdict unless_done_before(const Tactic& tactic, const StepDesc& step, const Target& target);

// "key=value key=value" with non-negative integers. Values that are 0 may be left out.
class ConfigText {
 public:
  ConfigText() = default;
  // nullopt if `text` has another form.
  static std::optional<ConfigText> parse(std::string_view text);
  void set(const std::string& key, int64_t value) { values_[key] = value; }
  int64_t get(const std::string& key) const;
  std::string text() const;  // keys sorted

 private:
  std::map<std::string, int64_t> values_;
};

inline constexpr size_t kCacheLine = 64;
inline size_t round_up_to_line(size_t bytes) {
  return (bytes + kCacheLine - 1) / kCacheLine * kCacheLine;
}

// Strides of `layout` as seen by a tensor of rank `rank` and shape `shape` that it is broadcast to:
// 0 where its dimension is 1 or missing.
void broadcast_strides(const TensorLayout& layout, int rank, const int64_t* shape,
                       int64_t* strides);

// Element counts or sizes as int64 when all dimensions are numbers; nullopt otherwise.
std::optional<std::vector<int64_t>> concrete(const Shape& shape);

}  // namespace hone
