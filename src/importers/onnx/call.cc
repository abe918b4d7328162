#include "importers/onnx/call.h"

#include <fmt/format.h>

#include "base/text.h"

namespace hone::onnx {
namespace {

// AttributeProto.AttributeType, for messages.
const char* type_name(int type) {
  static constexpr const char* kNames[] = {"undefined", "float",   "int",    "string",
                                           "tensor",    "graph",   "floats", "ints",
                                           "strings",   "tensors", "graphs", "sparse tensor"};
  return type >= 0 && type < static_cast<int>(std::size(kNames)) ? kNames[type] : "unknown";
}

Tensor scalar_tensor(DataType dtype, double value) {
  switch (dtype) {
    case DataType::f32:
      return Tensor::scalar(static_cast<float>(value));
    case DataType::f64:
      return Tensor::scalar(value);
    case DataType::f16:
      return Tensor::scalar(Float16(static_cast<float>(value)));
    case DataType::bf16:
      return Tensor::scalar(BFloat16(static_cast<float>(value)));
    default:
      break;
  }
  // Integers and booleans: two's complement, cut to the width.
  if (!(std::abs(value) < 0x1p62) || dtype == DataType::string) {
    throw ImportError(
        Status(Code::kUnsupported, fmt::format("the number {} as {}", value, dtype_name(dtype))));
  }
  const auto bits = static_cast<int64_t>(value);
  Tensor tensor = Tensor::empty(dtype, {});
  std::memcpy(tensor.mutable_raw(), &bits, dtype_size(dtype));
  return tensor;
}

}  // namespace

Call::Call(Graph* graph, TensorReader* tensors, const NodeData& node, std::string name,
           int64_t opset, Values inputs)
    : graph_(graph),
      tensors_(tensors),
      node_(node),
      name_(std::move(name)),
      opset_(opset),
      inputs_(std::move(inputs)),
      read_(node.attributes.size(), false) {}

// --- Inputs.

Value* Call::input(size_t i) const {
  if (Value* value = optional(i)) return value;
  bad_model(fmt::format("input {} is missing", i));
}

Value* Call::optional(size_t i) const { return i < inputs_.size() ? inputs_[i] : nullptr; }

std::optional<std::vector<int64_t>> Call::known_ints(const Value* value) const {
  if (const Tensor* tensor = value->constant()) return tensor->as_int64s();
  std::vector<int64_t> list;
  if (num_elements(value->shape()) == Dim(0)) return list;
  if (!value->values()) return std::nullopt;
  for (const Dim& dim : *value->values()) {
    if (!dim.is_const()) return std::nullopt;
    list.push_back(dim.value());
  }
  return list;
}

std::optional<std::vector<int64_t>> Call::constant_ints(size_t i, const char* what) const {
  const Value* value = optional(i);
  if (!value) return std::nullopt;
  auto list = known_ints(value);
  if (!list) unsupported(fmt::format("{} (input {}) is not a constant", what, i));
  return list;
}

// --- Attributes.

bool Call::has(std::string_view name) const {
  for (const AttributeData& attribute : node_.attributes) {
    if (attribute.name == name) return true;
  }
  return false;
}

const AttributeData* Call::find(std::string_view name, int type) {
  const AttributeData* found = nullptr;
  for (size_t i = 0; i < node_.attributes.size(); ++i) {
    const AttributeData& attribute = node_.attributes[i];
    if (attribute.name != name) continue;
    read_[i] = true;
    if (attribute.is_reference) {
      bad_model(fmt::format("attribute '{}' refers to a function's attribute", name));
    }
    // A list without elements says nothing about its type in files without type fields.
    if (attribute.type != type && attribute.type != 0) {
      bad_model(fmt::format("attribute '{}' has type {} instead of {}", name,
                            type_name(attribute.type), type_name(type)));
    }
    found = &attribute;
  }
  return found;
}

int64_t Call::integer(std::string_view name, std::optional<int64_t> fallback) {
  if (const AttributeData* attribute = find(name, kInt)) return attribute->i;
  if (!fallback) bad_model(fmt::format("attribute '{}' is missing", name));
  return *fallback;
}

double Call::real(std::string_view name, std::optional<double> fallback) {
  if (const AttributeData* attribute = find(name, kFloat)) return attribute->f;
  if (!fallback) bad_model(fmt::format("attribute '{}' is missing", name));
  return *fallback;
}

std::string Call::text(std::string_view name, std::optional<std::string> fallback) {
  if (const AttributeData* attribute = find(name, kString)) return std::string(attribute->s);
  if (!fallback) bad_model(fmt::format("attribute '{}' is missing", name));
  return *fallback;
}

std::vector<int64_t> Call::integers(std::string_view name) {
  const AttributeData* attribute = find(name, kInts);
  return attribute ? attribute->ints : std::vector<int64_t>();
}

std::vector<double> Call::reals(std::string_view name) {
  const AttributeData* attribute = find(name, kFloats);
  if (!attribute) return {};
  return {attribute->floats.begin(), attribute->floats.end()};
}

std::vector<std::string> Call::texts(std::string_view name) {
  const AttributeData* attribute = find(name, kStrings);
  if (!attribute) return {};
  return {attribute->strings.begin(), attribute->strings.end()};
}

std::optional<Tensor> Call::tensor(std::string_view name) {
  const AttributeData* attribute = find(name, kTensor);
  if (!attribute) return std::nullopt;
  try {
    return tensors_->read(attribute->t);
  } catch (const ImportError& error) {
    Status status = error.status();
    throw ImportError(std::move(status).at(fmt::format("attribute '{}'", name)));
  }
}

void Call::ignore(std::initializer_list<std::string_view> names) {
  for (std::string_view name : names) {
    for (size_t i = 0; i < node_.attributes.size(); ++i) {
      if (node_.attributes[i].name == name) read_[i] = true;
    }
  }
}

void Call::check_attributes() const {
  for (size_t i = 0; i < node_.attributes.size(); ++i) {
    if (read_[i]) continue;
    unsupported(fmt::format("attribute '{}' is not known in opset {}",
                            printable(node_.attributes[i].name), opset_));
  }
}

std::optional<std::vector<int64_t>> Call::ints_of(std::string_view name, size_t i, int64_t since) {
  if (opset_ >= since) return constant_ints(i, std::string(name).c_str());
  if (!has(name)) return std::nullopt;
  return integers(name);
}

// --- Building.

Node* Call::node(std::string_view op, Values inputs, Attributes attributes) {
  NodeOptions options;
  options.name = op == node_.op_type ? name_ : fmt::format("{}/{}", name_, op);
  options.sources = {name_};
  auto made = graph_->add_node(op, std::move(attributes), std::move(inputs), std::move(options));
  if (made.ok()) return *made;
  // The report names the node itself.
  Status status(made.status().code(), made.status().what());
  throw ImportError(std::move(status).because(made.status().cause()));
}

Value* Call::constant(Tensor tensor) {
  return graph_->add_constant(name_ + "/const", std::move(tensor));
}

Value* Call::scalar(DataType dtype, double value) { return constant(scalar_tensor(dtype, value)); }

Value* Call::ints(const std::vector<int64_t>& values) {
  return constant(Tensor::from<int64_t>({static_cast<int64_t>(values.size())}, values));
}

Value* Call::cast(Value* value, DataType dtype) {
  if (value->dtype() == dtype) return value;
  return emit("Cast", {value}, CastAttributes{.to = dtype});
}

Value* Call::transpose(Value* value, std::vector<int64_t> perm) {
  return emit("Transpose", {value}, TransposeAttributes{.perm = std::move(perm)});
}

Value* Call::reshape(Value* value, const std::vector<int64_t>& shape) {
  return emit("Reshape", {value, ints(shape)});
}

Value* Call::reshape_like(Value* value, Value* like) {
  // allowzero: the shape says what it means.
  const ReshapeAttributes exact{.allowzero = true};
  if (auto shape = to_static(like->shape())) return emit("Reshape", {value, ints(*shape)}, exact);
  return emit("Reshape", {value, emit("Shape", {like})}, exact);
}

Value* Call::channels_last(Value* value) {
  const auto rank = static_cast<int64_t>(value->shape().size());
  if (rank < 3) bad_model(fmt::format("an input has rank {} and no spatial dimensions", rank));
  std::vector<int64_t> perm = {0};
  for (int64_t i = 2; i < rank; ++i) perm.push_back(i);
  perm.push_back(1);
  return transpose(value, std::move(perm));
}

Value* Call::channels_first(Value* value) {
  const auto rank = static_cast<int64_t>(value->shape().size());
  std::vector<int64_t> perm = {0, rank - 1};
  for (int64_t i = 1; i < rank - 1; ++i) perm.push_back(i);
  return transpose(value, std::move(perm));
}

// --- Errors.

void Call::unsupported(std::string what) const {
  throw ImportError(Status(Code::kUnsupported, std::move(what)));
}

void Call::bad_model(std::string what) const {
  throw ImportError(Status(Code::kModel, std::move(what)));
}

int64_t Call::positive_axis(int64_t axis, size_t rank) const {
  const auto size = static_cast<int64_t>(rank);
  if (axis < -size || axis >= size) {
    bad_model(fmt::format("axis {} is out of range for rank {}", axis, rank));
  }
  return axis < 0 ? axis + size : axis;
}

}  // namespace hone::onnx
