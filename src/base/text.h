// Small string helpers. None of them depends on the locale.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hone {

// The parts of `text` between `separator`s, empty ones included: split("a,,b", ',') has 3 parts,
// split("", ',') one empty part. The views point into `text`.
std::vector<std::string_view> split(std::string_view text, char separator);

// `text` without blanks (space, tab, CR, LF) at both ends.
std::string_view trim(std::string_view text);

std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::string join(const std::vector<std::string_view>& parts, std::string_view separator);

// "512 B", "1.5 KiB", "12.0 GiB".
std::string human_bytes(uint64_t bytes);

// All of `text` as a decimal integer / floating-point number (also "inf", "nan"); nothing if it is
// anything else or does not fit.
std::optional<int64_t> parse_int64(std::string_view text);
std::optional<double> parse_double(std::string_view text);

// "12", "512KiB", "1.5GiB", "2GB" (1000-based without the i), case-insensitive; bytes.
std::optional<uint64_t> parse_bytes(std::string_view text);

std::string to_lower(std::string_view text);  // ASCII only

// `text` fit for one line of a message: control and non-ASCII bytes as \xNN, at most `max` bytes of
// it, then "...". For names that come from foreign files.
std::string printable(std::string_view text, size_t max = 200);

}  // namespace hone
