#include "importers/onnx/importer_table.h"

#include <algorithm>

#include "base/check.h"

namespace hone::onnx {

namespace {

using RowList = std::vector<ImportRow> (*)();

constexpr RowList kRowLists[] = {
    activation_rows, constant_rows,  conv_rows,  math_rows,      matmul_rows,
    movement_rows,   norm_rows,      pool_rows,  recurrent_rows, reduce_rows,
    resize_rows,     selection_rows, shape_rows, softmax_rows,
};

bool before(const ImportRow& a, const ImportRow& b) {
  return std::string_view(a.op_type) < b.op_type;
}

}  // namespace

Values same_operator(Call& call) { return {call.emit(call.op_type(), call.inputs())}; }

const std::vector<ImportRow>& importer_table() {
  static const std::vector<ImportRow> table = [] {
    std::vector<ImportRow> rows;
    for (RowList list : kRowLists) {
      for (const ImportRow& row : list()) rows.push_back(row);
    }
    std::sort(rows.begin(), rows.end(), before);
    const auto same = [](const ImportRow& a, const ImportRow& b) {
      return std::string_view(a.op_type) == b.op_type;
    };
    HONE_CHECK(std::adjacent_find(rows.begin(), rows.end(), same) == rows.end());
    return rows;
  }();
  return table;
}

const ImportRow* find_row(std::string_view op_type) {
  const auto& table = importer_table();
  const auto at = std::lower_bound(
      table.begin(), table.end(), op_type,
      [](const ImportRow& row, std::string_view name) { return row.op_type < name; });
  return at != table.end() && at->op_type == op_type ? &*at : nullptr;
}

}  // namespace hone::onnx
