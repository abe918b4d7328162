// Messages for people, on stderr. The level comes from HONE_LOG (debug, info, warn, error, off;
// default warn), read once. Any thread. Arguments are not formatted when the level is off.
//   log_warning("{}: {} bytes ignored", path, n);
#pragma once

#include <fmt/core.h>

#include <string_view>
#include <utility>

namespace hone {

enum class LogLevel { kDebug = 0, kInfo, kWarning, kError, kOff };

bool log_enabled(LogLevel level);
void log_message(LogLevel level, std::string_view message);
// Overrides HONE_LOG (command line, tests).
void set_log_level(LogLevel level);

template <class... Args>
void log_debug(fmt::format_string<Args...> format, Args&&... args) {
  if (log_enabled(LogLevel::kDebug))
    log_message(LogLevel::kDebug, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_info(fmt::format_string<Args...> format, Args&&... args) {
  if (log_enabled(LogLevel::kInfo))
    log_message(LogLevel::kInfo, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_warning(fmt::format_string<Args...> format, Args&&... args) {
  if (log_enabled(LogLevel::kWarning))
    log_message(LogLevel::kWarning, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace hone
