#include "base/cpu.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "base/check.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace hone {
namespace {

using F = CpuFeature;

constexpr const char* kFeatureNames[] = {
    "sse4_2",      "avx",      "avx2",     "fma",      "f16c",        "bmi2",        "avx_vnni",
    "avx512f",     "avx512bw", "avx512dq", "avx512vl", "avx512_vbmi", "avx512_vnni", "avx512_bf16",
    "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16", "amx_fp16",
};
static_assert(std::size(kFeatureNames) == static_cast<size_t>(F::kCount));

constexpr CpuFeatures kAvx2 = {F::sse4_2, F::avx, F::avx2, F::fma, F::f16c, F::bmi2};
constexpr CpuFeatures kAvx512 =
    kAvx2 | CpuFeatures{F::avx512f, F::avx512bw, F::avx512dq, F::avx512vl};
constexpr CpuFeatures kVnni = kAvx512 | CpuFeatures{F::avx512_vnni};
// Every AMX CPU so far has avx512_bf16 as well.
constexpr CpuFeatures kAmx =
    kVnni | CpuFeatures{F::avx512_bf16, F::amx_tile, F::amx_int8, F::amx_bf16};

constexpr NamedFeatures kNamed[] = {
    {"baseline", {}}, {"avx2", kAvx2}, {"avx512", kAvx512}, {"vnni", kVnni}, {"amx", kAmx},
};

std::string valid_names() {
  std::vector<std::string> names;
  for (const auto& row : kNamed) names.emplace_back(row.name);
  return join(names, ", ");
}

#if defined(__x86_64__)

struct Regs {
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};

Regs cpuid(uint32_t leaf, uint32_t subleaf = 0) {
  Regs r;
  __get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx);  // all 0 if not supported
  return r;
}

constexpr bool bit(uint32_t value, int n) { return (value >> n) & 1; }

// Which register files the operating system saves at a task switch.
uint64_t os_saved_state() {
  uint32_t low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t{high} << 32) | low;
}

// Linux gives tile registers on demand, to the whole process. It refuses once some thread has an
// alternate signal stack too small for the larger signal frame.
bool request_amx() {
  constexpr int kArchReqXcompPerm = 0x1023, kXfeatureXtiledata = 18;
  if (syscall(SYS_arch_prctl, kArchReqXcompPerm, kXfeatureXtiledata) == 0) return true;
  log_info("the system refuses AMX to this process ({}); running without", std::strerror(errno));
  return false;
}

CpuFeatures hardware_features() {
  const Regs r1 = cpuid(1), r7 = cpuid(7), r71 = cpuid(7, 1);
  const uint64_t saved = bit(r1.ecx, 27) ? os_saved_state() : 0;
  const bool os_avx = (saved & 0x6) == 0x6;          // XMM, YMM
  const bool os_avx512 = (saved & 0xe6) == 0xe6;     // + opmask, ZMM high halves, ZMM16-31
  const bool os_amx = (saved & 0x60000) == 0x60000;  // tile configuration and data
  const bool avx512 = os_avx512 && bit(r7.ebx, 16);
  const bool amx = os_amx && bit(r7.edx, 24);
  const struct {
    CpuFeature feature;
    bool present;
  } kRows[] = {
      {F::sse4_2, bit(r1.ecx, 20)},
      {F::avx, os_avx && bit(r1.ecx, 28)},
      {F::avx2, os_avx && bit(r7.ebx, 5)},
      {F::fma, os_avx && bit(r1.ecx, 12)},
      {F::f16c, os_avx && bit(r1.ecx, 29)},
      {F::bmi2, bit(r7.ebx, 8)},
      {F::avx_vnni, os_avx && bit(r71.eax, 4)},
      {F::avx512f, avx512},
      {F::avx512bw, avx512 && bit(r7.ebx, 30)},
      {F::avx512dq, avx512 && bit(r7.ebx, 17)},
      {F::avx512vl, avx512 && bit(r7.ebx, 31)},
      {F::avx512_vbmi, avx512 && bit(r7.ecx, 1)},
      {F::avx512_vnni, avx512 && bit(r7.ecx, 11)},
      {F::avx512_bf16, avx512 && bit(r71.eax, 5)},
      {F::avx512_fp16, avx512 && bit(r7.edx, 23)},
      {F::amx_tile, amx},
      {F::amx_int8, amx && bit(r7.edx, 25)},
      {F::amx_bf16, amx && bit(r7.edx, 22)},
      {F::amx_fp16, amx && bit(r71.eax, 21)},
  };
  CpuFeatures features;
  for (const auto& row : kRows) {
    if (row.present) features.add(row.feature);
  }
  return features;
}

