// The same function in FP64: what the rounding of a network's own precision is judged against.
#pragma once

#include "graph/graph.h"

namespace hone {

// Attributes whose dtypes that `is_old` accepts are `dtype` instead: what a Cast casts to.
Attributes replace_dtypes(Attributes attributes, bool (*is_old)(DataType), DataType dtype);
Result<Tensor> cast_tensor(const Tensor& tensor, DataType dtype);

// Floating point tensors as f64; others as they are, sharing their bytes.
Result<Tensor> widen_floats(const Tensor& tensor);

// A copy of `graph` in which every floating point input, constant, result and dtype attribute is
// f64, whatever it was: a Cast to f16 rounds no more. Names, order and integers stay. Needs twice
// the bytes of f32 constants. Errors: an operator does not take f64, with the node.
Result<Graph> widen_floats(const Graph& graph);

}  // namespace hone
