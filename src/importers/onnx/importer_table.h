// The table of ONNX operators. To add one: its function and row in the file of its subject; a new
// file needs a line here and one in importer_table.cc.
#pragma once

#include <string_view>
#include <vector>

#include "importers/onnx/call.h"

namespace hone::onnx {

// Returns the values of the outputs, in order; outputs at the end may be left out, which is
// reported where the model uses them.
using ImportFunction = Values (*)(Call&);

struct ImportRow {
  const char* op_type;
  ImportFunction function;
  int min_inputs = 1;
  int max_inputs = 1;       // -1: any number
  int64_t since = 1;        // opset in which the operator first appears
  const char* limits = "";  // what of it cannot be imported
};

// For operators that Hone has with the same name, inputs and meaning, and without attributes.
Values same_operator(Call& call);

std::vector<ImportRow> activation_rows();
std::vector<ImportRow> constant_rows();
std::vector<ImportRow> conv_rows();
std::vector<ImportRow> math_rows();
std::vector<ImportRow> matmul_rows();
std::vector<ImportRow> movement_rows();
std::vector<ImportRow> norm_rows();
std::vector<ImportRow> pool_rows();
std::vector<ImportRow> recurrent_rows();
std::vector<ImportRow> reduce_rows();
std::vector<ImportRow> resize_rows();
std::vector<ImportRow> selection_rows();
std::vector<ImportRow> shape_rows();
std::vector<ImportRow> softmax_rows();

// All rows, sorted by operator. Made once, on first use; thread-safe.
const std::vector<ImportRow>& importer_table();
const ImportRow* find_row(std::string_view op_type);  // null if there is none

}  // namespace hone::onnx
