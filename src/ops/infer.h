// Helpers for the type inference functions of operators.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ops/op_def.h"

namespace hone {

// `axis` in [-rank, rank) -> [0, rank). Errors: kModel.
Result<int> resolve_axis(int64_t axis, size_t rank);
// The same for a list without duplicates; sorted.
Result<std::vector<int>> resolve_axes(const std::vector<int64_t>& axes, size_t rank);

// Errors: kModel unless input i has a dtype that `accept` takes. `what`: "a floating point type".
Status require_dtype(const InferContext& context, size_t i, bool (*accept)(DataType),
                     const char* what);
Status require_rank(const InferContext& context, size_t i, size_t rank);
bool is_any_dtype(DataType dtype);
// Floating point or integer, but not u64, which int64 arithmetic would take for negative.
bool is_number(DataType dtype);

// The elements of input i (an integer vector or scalar) as expressions. Elements may be
// Dim::invalid() (not known); nothing when none is known.
std::optional<std::vector<Dim>> element_dims(const InferContext& context, size_t i);
// The number of elements of input i (rank <= 1). Errors: kModel for another rank, kUnsupported if
// it is not a constant, for it gives the rank of the result.
Result<int64_t> vector_length(const InferContext& context, size_t i, const char* what);
// All elements of input i, one by one invalid() where not known. Errors as vector_length.
Result<std::vector<Dim>> vector_dims(const InferContext& context, size_t i, const char* what);
// `dim`, or a fresh symbol if it is invalid.
Dim or_fresh(const Dim& dim, InferContext& context);

// Values worth keeping: at most kMaxDimValues elements, of an integer dtype, not all unknown.
DimValues keep_values(DataType dtype, std::vector<Dim> values);
// Applies `move` to the elements of input i, if they are known and their shape is a constant: the
// operator's own reference evaluator runs on element numbers, so that movement of values is defined
// once. Inputs 1... must be constants.
DimValues moved_values(const InferContext& context, Status (*evaluate)(EvalContext&),
                       const TensorType& output);

}  // namespace hone