void read_model(CpuInfo* info) {
  const Regs r0 = cpuid(0), r1 = cpuid(1);
  const uint32_t vendor[] = {r0.ebx, r0.edx, r0.ecx};
  info->vendor.assign(reinterpret_cast<const char*>(vendor), sizeof vendor);
  info->stepping = static_cast<int>(r1.eax & 0xf);
  info->family = static_cast<int>((r1.eax >> 8) & 0xf);
  info->model = static_cast<int>((r1.eax >> 4) & 0xf);
  if (info->family == 6 || info->family == 15) info->model += (r1.eax >> 12) & 0xf0;
  if (info->family == 15) info->family += (r1.eax >> 20) & 0xff;
  std::string name;
  for (uint32_t leaf = 0x80000002; leaf <= 0x80000004; ++leaf) {
    const Regs r = cpuid(leaf);
    name.append(reinterpret_cast<const char*>(&r), sizeof r);
  }
  info->model_name = trim(name.substr(0, name.find('\0')));
}

#else

bool request_amx() { return false; }
CpuFeatures hardware_features() { return {}; }
void read_model(CpuInfo* info) { info->vendor = info->model_name = "unknown"; }

#endif

void read_caches(CpuInfo* info) {
  const auto size = [](int name) { return std::max<int64_t>(sysconf(name), 0); };
  info->l1d_bytes = size(_SC_LEVEL1_DCACHE_SIZE);  // glibc asks cpuid
  info->l2_bytes = size(_SC_LEVEL2_CACHE_SIZE);
  info->l3_bytes = size(_SC_LEVEL3_CACHE_SIZE);
  if (info->l1d_bytes == 0) info->l1d_bytes = 32 << 10;  // some virtual machines hide them
  if (info->l2_bytes == 0) info->l2_bytes = 512 << 10;
}

int affinity_cpus() {
  // The mask must be as large as the kernel's, which may have more than 1024 CPUs.
  for (int cpus = 1024; cpus <= 1 << 18; cpus *= 4) {
    cpu_set_t* set = CPU_ALLOC(cpus);
    if (set == nullptr) break;
    const size_t bytes = CPU_ALLOC_SIZE(cpus);
    const int count = sched_getaffinity(0, bytes, set) == 0 ? CPU_COUNT_S(bytes, set) : 0;
    CPU_FREE(set);
    if (count > 0) return count;
  }
  return static_cast<int>(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)));
}

// CPUs' worth of time that the control group in `directory` may use; infinity if not limited.
double cgroup_quota(const std::string& directory) {
  double quota = -1, period = -1;
  if (const auto v2 = read_file(directory + "/cpu.max", 256); v2.ok()) {  // "max 100000"
    const auto parts = split(trim(*v2), ' ');
    if (parts.size() == 2) {
      quota = parse_double(parts[0]).value_or(-1);
      period = parse_double(parts[1]).value_or(-1);
    }
  } else {
    const auto number = [&](const char* name) {
      const auto text = read_file(directory + name, 256);
      return text.ok() ? parse_double(trim(*text)).value_or(-1) : -1.0;
    };
    quota = number("/cpu.cfs_quota_us");
    period = number("/cpu.cfs_period_us");
  }
  return quota > 0 && period > 0 ? quota / period : HUGE_VAL;
}

// The least quota of this process's control group and those around it.
double cgroup_cpus() {
  double least = HUGE_VAL;
  const auto groups = read_file("/proc/self/cgroup", 64 << 10);
  if (!groups.ok()) return least;
  for (const std::string_view line : split(*groups, '\n')) {
    const auto parts = split(line, ':');  // id:controllers:path
    if (parts.size() < 3) continue;
    std::string root;
    if (parts[1].empty()) root = "/sys/fs/cgroup";  // version 2
    for (const std::string_view controller : split(parts[1], ',')) {
      if (controller == "cpu") root = "/sys/fs/cgroup/cpu";
    }
    if (root.empty()) continue;
    for (std::string path(parts[2]);; path = path.substr(0, path.rfind('/'))) {
      least = std::min(least, cgroup_quota(root + path));
      if (path.find('/') == std::string::npos) break;
    }
  }
  return least;
}

