#include "console.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "base/check.h"

namespace hone::tools {
namespace {

// The command line is used from one thread.
bool line_drawn = false;
int result_error = 0;  // errno of the first write to stdout that failed

void write_to(std::FILE* file, std::string_view text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (!written && file == stdout && result_error == 0) result_error = errno;
}

}  // namespace

void print_result(std::string_view text) {
  draw_status_line("");
  write_to(stdout, text);
}

int flush_results() {
  if (std::fflush(stdout) != 0 && result_error == 0) result_error = errno;
  return result_error;
}

void print_error(std::string_view text) {
  draw_status_line("");
  write_to(stderr, text);
}

bool stderr_is_terminal() {
  static const bool terminal = ::isatty(STDERR_FILENO) == 1;
  return terminal;
}

void draw_status_line(std::string_view line) {
  if (!stderr_is_terminal() || (line.empty() && !line_drawn)) return;
  write_to(stderr, "\r\x1b[K");  // to the first column, clear the line
  write_to(stderr, line);
  std::fflush(stderr);
  line_drawn = !line.empty();
}

Table::Table(std::vector<std::string> titles) {
  for (std::string& title : titles) {
    const bool right = !title.empty() && title[0] == '>';
    right_.push_back(right);
    if (right) title.erase(0, 1);
  }
  rows_.push_back(std::move(titles));
}

void Table::add_row(std::vector<std::string> cells) {
  HONE_CHECK(cells.size() == right_.size());
  rows_.push_back(std::move(cells));
}

std::string Table::text() const {
  std::vector<size_t> widths(right_.size(), 0);
  for (const auto& row : rows_) {
    for (size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
  }
  std::string text;
  for (const auto& row : rows_) {
    std::string line;
    for (size_t c = 0; c < row.size(); ++c) {
      const std::string blanks(widths[c] - row[c].size(), ' ');
      if (c > 0) line += "  ";
      line += right_[c] ? blanks + row[c] : row[c] + blanks;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string shortened(std::string_view text, size_t width) {
  if (text.size() <= width) return std::string(text);
  return std::string(text.substr(0, width - 3)) + "...";
}

}  // namespace hone::tools
