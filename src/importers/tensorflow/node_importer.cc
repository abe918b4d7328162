#include "importers/tensorflow/node_importer.h"

#include <fmt/core.h>

#include <algorithm>

namespace hone::tf {

Result<Value*> NodeImporter::input(size_t i) const {
  if (i < inputs_.size()) return inputs_[i];
  return Status(Code::kModel, fmt::format("input {} is missing", i));
}

Result<std::vector<int64_t>> NodeImporter::ints(size_t i, const char* what) const {
  HONE_ASSIGN_OR_RETURN(const Value* value, input(i));
  if (value->constant()) {
    if (auto known = value->constant()->as_int64s()) return *known;
  }
  if (value->values()) {
    std::vector<int64_t> known;
    for (const Dim& dim : *value->values()) {
      if (dim.is_const()) known.push_back(dim.value());
    }
    if (known.size() == value->values()->size()) return known;
  }
  return unsupported(fmt::format("input {} ({}) is not constant", i, what));
}

Result<int64_t> NodeImporter::scalar_int(size_t i, const char* what) const {
  HONE_ASSIGN_OR_RETURN(const std::vector<int64_t> values, ints(i, what));
  if (values.size() == 1) return values[0];
  return Status(Code::kModel, fmt::format("input {} ({}) is not a scalar", i, what));
}

Result<int64_t> NodeImporter::axis(int64_t axis, size_t rank) {
  const auto size = static_cast<int64_t>(rank);
  if (axis < -size || axis >= size) {
    return Status(Code::kModel, fmt::format("axis {} is out of range for rank {}", axis, rank));
  }
  return axis < 0 ? axis + size : axis;
}

Result<std::vector<int64_t>> NodeImporter::attr_ints(std::string_view name) const {
  if (node_.attrs.find(name) == node_.attrs.end()) return std::vector<int64_t>();
  const ListAttr* list = node_.attr<ListAttr>(name);
  if (!list) return node_.bad_attr(name);
  return list->i;
}
Result<std::string> NodeImporter::attr_string(std::string_view name, std::string fallback) const {
  return node_.attr_or<std::string>(name, std::move(fallback));
}
Result<int64_t> NodeImporter::attr_int(std::string_view name, int64_t fallback) const {
  return node_.attr_or<int64_t>(name, fallback);
}
Result<bool> NodeImporter::attr_bool(std::string_view name, bool fallback) const {
  return node_.attr_or<bool>(name, fallback);
}
Result<double> NodeImporter::attr_float(std::string_view name, double fallback) const {
  HONE_ASSIGN_OR_RETURN(const float value,
                        node_.attr_or<float>(name, static_cast<float>(fallback)));
  return static_cast<double>(value);
}
Result<DataType> NodeImporter::attr_type(std::string_view name) const {
  HONE_ASSIGN_OR_RETURN(const TfType type, node_.required_attr<TfType>(name));
  if (const auto dtype = to_hone(type)) return *dtype;
  return unsupported(fmt::format("type {} (attribute {})", type_name(type), name));
}

Result<std::vector<Value*>> NodeImporter::add_many(std::string_view op, Attributes attributes,
                                                   std::vector<Value*> inputs) {
  NodeOptions options;
  options.name = node_.name;
  options.sources = {node_.name};
  HONE_ASSIGN_OR_RETURN(Node * added, graph_.add_node(op, std::move(attributes), std::move(inputs),
                                                      std::move(options)));
  return added->outputs();
}

Result<Value*> NodeImporter::add(std::string_view op, Attributes attributes,
                                 std::vector<Value*> inputs) {
  HONE_ASSIGN_OR_RETURN(const auto outputs, add_many(op, std::move(attributes), std::move(inputs)));
  return outputs[0];
}

Value* NodeImporter::constant(Tensor tensor) {
  return graph_.add_constant(node_.name + "/const", std::move(tensor));
}

namespace {

template <class T>
Tensor scalar_of(double value) {
  if constexpr (std::is_same_v<T, Float16> || std::is_same_v<T, BFloat16>) {
    return Tensor::scalar<T>(T(static_cast<float>(value)));
  } else {
    return Tensor::scalar<T>(static_cast<T>(value));
  }
}

Tensor scalar_tensor(double value, DataType dtype) {
  switch (dtype) {
    case DataType::f32:
      return scalar_of<float>(value);
    case DataType::f64:
      return scalar_of<double>(value);
    case DataType::f16:
      return scalar_of<Float16>(value);
    case DataType::bf16:
      return scalar_of<BFloat16>(value);
    case DataType::i8:
      return scalar_of<int8_t>(value);
    case DataType::i16:
      return scalar_of<int16_t>(value);
    case DataType::i32:
      return scalar_of<int32_t>(value);
    case DataType::i64:
      return scalar_of<int64_t>(value);
    case DataType::u8:
      return scalar_of<uint8_t>(value);
    case DataType::u16:
      return scalar_of<uint16_t>(value);
    case DataType::u32:
      return scalar_of<uint32_t>(value);
    case DataType::u64:
      return scalar_of<uint64_t>(value);
    case DataType::boolean:
      return Tensor::scalar<bool>(value != 0);
    case DataType::string:
      break;
  }
  HONE_CHECK(false);
  return Tensor();
}

}  // namespace

Value* NodeImporter::scalar(double value, DataType dtype) {
  return constant(scalar_tensor(value, dtype));
}

Result<Value*> NodeImporter::transpose(Value* value, std::vector<int64_t> perm) {
  return add("Transpose", TransposeAttributes{std::move(perm)}, {value});
}

Result<Value*> NodeImporter::reverse(Value* value, const std::vector<int64_t>& axes) {
  if (axes.empty()) return value;
  const std::vector<int64_t> last(axes.size(), -1), before_first(axes.size(), INT64_MIN);
  return add("Slice", {},
             {value, int_constant(last), int_constant(before_first), int_constant(axes),
              int_constant(last)});
}

Status import_same(NodeImporter& n) {
  std::vector<Value*> inputs;
  for (size_t i = 0; i < n.num_inputs(); ++i) {
    HONE_ASSIGN_OR_RETURN(Value * value, n.input(i));
    inputs.push_back(value);
  }
  HONE_ASSIGN_OR_RETURN(Value * result, n.add(n.target(), {}, std::move(inputs)));
  n.output(result);
  return ok();
}

std::vector<OpImporter> all_importers() {
  std::vector<OpImporter> all;
  for (const auto table :
       {block_importers(), convolution_importers(), detection_importers(), logic_importers(),
        math_importers(), normalization_importers(), reduction_importers(), resize_importers(),
        selection_importers(), shape_importers(), slice_importers(), transposed_importers()}) {
    all.insert(all.end(), table.begin(), table.end());
  }
  std::sort(all.begin(), all.end(),
            [](const OpImporter& a, const OpImporter& b) { return std::string_view(a.op) < b.op; });
  return all;
}

const OpImporter* find_importer(std::string_view op) {
  static const auto* all = new std::vector<OpImporter>(all_importers());
  const auto it =
      std::lower_bound(all->begin(), all->end(), op,
                       [](const OpImporter& a, std::string_view b) { return a.op < b; });
  return it != all->end() && op == it->op ? &*it : nullptr;
}

}  // namespace hone::tf
