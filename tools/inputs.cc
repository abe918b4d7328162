#include "inputs.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <random>

#include "base/dim.h"
#include "base/text.h"
#include "lower/bind_shapes.h"
#include "npy.h"
#include "runtime/engine_impl.h"

namespace hone::tools {
namespace {

constexpr int64_t kDefaultBatch = 1, kDefaultSize = 128;  // as the builder's

const Portable& portable_of(const Engine& engine) { return engine.impl()->plan->data.portable; }
const Shape& input_shape(const Portable& portable, size_t i) {
  return portable.values[portable.inputs[i]].type.shape;
}

std::string input_names(const std::vector<TensorInfo>& inputs) {
  std::vector<std::string> names;
  for (const TensorInfo& info : inputs) names.push_back(info.name);
  return join(names, ", ");
}

std::optional<size_t> find_input(const std::vector<TensorInfo>& inputs, std::string_view name) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].name == name) return i;
  }
  return std::nullopt;
}

// What the symbols are when nobody says otherwise.
Result<SymbolValues> default_symbols(const Portable& portable) {
  SymbolValues symbols;
  if (!portable.profiles.empty()) {
    std::vector<std::vector<int64_t>> shapes;
    for (const PlanProfile::Range& range : portable.profiles[0].inputs) shapes.push_back(range.opt);
    HONE_ASSIGN_OR_RETURN(symbols, bind_symbols(portable, shapes));
  }
  for (size_t i = 0; i < portable.inputs.size(); ++i) {
    const Shape& shape = input_shape(portable, i);
    for (size_t d = 0; d < shape.size(); ++d) {
      if (shape[d].is_symbol()) {
        symbols.try_emplace(shape[d].symbol_name(), d == 0 ? kDefaultBatch : kDefaultSize);
      }
    }
  }
  return symbols;
}

Status set_batch(const Engine& engine, int batch, SymbolValues* symbols) {
  const Portable& portable = portable_of(engine);
  for (size_t i = 0; i < portable.inputs.size(); ++i) {
    const Shape& shape = input_shape(portable, i);
    if (shape.empty()) continue;
    if (shape[0].is_symbol()) {
      (*symbols)[shape[0].symbol_name()] = batch;
    } else if (!shape[0].is_const() || shape[0].value() != batch) {
      return Status(Code::kShape, fmt::format("--batch {} does not fit: dimension 0 is {}", batch,
                                              shape[0].text()))
          .at(fmt::format("input '{}'", engine.inputs()[i].name))
          .fix("leave --batch out, or export the model with a free batch dimension");
    }
  }
  return ok();
}

Status set_given_shapes(const Engine& engine, const NamedShapes& given, SymbolValues* symbols) {
  for (const auto& [name, shape] : given) {
    const auto i = find_input(engine.inputs(), name);
    if (!i) {
      return Status(Code::kShape, fmt::format("there is no input '{}'", printable(name)))
          .fix("use one of: " + input_names(engine.inputs()));
    }
    const Shape& declared = input_shape(portable_of(engine), *i);
    if (declared.size() != shape.size()) {
      return Status(Code::kShape,
                    fmt::format("{} has rank {}, the model declares {}", shape_text(shape),
                                shape.size(), shape_text(declared)))
          .at(fmt::format("input '{}'", name));
    }
    for (size_t d = 0; d < shape.size(); ++d) {
      if (declared[d].is_symbol()) (*symbols)[declared[d].symbol_name()] = shape[d];
    }
  }
  return ok();
}

template <class T, class Draw>
void fill(Tensor* tensor, const Draw& draw) {
  T* data = tensor->mutable_data<T>();
  for (int64_t i = 0; i < tensor->num_elements(); ++i) data[i] = static_cast<T>(draw());
}

}  // namespace

Result<std::vector<std::vector<int64_t>>> choose_shapes(const Engine& engine,
                                                        const ShapeWish& wish) {
  const Portable& portable = portable_of(engine);
  HONE_ASSIGN_OR_RETURN(SymbolValues symbols, default_symbols(portable));
  if (wish.batch > 0) HONE_RETURN_IF_ERROR(set_batch(engine, wish.batch, &symbols));
  HONE_RETURN_IF_ERROR(set_given_shapes(engine, wish.shapes, &symbols));
  std::vector<std::vector<int64_t>> shapes;
  for (size_t i = 0; i < portable.inputs.size(); ++i) {
    const auto given = wish.shapes.find(engine.inputs()[i].name);
    if (given != wish.shapes.end()) {
      shapes.push_back(given->second);
      continue;
    }
    HONE_ASSIGN_OR_RETURN(auto shape, eval_shape(input_shape(portable, i), symbols));
    shapes.push_back(std::move(shape));
  }
  HONE_ASSIGN_OR_RETURN(const SymbolValues checked, bind_symbols(portable, shapes));
  (void)checked;
  return shapes;
}

