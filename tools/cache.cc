// hone cache: timing caches.
#include <fmt/core.h>

#include <cstdio>

#include "arguments.h"
#include "base/file.h"
#include "base/text.h"
#include "command.h"
#include "console.h"
#include "exit_code.h"
#include "json.h"
#include "tune/timing_cache.h"

namespace hone::tools {
namespace {

constexpr const char* kExamples =
    "  hone cache list machine.timing\n"
    "  hone cache verify machine.timing\n"
    "  hone cache clear machine.timing\n";
constexpr size_t kMaxCacheBytes = size_t{1} << 28;  // as TimingCache

// A missing file is an empty cache for a build, but not for who names one here.
Status verify(const std::string& path, TimingCache* cache) {
  if (!file_exists(path)) return Status(Code::kIo, "there is no such file").at(path);
  return cache->open(path);
}

// One line per entry; keys are "cpu|threads|step|tactic@version|config".
Result<std::string> list(const std::string& path) {
  HONE_ASSIGN_OR_RETURN(const std::string text, read_file(path, kMaxCacheBytes));
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  Table table({">ms", ">threads", "tactic", "config", "step"});
  std::string cpu;
  for (const auto& [key, milliseconds] : json["entries"].items()) {
    const auto parts = split(key, '|');
    if (parts.size() < 5) {
      table.add_row(
          {fmt::format("{:.4f}", milliseconds.get<double>()), "", "", "", printable(key)});
      continue;
    }
    // The step may have bars of its own; the parts around it have none.
    const size_t begin = parts[0].size() + parts[1].size() + 2;
    const size_t end = key.size() - parts.back().size() - parts[parts.size() - 2].size() - 2;
    table.add_row({fmt::format("{:.4f}", milliseconds.get<double>()), printable(parts[1]),
                   printable(parts[parts.size() - 2]), printable(parts.back()),
                   printable(key.substr(begin, end - begin), 100)});
    if (cpu.find(parts[0]) == std::string::npos)
      cpu += fmt::format("cpu {}\n", printable(parts[0]));
  }
  return cpu + table.text();
}

}  // namespace

Result<int> run_cache(const Words& words) {
  std::string action, path;
  Arguments arguments("cache", "Lists, verifies or clears a timing cache.", kExamples);
  arguments.positional("ACTION", &action, "list, verify or clear");
  arguments.positional("FILE", &path, "the timing cache");
  HONE_ASSIGN_OR_RETURN(const bool go_on, arguments.parse(words));
  if (!go_on) return kExitGood;

  if (action != "list" && action != "verify" && action != "clear") {
    return Status(Code::kInvalidArgument, fmt::format("'{}' is no action", printable(action)))
        .fix("use list, verify or clear");
  }
  TimingCache cache;
  HONE_RETURN_IF_ERROR(verify(path, &cache));  // also before clearing: never delete another file
  if (action == "verify") {
    print_result(fmt::format("{}: good, {} entries\n", path, cache.size()));
  } else if (action == "list") {
    HONE_ASSIGN_OR_RETURN(const std::string text, list(path));
    print_result(text);
  } else {
    if (std::remove(path.c_str()) != 0) return Status(Code::kIo, "cannot delete the file").at(path);
    std::remove((path + ".lock").c_str());
    print_error(fmt::format("{}: {} entries deleted\n", path, cache.size()));
  }
  return kExitGood;
}

}  // namespace hone::tools
