// Flattening to a matrix.
#pragma once

#include "importers/onnx/call.h"

namespace hone::onnx {

// `value` as [product of dims before axis, product of the others]; axis in [0, rank].
Value* flatten_to_matrix(Call& call, Value* value, int64_t axis);

}  // namespace hone::onnx
