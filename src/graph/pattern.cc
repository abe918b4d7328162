#include "graph/pattern.h"

#include <algorithm>

namespace hone {

Node* producer(const Value* value, std::string_view op_name) {
  Node* node = value ? value->producer() : nullptr;
  return node && node->is(op_name) && node->epilogue().empty() ? node : nullptr;
}

Node* single_user(const Value* value, std::string_view op_name) {
  if (!value || !value->has_single_use()) return nullptr;
  Node* node = value->uses()[0].node;
  return node->is(op_name) ? node : nullptr;
}

const Value* skip(const Value* value, std::string_view op_name) {
  while (const Node* node = producer(value, op_name)) {
    if (!node->input(0)) break;
    value = node->input(0);
  }
  return value;
}

Value* skip(Value* value, std::string_view op_name) {
  return const_cast<Value*>(skip(static_cast<const Value*>(value), op_name));
}

bool is_scalar_constant(const Value* value, double* scalar) {
  if (!value || !value->constant()) return false;
  const auto elements = value->constant()->as_doubles(1);
  if (!elements || elements->size() != 1) return false;
  if (scalar) *scalar = elements->front();
  return true;
}

std::optional<double> splat_value(const Value* value) {
  const auto elements = constant_as_doubles(value);
  if (!elements || elements->empty()) return std::nullopt;
  const double first = elements->front();
  const bool same = std::all_of(elements->begin(), elements->end(),
                                [first](double element) { return element == first; });
  return same ? std::optional(first) : std::nullopt;
}

std::optional<double> filled_value(const Value* value) {
  for (const Node* node = value ? value->producer() : nullptr; node; node = value->producer()) {
    if (!node->epilogue().empty()) return std::nullopt;
    const bool moves = node->is("Reshape") || node->is("Unsqueeze") || node->is("Squeeze") ||
                       node->is("Expand") || node->is("Transpose");
    if (!moves && !node->is("Fill")) return std::nullopt;
    value = node->input(node->is("Fill") ? 1 : 0);
  }
  return splat_value(value);
}

std::optional<std::vector<double>> constant_as_doubles(const Value* value) {
  return value && value->constant() ? value->constant()->as_doubles() : std::nullopt;
}

std::optional<std::vector<float>> constant_as_floats(const Value* value) {
  const auto elements = constant_as_doubles(value);
  if (!elements) return std::nullopt;
  return std::vector<float>(elements->begin(), elements->end());
}

std::optional<std::vector<int64_t>> constant_as_int64s(const Value* value) {
  return value && value->constant() ? value->constant()->as_int64s(INT64_MAX) : std::nullopt;
}

}  // namespace hone