CpuInfo read_cpu_info() {
  CpuInfo info;
  read_model(&info);
  read_caches(&info);
  info.usable_cpus = affinity_cpus();
  if (const double quota = cgroup_cpus(); quota < info.usable_cpus) {
    info.usable_cpus = std::max(1, static_cast<int>(std::ceil(quota)));
  }
  return info;
}

CpuFeatures detect() {
  CpuFeatures features = hardware_features();
  if (const char* cap = std::getenv("HONE_MAX_ISA"); cap != nullptr && *cap != '\0') {
    const auto row = std::find_if(std::begin(kNamed), std::end(kNamed),
                                  [&](const NamedFeatures& n) { return cap == to_lower(n.name); });
    if (row == std::end(kNamed)) {
      log_warning("HONE_MAX_ISA={} is not an instruction set and is ignored; valid are {}",
                  printable(cap), valid_names());
    } else if (row != std::end(kNamed) - 1) {  // the last row stands for everything
      features = features & row->features;
    }
  }
  if (features.has(F::amx_tile) && !request_amx()) {
    for (F f : {F::amx_tile, F::amx_int8, F::amx_bf16, F::amx_fp16}) features.remove(f);
  }
  return features;
}

}  // namespace

const char* cpu_feature_name(CpuFeature feature) {
  HONE_CHECK(feature < CpuFeature::kCount);
  return kFeatureNames[static_cast<int>(feature)];
}

std::span<const NamedFeatures> named_features() { return kNamed; }

CpuFeatures features_of(std::string_view name) {
  for (const auto& row : kNamed) {
    if (name == row.name) return row.features;
  }
  HONE_CHECK(!"no such set of CPU features");
  return {};
}

std::string CpuFeatures::text() const {
  const NamedFeatures* base = &kNamed[0];
  for (const auto& row : kNamed) {
    if (contains(row.features)) base = &row;
  }
  std::string text = base->name;
  for (int i = 0; i < static_cast<int>(F::kCount); ++i) {
    const auto feature = static_cast<CpuFeature>(i);
    if (has(feature) && !base->features.has(feature)) {
      text += '+';
      text += kFeatureNames[i];
    }
  }
  return text;
}

Result<CpuFeatures> CpuFeatures::parse(std::string_view text) {
  CpuFeatures features;
  for (const std::string_view word : split(text, '+')) {
    const auto row = std::find_if(std::begin(kNamed), std::end(kNamed),
                                  [&](const NamedFeatures& n) { return word == n.name; });
    const auto name = std::find(std::begin(kFeatureNames), std::end(kFeatureNames), word);
    if (word == "native") {
      features = features | detected();
    } else if (row != std::end(kNamed)) {
      features = features | row->features;
    } else if (name != std::end(kFeatureNames)) {
      features.add(static_cast<CpuFeature>(name - std::begin(kFeatureNames)));
    } else {
      return Status(Code::kInvalidArgument,
                    fmt::format("'{}' is not an instruction set", printable(word)))
          .fix(fmt::format("use native, {}, or one of them with single features added ({})",
                           valid_names(),
                           fmt::join(std::begin(kFeatureNames), std::end(kFeatureNames), ", ")));
    }
  }
  return features;
}

CpuFeatures CpuFeatures::detected() {
  static const CpuFeatures kDetected = detect();
  return kDetected;
}

const CpuInfo& cpu_info() {
  static const CpuInfo* const kInfo = new CpuInfo(read_cpu_info());
  return *kInfo;
}

const std::string& cpu_signature() {
  static const std::string* const kSignature = [] {
    const CpuInfo& info = cpu_info();
    auto* text = new std::string(fmt::format("{}; {}-{}-{}; {}; L1d {} L2 {} L3 {}",
                                             printable(info.model_name), info.family, info.model,
                                             info.stepping, CpuFeatures::detected().text(),
                                             info.l1d_bytes, info.l2_bytes, info.l3_bytes));
    std::replace(text->begin(), text->end(), '|', '/');
    return text;
  }();
  return *kSignature;
}

}  // namespace hone