Result<Tensor> random_tensor(DataType dtype, const std::vector<int64_t>& shape, uint64_t seed) {
  if (dtype == DataType::string) return Status(Code::kUnsupported, "there are no random strings");
  HONE_ASSIGN_OR_RETURN(Tensor tensor, Tensor::allocate(dtype, shape));
  std::mt19937_64 random(seed);  // the standard fixes its numbers, but not those of distributions
  const auto unit = [&random] { return static_cast<float>(random() >> 40) * 0x1p-23f - 1.0f; };
  const auto byte = [&random] { return random() >> 56; };
  const auto bit = [&random] { return random() >> 63; };
  switch (dtype) {
    case DataType::f32:
      fill<float>(&tensor, unit);
      break;
    case DataType::f64:
      fill<double>(&tensor, unit);
      break;
    case DataType::f16:
      fill<Float16>(&tensor, unit);
      break;
    case DataType::bf16:
      fill<BFloat16>(&tensor, unit);
      break;
    case DataType::i8:
      fill<int8_t>(&tensor, byte);
      break;
    case DataType::u8:
      fill<uint8_t>(&tensor, byte);
      break;
    case DataType::i16:
      fill<int16_t>(&tensor, bit);
      break;
    case DataType::i32:
      fill<int32_t>(&tensor, bit);
      break;
    case DataType::i64:
      fill<int64_t>(&tensor, bit);
      break;
    case DataType::u16:
      fill<uint16_t>(&tensor, bit);
      break;
    case DataType::u32:
      fill<uint32_t>(&tensor, bit);
      break;
    case DataType::u64:
      fill<uint64_t>(&tensor, bit);
      break;
    case DataType::boolean:
      fill<bool>(&tensor, bit);
      break;
    case DataType::string:
      break;
  }
  return tensor;
}

Result<std::vector<Tensor>> random_inputs(const Engine& engine,
                                          const std::vector<std::vector<int64_t>>& shapes,
                                          uint64_t seed) {
  std::vector<Tensor> inputs;
  for (size_t i = 0; i < shapes.size(); ++i) {
    auto tensor = random_tensor(engine.inputs()[i].dtype, shapes[i], hash_combine(seed, i));
    if (!tensor.ok())
      return Status(tensor.status()).at(fmt::format("input '{}'", engine.inputs()[i].name));
    inputs.push_back(std::move(*tensor));
  }
  return inputs;
}

Result<std::vector<Tensor>> read_inputs(const std::vector<TensorInfo>& inputs,
                                        const std::vector<std::string>& given) {
  std::vector<std::optional<Tensor>> found(inputs.size());
  for (const std::string& word : given) {
    const size_t equals = word.find('=');
    const bool named = equals != std::string::npos;
    if (!named && found.size() != 1) {
      return Status(Code::kInvalidArgument,
                    fmt::format("--input {} does not say which input", printable(word)))
          .fix("write NAME=FILE.npy with one of: " + input_names(inputs));
    }
    const auto i = named ? find_input(inputs, word.substr(0, equals)) : std::optional<size_t>(0);
    if (!i) {
      return Status(Code::kInvalidArgument,
                    fmt::format("there is no input '{}'", printable(word.substr(0, equals))))
          .fix("use one of: " + input_names(inputs));
    }
    if (found[*i]) {
      return Status(Code::kInvalidArgument,
                    fmt::format("input '{}' is given twice", inputs[*i].name));
    }
    HONE_ASSIGN_OR_RETURN(found[*i], read_npy_file(named ? word.substr(equals + 1) : word));
  }
  std::vector<Tensor> tensors;
  for (size_t i = 0; i < found.size(); ++i) {
    if (!found[i]) {
      return Status(Code::kInvalidArgument, fmt::format("input '{}' is missing", inputs[i].name))
          .fix("give every input, or none for random values");
    }
    tensors.push_back(std::move(*found[i]));
  }
  return tensors;
}

Result<std::vector<size_t>> match_names(const std::vector<TensorInfo>& model,
                                        const std::vector<TensorInfo>& engine, const char* kind) {
  std::vector<size_t> order;
  for (const TensorInfo& info : model) {
    const auto it = std::find_if(engine.begin(), engine.end(), [&info](const TensorInfo& other) {
      return other.name == info.name;
    });
    if (it == engine.end() || engine.size() != model.size()) {
      return Status(Code::kPlan,
                    fmt::format("the plan's {}s are not the model's ('{}')", kind, info.name))
          .fix("build the plan from this model");
    }
    order.push_back(static_cast<size_t>(it - engine.begin()));
  }
  return order;
}

std::vector<TensorView> views_of(const std::vector<Tensor>& tensors) {
  std::vector<TensorView> views;
  for (const Tensor& tensor : tensors)
    views.emplace_back(tensor.raw(), tensor.shape(), tensor.dtype());
  return views;
}

Result<std::vector<Tensor>> run_once(ExecutionContext* context, const std::vector<Tensor>& inputs) {
  std::vector<Tensor> outputs;
  const auto views = views_of(inputs);
  HONE_RETURN_IF_ERROR(context->run(
      views,
      [&outputs](size_t index, const std::vector<int64_t>& shape, DataType dtype, size_t) -> void* {
        auto tensor = Tensor::allocate(dtype, shape);
        if (!tensor.ok()) return nullptr;
        if (outputs.size() <= index) outputs.resize(index + 1);
        outputs[index] = std::move(*tensor);
        return outputs[index].mutable_raw();
      }));
  return outputs;
}

}  // namespace hone::tools
