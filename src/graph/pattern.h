// Small questions that passes ask about values. All take null and then answer no.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "graph/graph.h"

namespace hone {

// The node that makes `value`, if it is a plain `op_name` (no epilogue); else null.
Node* producer(const Value* value, std::string_view op_name);

// The one node that reads `value`, if it is an `op_name`, reads it once, and `value` is no graph
// output.
Node* single_user(const Value* value, std::string_view op_name);

// Input 0 of the plain `op_name` nodes above `value`, as far up as there are any: skip(v,
// "Identity").
const Value* skip(const Value* value, std::string_view op_name);
Value* skip(Value* value, std::string_view op_name);

// A constant of one element, any rank. Its value goes to `scalar` if that is not null.
bool is_scalar_constant(const Value* value, double* scalar = nullptr);

// The value that all elements of a constant have; nothing for other values or no elements. A NaN
// equals nothing.
std::optional<double> splat_value(const Value* value);

// The same, also of a value that is filled, expanded, reshaped or transposed at run time.
std::optional<double> filled_value(const Value* value);

// All elements of a numeric constant, converted; nothing for other values.
std::optional<std::vector<double>> constant_as_doubles(const Value* value);
std::optional<std::vector<float>> constant_as_floats(const Value* value);
std::optional<std::vector<int64_t>> constant_as_int64s(const Value* value);

}  // namespace hone
