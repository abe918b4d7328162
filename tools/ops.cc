// hone ops: Hone's operators, and what importers take.
#include <fmt/core.h>

#include "arguments.h"
#include "command.h"
#include "console.h"
#include "exit_code.h"
#include "importers/onnx/import.h"
#include "importers/tensorflow/import.h"
#include "json.h"
#include "ops/op_def.h"

namespace hone::tools {
namespace {

constexpr const char* kExamples =
    "  hone ops\n"
    "  hone ops --from onnx\n"
    "  hone ops --from tensorflow --markdown\n";

struct Row {
  std::string op, limits;
};

Result<std::vector<Row>> importable(const std::string& from) {
  std::vector<Row> rows;
  if (from == "onnx") {
    for (auto& op : onnx_ops()) rows.push_back({op.op, op.limits});
  } else if (from == "tensorflow") {
    for (auto& op : tf::importable_ops()) rows.push_back({op.op, op.limits});
  } else if (from == "caffe") {
    return Status(Code::kUnsupported, "the Caffe importer is not in this version")
        .fix("convert the model to ONNX");
  } else {
    return Status(Code::kInvalidArgument, fmt::format("--from {} is unknown", from))
        .fix("use --from onnx or --from tensorflow");
  }
  return rows;
}

// Table cells must not hold a bar.
std::string cell(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

std::string rows_text(const std::vector<Row>& rows, bool markdown) {
  if (markdown) {
    std::string text = "| operator | limits |\n|---|---|\n";
    for (const Row& row : rows) text += fmt::format("| {} | {} |\n", row.op, cell(row.limits));
    return text;
  }
  Table table({"operator", "limits"});
  for (const Row& row : rows) table.add_row({row.op, row.limits});
  return table.text() + fmt::format("{} operators\n", rows.size());
}

Json rows_json(const std::vector<Row>& rows) {
  Json json = Json::array();
  for (const Row& row : rows) json.push_back({{"op", row.op}, {"limits", row.limits}});
  return json;
}

std::string count_text(int low, int high) {
  if (low == high) return std::to_string(low);
  return high < 0 ? fmt::format("{}+", low) : fmt::format("{}-{}", low, high);
}

std::string own_text() {
  Table table({"operator", ">inputs", "meaning"});
  for (const OpDef* op : all_ops()) {
    table.add_row({op->name, count_text(op->min_inputs, op->max_inputs), op->summary});
  }
  return table.text();
}

Json own_json() {
  Json json = Json::array();
  for (const OpDef* op : all_ops()) {
    json.push_back({{"op", op->name},
                    {"summary", op->summary},
                    {"min_inputs", op->min_inputs},
                    {"max_inputs", op->max_inputs},
                    {"attributes", attributes_text(op->defaults)},
                    {"pointwise", op->pointwise.has_value()}});
  }
  return json;
}

}  // namespace

Result<int> run_ops(const Words& words) {
  std::string from;
  bool as_json = false, markdown = false;
  Arguments arguments("ops", "Lists Hone's operators, or those of a format that can be imported.",
                      kExamples);
  arguments.option("--from", "FORMAT", &from,
                   "onnx or tensorflow: what can be imported, with limits");
  arguments.flag("--json", &as_json, "as JSON");
  arguments.flag("--markdown", &markdown, "as a Markdown table");
  HONE_ASSIGN_OR_RETURN(const bool go_on, arguments.parse(words));
  if (!go_on) return kExitGood;

  if (from.empty()) {
    print_result(as_json ? json_text(own_json()) : markdown ? operator_table() : own_text());
    return kExitGood;
  }
  HONE_ASSIGN_OR_RETURN(const std::vector<Row> rows, importable(from));
  print_result(as_json ? json_text(rows_json(rows)) : rows_text(rows, markdown));
  return kExitGood;
}

}  // namespace hone::tools
