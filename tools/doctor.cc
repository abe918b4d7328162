// hone doctor: what this machine has and Hone can use, with advice.
#include <dlfcn.h>
#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "arguments.h"
#include "base/cpu.h"
#include "base/file.h"
#include "base/text.h"
#include "base/thread_pool.h"
#include "bench_profile.h"
#include "command.h"
#include "console.h"
#include "exit_code.h"
#include "hone/c.h"
#include "tactics/tactic.h"

namespace hone::tools {
namespace {

// Collects lines "title: value" and what to do about them.
struct Findings {
  std::string text;
  std::vector<std::string> advice;

  void section(const char* title) {
    text += fmt::format("{}{}\n", text.empty() ? "" : "\n", title);
  }
  void line(const char* title, const std::string& value) {
    text += fmt::format("  {:<14} {}\n", title, value);
  }
};

std::string kib(int64_t bytes) {
  return bytes > 0 ? human_bytes(static_cast<uint64_t>(bytes)) : "none";
}

void examine_cpu(Findings* findings) {
  const CpuInfo& info = cpu_info();
  const CpuFeatures features = CpuFeatures::detected();
  findings->section("CPU");
  findings->line("model", info.model_name);
  findings->line("features", features.text());
  std::string sets;
  for (const NamedFeatures& named : named_features()) {
    if (features.contains(named.features))
      sets += (sets.empty() ? "" : " ") + std::string(named.name);
  }
  findings->line("targets", sets);
  findings->line("caches", fmt::format("L1d {}, L2 {}, L3 {}", kib(info.l1d_bytes),
                                       kib(info.l2_bytes), kib(info.l3_bytes)));
  findings->line("threads", fmt::format("{} usable CPUs, pool of {}", info.usable_cpus,
                                        ThreadPool::global().size()));
  const int usable = info.usable_cpus;
  const std::string more =
      usable > 1 ? fmt::format(", {:.0f} on {}", peak_gflops(usable), usable) : "";
  findings->line("FP32 peak",
                 fmt::format("{:.0f} GFLOP/s on 1 thread{}, measured now", peak_gflops(1), more));
  const char* max_isa = std::getenv("HONE_MAX_ISA");
  findings->line("HONE_MAX_ISA", max_isa && *max_isa ? max_isa : "not set");
  if (max_isa && *max_isa) {
    findings->advice.push_back(
        fmt::format("HONE_MAX_ISA={} may hide CPU features; unset it for full speed", max_isa));
  }
  if (!features.contains(features_of("avx2"))) {
    findings->advice.push_back(
        "this CPU, or what the virtual machine shows of it, has no AVX2: only the slow reference "
        "kernels run");
  }
}

// A tactic's name has the feature set it needs, then perhaps an operator: "pointwise_avx2_Abs".
// Gives the set and cuts the name after it; null: it runs anywhere.
const NamedFeatures* needed_features(std::string* tactic) {
  for (const NamedFeatures& named : named_features()) {
    const std::string part = std::string("_") + named.name;
    const size_t end = tactic->find(part) + part.size();
    if (tactic->find(part) == std::string::npos) continue;
    if (end < tactic->size() && (*tactic)[end] != '_') continue;  // "_avx512vnni" is not "_avx512"
    tactic->resize(end);
    return &named;
  }
  return nullptr;
}

// "conv_direct_avx2, pointwise_avx2 (52)": how many tactics share the name.
std::string counted(const std::vector<std::string>& names) {
  std::vector<std::string> parts;
  for (size_t i = 0; i < names.size();) {
    size_t end = i;
    while (end < names.size() && names[end] == names[i]) ++end;
    parts.push_back(end - i == 1 ? names[i] : fmt::format("{} ({})", names[i], end - i));
    i = end;
  }
  return join(parts, ", ");
}

void examine_tactics(Findings* findings) {
  const CpuFeatures features = CpuFeatures::detected();
  std::map<std::string, std::vector<std::string>> by_set;
  for (const Tactic* tactic : all_tactics()) {
    std::string name = tactic->name();
    const NamedFeatures* needed = needed_features(&name);
    by_set[needed ? needed->name : ""].push_back(std::move(name));
  }
  findings->section("Tactics");
  for (auto& [set, names] : by_set) {
    std::sort(names.begin(), names.end());
    const bool usable = set.empty() || features.contains(features_of(set));
    findings->line(set.empty() ? "any CPU" : set.c_str(),
                   counted(names) + (usable ? "" : "  (not on this CPU)"));
  }
}

std::string library_path() {
  Dl_info info = {};
  if (::dladdr(reinterpret_cast<const void*>(&hn_main), &info) == 0 || !info.dli_fname) return "";
  std::error_code error;
  const auto path = std::filesystem::canonical(info.dli_fname, error);
  return error ? info.dli_fname : path.string();
}

// "2.21.0" from site-packages/tensorflow_cpu-2.21.0.dist-info; empty if there is none.
std::string tensorflow_version(const std::string& site_packages) {
  const auto names = list_directory(site_packages);
  if (!names.ok()) return "";
  for (const std::string& name : *names) {
    constexpr std::string_view kEnd = ".dist-info";
    const size_t dash = name.find('-');
    if (dash == std::string::npos || !name.ends_with(kEnd)) continue;
    const std::string package = name.substr(0, dash);
    if (package != "tensorflow" && package != "tensorflow_cpu") continue;
    return name.substr(dash + 1, name.size() - dash - 1 - kEnd.size());
  }
  return "";
}

// Wheels put libhone.so into site-packages/hone/lib and the plug-in into
// site-packages/tensorflow-plugins, where TensorFlow loads it from when it is imported.
void examine_libraries(Findings* findings) {
  const std::string library = library_path();
  findings->section("Hone");
  findings->line("version", hn_version());
  findings->line("library", library.empty() ? "not found" : library);
  findings->section("TensorFlow");
  const std::string site_packages = parent_path(parent_path(parent_path(library)));
  const std::string plugin = join_path(site_packages, "tensorflow-plugins/libhone_tf.so");
  const std::string version = tensorflow_version(site_packages);
  findings->line("TensorFlow",
                 version.empty() ? "not in " + site_packages : version + " in " + site_packages);
  const bool has_plugin = file_exists(plugin);
  findings->line("plug-in", plugin + (has_plugin ? "" : "  (not there)"));
  if (!has_plugin) {
    findings->advice.push_back(
        "converted SavedModels need the plug-in: pip install hone-inference into the environment "
        "that has "
        "TensorFlow");
  } else if (version.empty()) {
    findings->advice.push_back(
        "to run converted SavedModels, pip install tensorflow-cpu (2.12 or newer) beside "
        "hone-inference");
  }
}

constexpr const char* kExamples =
    "  hone doctor\n"
    "  HONE_MAX_ISA=avx2 hone doctor\n"
    "  hone doctor --peak 2\n";

Result<int> print_peak(int threads) {
  if (threads < 1 || threads > ThreadPool::kMaxThreads) {
    return Status(Code::kInvalidArgument,
                  fmt::format("--peak is 1 to {}", ThreadPool::kMaxThreads));
  }
  print_result(fmt::format("{:.2f}\n", peak_gflops(threads)));
  return kExitGood;
}

}  // namespace

Result<int> run_doctor(const Words& words) {
  Arguments arguments("doctor", "Shows what this machine has and Hone can use, with advice.",
                      kExamples);
  int peak_threads = 0;
  arguments.option("--peak", "THREADS", &peak_threads,
                   "only measure FP32 FMAs on so many threads: GFLOP/s, for scripts");
  HONE_ASSIGN_OR_RETURN(const bool go_on, arguments.parse(words));
  if (!go_on) return kExitGood;
  if (peak_threads != 0) return print_peak(peak_threads);
  Findings findings;
  examine_cpu(&findings);
  examine_tactics(&findings);
  examine_libraries(&findings);
  findings.section("Advice");
  if (findings.advice.empty()) findings.text += "  none: all is well\n";
  for (const std::string& advice : findings.advice) findings.text += "  - " + advice + "\n";
  print_result(findings.text);
  return kExitGood;
}

}  // namespace hone::tools
