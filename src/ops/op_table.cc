// The operator table for the documentation, from the records.
#include <fmt/format.h>

#include "ops/op_def.h"

namespace hone {
namespace {

std::string count_text(int low, int high) {
  if (low == high) return std::to_string(low);
  return high < 0 ? fmt::format("{}+", low) : fmt::format("{}-{}", low, high);
}

// Table cells must not hold a bar.
std::string cell(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

std::string operator_table() {
  std::string out =
      "| operator | inputs | attributes with defaults | meaning |\n|---|---|---|---|\n";
  for (const OpDef* op : all_ops()) {
    const std::string attributes = attributes_text(op->defaults);
    const bool none = attributes == "{}";
    out += fmt::format("| {}{} | {} | {} | {} |\n", op->name, op->pointwise ? " (p)" : "",
                       count_text(op->min_inputs, op->max_inputs),
                       none ? "" : "`" + cell(attributes.substr(1, attributes.size() - 2)) + "`",
                       cell(op->summary));
  }
  out += "\n(p): pointwise, may be part of a program.\n";
  return out;
}

}  // namespace hone
