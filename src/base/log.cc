#include "base/log.h"

#define SPDLOG_FMT_EXTERNAL
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_color_sinks.h>

#include <cstdlib>
#include <memory>

namespace hone {
namespace {

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
    case LogLevel::kOff:
      break;
  }
  return spdlog::level::off;
}

// Leaked, so that threads may still log while the process ends. Not in spdlog's registry: nothing
// of it is visible to, or changed by, another user of spdlog in the process.
spdlog::logger* make_logger() {
  auto* logger =
      new spdlog::logger("hone", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
  logger->set_pattern("%n: %^%l%$: %v");
  logger->set_level(spdlog::level::warn);
  const char* wanted = std::getenv("HONE_LOG");
  if (wanted == nullptr || *wanted == '\0') return logger;
  const std::string_view name = wanted;
  for (const auto& [word, level] : {std::pair{"debug", LogLevel::kDebug},
                                    {"info", LogLevel::kInfo},
                                    {"warn", LogLevel::kWarning},
                                    {"warning", LogLevel::kWarning},
                                    {"error", LogLevel::kError},
                                    {"off", LogLevel::kOff}}) {
    if (name == word) {
      logger->set_level(to_spdlog(level));
      return logger;
    }
  }
  logger->warn("HONE_LOG={} is not a level; valid are debug, info, warn, error, off", name);
  return logger;
}

spdlog::logger& logger() {
  static spdlog::logger* const instance = make_logger();
  return *instance;
}

}  // namespace

bool log_enabled(LogLevel level) { return logger().should_log(to_spdlog(level)); }

void log_message(LogLevel level, std::string_view message) {
  logger().log(to_spdlog(level), "{}", message);
}

void set_log_level(LogLevel level) { logger().set_level(to_spdlog(level)); }

}  // namespace hone
