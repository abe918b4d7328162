// stdout and stderr: results go to the first, progress and messages to the second.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hone::tools {

void print_result(std::string_view text);  // stdout
// 0, or the errno of the first result that could not be written: a full disk shows only when
// stdout's buffer is.
int flush_results();
void print_error(std::string_view text);  // stderr; clears a progress bar first
bool stderr_is_terminal();

// Draws (empty: removes) the one line of the progress bar. Does nothing unless stderr is a
// terminal.
void draw_status_line(std::string_view line);

// A table for people: columns as wide as their widest cell, two blanks between them. A column is
// right-aligned when its title begins with '>', which is not printed.
class Table {
 public:
  explicit Table(std::vector<std::string> titles);
  void add_row(std::vector<std::string> cells);  // REQUIRES: as many as titles
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;  // the titles first
  std::vector<bool> right_;
};

// At most `width` bytes: the beginning and "...".
std::string shortened(std::string_view text, size_t width);

}  // namespace hone::tools
