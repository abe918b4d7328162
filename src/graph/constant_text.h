// Elements of constants in text. Internal to text.cc and parse.cc.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/tensor.h"
#include "hone/status.h"

namespace hone {

// "a \"quoted\" name": quotes, backslashes and control bytes escaped.
std::string quoted(std::string_view text);

// One numeric element so that element_from_text() gives back its very bits: "1", "-0", "0.1",
// "inf", "nan", "nan(0x7fc00001)" (bits), "true".
std::string element_text(const Tensor& tensor, int64_t index);
// Writes the element to `out` (dtype_size bytes). kModel: not a number of this type, out of range.
Status element_from_text(DataType dtype, std::string_view text, void* out);

// "[1, 2, 3]", strings included.
std::string elements_text(const Tensor& tensor);
// All elements have the same bits and there is at least one; not strings.
bool all_elements_equal(const Tensor& tensor);
// REQUIRES: owned, not strings.
void fill_random(uint64_t seed, Tensor* tensor);

}  // namespace hone
