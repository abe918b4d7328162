// What this CPU can do, and how much of it this process may use. Everything is found once, on first
// use, and cached; any thread.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "hone/status.h"

namespace hone {

// One bit each; plans store names, not these numbers.
enum class CpuFeature : uint8_t {
  sse4_2,
  avx,
  avx2,
  fma,
  f16c,
  bmi2,
  avx_vnni,
  avx512f,
  avx512bw,
  avx512dq,
  avx512vl,
  avx512_vbmi,
  avx512_vnni,
  avx512_bf16,
  avx512_fp16,
  amx_tile,
  amx_int8,
  amx_bf16,
  amx_fp16,
  kCount,
};

const char* cpu_feature_name(CpuFeature feature);  // the enumerator's name

class CpuFeatures {
 public:
  constexpr CpuFeatures() = default;  // none: plain x86-64
  constexpr CpuFeatures(std::initializer_list<CpuFeature> features) {
    for (CpuFeature f : features) bits_ |= bit(f);
  }

  constexpr bool has(CpuFeature f) const { return (bits_ & bit(f)) != 0; }
  constexpr bool contains(CpuFeatures other) const { return (other.bits_ & ~bits_) == 0; }
  constexpr void add(CpuFeature f) { bits_ |= bit(f); }
  constexpr void remove(CpuFeature f) { bits_ &= ~bit(f); }
  constexpr CpuFeatures operator|(CpuFeatures o) const { return CpuFeatures(bits_ | o.bits_); }
  constexpr CpuFeatures operator&(CpuFeatures o) const { return CpuFeatures(bits_ & o.bits_); }
  friend constexpr bool operator==(CpuFeatures, CpuFeatures) = default;

  // The largest named set inside, then the other features: "baseline", "avx2", "avx2+avx_vnni".
  std::string text() const;
  // Reads what text() writes: names of sets and features joined by '+'; "native" is detected().
  // kInvalidArgument lists the valid names.
  static Result<CpuFeatures> parse(std::string_view text);

  // What this CPU and operating system offer (registers saved by the OS; for AMX the permission is
  // asked for here, and refused means absent), cut down to HONE_MAX_ISA if that is set.
  static CpuFeatures detected();

 private:
  constexpr explicit CpuFeatures(uint64_t bits) : bits_(bits) {}
  static constexpr uint64_t bit(CpuFeature f) { return uint64_t{1} << static_cast<int>(f); }
  uint64_t bits_ = 0;
};

struct NamedFeatures {
  const char* name;      // baseline, avx2, avx512, vnni, amx
  CpuFeatures features;  // each row contains the rows before it
};
std::span<const NamedFeatures> named_features();
// The set of that name; REQUIRES: it is in the table. For code: features_of("avx2").
CpuFeatures features_of(std::string_view name);

struct CpuInfo {
  std::string vendor;      // "AuthenticAMD"
  std::string model_name;  // "AMD EPYC 7763 64-Core Processor"
  int family = 0, model = 0, stepping = 0;
  int64_t l1d_bytes = 0, l2_bytes = 0;  // per core
  int64_t l3_bytes = 0;                 // one L3, shared by several cores; 0 if none
  int usable_cpus = 1;  // affinity mask and cgroup quota (rounded up) taken into account
};
const CpuInfo& cpu_info();

// Names the hardware in timing caches: model, stepping, detected features, cache sizes. One line,
// no '|' or newline.
const std::string& cpu_signature();

}  // namespace hone
