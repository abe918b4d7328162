// Constants, conversions and operators that do nothing at inference.
#include <fmt/format.h>

#include "importers/onnx/importer_table.h"

namespace hone::onnx {
namespace {

// The values of a list attribute as a tensor of rank 1.
template <class To, class From>
Tensor vector_tensor(const std::vector<From>& list) {
  std::vector<To> values;
  for (const From& value : list) values.push_back(static_cast<To>(value));
  return Tensor::from<To>({static_cast<int64_t>(values.size())}, values);
}

Values constant(Call& call) {
  if (auto value = call.tensor("value")) return {call.constant(std::move(*value))};
  if (call.has("value_float")) {
    return {call.constant(Tensor::scalar(static_cast<float>(call.real("value_float"))))};
  }
  if (call.has("value_floats")) {
    return {call.constant(vector_tensor<float>(call.reals("value_floats")))};
  }
  if (call.has("value_int")) return {call.constant(Tensor::scalar(call.integer("value_int")))};
  if (call.has("value_ints")) return {call.ints(call.integers("value_ints"))};
  if (call.has("value_string")) {
    return {call.constant(Tensor::strings({}, {call.text("value_string")}))};
  }
  if (call.has("value_strings")) {
    return {call.constant(vector_tensor<std::string>(call.texts("value_strings")))};
  }
  if (call.has("sparse_value")) call.unsupported("attribute 'sparse_value': sparse tensors");
  call.bad_model("the constant has no value");
}

Values constant_of_shape(Call& call) {
  Value* shape = call.input(0);
  Tensor value = call.tensor("value").value_or(Tensor::scalar(0.0f));
  if (value.num_elements() != 1) call.bad_model("attribute 'value' has more than one element");
  return {call.emit("Fill", {shape, call.constant(value.reshaped({}))})};
}

Values cast(Call& call) {
  Value* x = call.input(0);
  const int64_t to = call.integer("to");
  call.ignore({"saturate", "round_mode"});  // only for conversions to float8
  const auto dtype = to_dtype(to);
  if (!dtype) call.unsupported(fmt::format("attribute 'to' is {}", elem_type_text(to)));
  return {call.emit("Cast", {x}, CastAttributes{.to = *dtype})};
}

Values cast_like(Call& call) {
  Value* x = call.input(0);
  Value* like = call.input(1);
  call.ignore({"saturate", "round_mode"});
  return {call.emit("Cast", {x}, CastAttributes{.to = like->dtype()})};
}

Values identity(Call& call) { return {call.emit("Identity", {call.input(0)})}; }

Values dropout(Call& call) {
  Value* x = call.input(0);
  call.ignore({"ratio", "seed"});
  if (Value* training = call.optional(2)) {
    const auto mode = call.known_ints(training);
    const bool is_off = training->constant() && mode && mode->size() == 1 && mode->front() == 0;
    call.require(is_off, "input 2 (training_mode) is not the constant false");
  }
  return {call.emit("Identity", {x})};
}

Values range(Call& call) {
  return {call.emit("Range", {call.input(0), call.input(1), call.input(2)})};
}

}  // namespace

std::vector<ImportRow> constant_rows() {
  return {
      {"Cast", cast, 1, 1, 1, "no strings, no types narrower than 8 bits, no float8"},
      {"CastLike", cast_like, 2, 2, 15, "no strings"},
      {"Constant", constant, 0, 0, 1, "no sparse tensors"},
      {"ConstantOfShape", constant_of_shape, 1, 1, 9},
      {"Dropout", dropout, 1, 3, 1, "inference only, without the mask"},
      {"Identity", identity, 1, 1, 1, "tensors only"},
      {"Range", range, 3, 3, 11},
  };
}

}  // namespace hone::onnx
