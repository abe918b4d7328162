// Tests over all operators.
#include "ops/op_def.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "ops/op_list.h"
#include "ops/op_samples_test.h"

namespace hone {
namespace {

std::string describe(const OpSample& sample) {
  std::string text = sample.op + attributes_text(sample.attributes);
  for (const Tensor& input : sample.inputs) text += " " + input.text();
  return text;
}

InferContext infer_context(const OpSample& sample, SymbolScope* symbols) {
  InferContext context{&sample.attributes, {}, symbols};
  for (size_t i = 0; i < sample.inputs.size(); ++i) {
    const Tensor& input = sample.inputs[i];
    const bool constant = static_cast<int>(i) >= sample.num_data;
    context.inputs.push_back(
        {{input.dtype(), to_shape(input.shape())}, constant ? &input : nullptr, std::nullopt});
  }
  return context;
}

TEST(OpDef, RecordsAreComplete) {
  for (const OpDef* op : all_ops()) {
    SCOPED_TRACE(op->name);
    EXPECT_NE(op->infer, nullptr);
    EXPECT_NE(op->evaluate, nullptr);
    EXPECT_STRNE(op->summary, "");
    EXPECT_EQ(find_op(op->name), op);
    if (op->pointwise) {
      EXPECT_EQ(op->min_inputs, op->pointwise->arity);
      EXPECT_NE(op->pointwise->f32, nullptr);
      EXPECT_NE(op->pointwise->f64, nullptr);
    }
  }
  EXPECT_EQ(find_op("Nothing"), nullptr);
  EXPECT_EQ(find_op(""), nullptr);
}

TEST(OpDef, EveryOperatorHasSamples) {
  std::set<std::string> seen;
  for (const OpSample& sample : op_samples()) seen.insert(sample.op);
  for (const OpDef* op : all_ops()) EXPECT_TRUE(seen.count(op->name)) << op->name;
}

TEST(OpDef, AttributesRoundTrip) {
  for (const OpSample& sample : op_samples()) {
    SCOPED_TRACE(describe(sample));
    const Attributes& defaults = op(sample.op).defaults;
    for (const Attributes* base : {static_cast<const Attributes*>(nullptr), &defaults}) {
      const auto parsed = parse_attributes(attributes_text(sample.attributes, base), defaults);
      ASSERT_TRUE(parsed.ok()) << parsed.status().message();
      EXPECT_EQ(*parsed, sample.attributes);
    }
  }
}

TEST(OpDef, InferredTypesAndValuesAreThoseOfTheResult) {
  for (const OpSample& sample : op_samples()) {
    SCOPED_TRACE(describe(sample));
    SymbolScope symbols;
    InferContext context = infer_context(sample, &symbols);
    const Status status = infer_types(op(sample.op), {}, context);
    ASSERT_TRUE(status.ok()) << status.message();
    const auto result = evaluate_reference(op(sample.op), sample.attributes, {}, sample.inputs);
    ASSERT_TRUE(result.ok()) << result.status().message();
    ASSERT_EQ(result->size(), context.outputs.size());
    ASSERT_EQ(context.output_values.size(), context.outputs.size());
    SymbolValues found;
    for (size_t i = 0; i < result->size(); ++i) {
      const Tensor& output = (*result)[i];
      EXPECT_EQ(context.outputs[i].dtype, output.dtype());
      const Shape& shape = context.outputs[i].shape;
      ASSERT_EQ(shape.size(), output.shape().size());
      for (size_t d = 0; d < shape.size(); ++d) {
        // A size that depends on values is a symbol of its own, and the same one everywhere.
        const int64_t size = output.shape()[d];
        if (shape[d].is_symbol()) {
          EXPECT_EQ(found.emplace(shape[d].symbol_name(), size).first->second, size);
        } else {
          EXPECT_EQ(shape[d], Dim(size));
        }
      }
      if (context.output_values[i]) {
        EXPECT_EQ(*context.output_values[i], to_shape(*output.as_int64s()));
      }
    }
    EXPECT_TRUE(symbols.must_be_equal.empty());
  }
}

// Sizes become symbols (the same size the same symbol); the inferred expressions must give the
// numbers that inference with numbers gives.
TEST(OpDef, SymbolicInferenceAgreesWithNumbers) {
  for (const OpSample& sample : op_samples()) {
    SCOPED_TRACE(describe(sample));
    SymbolScope symbols, number_symbols;
    InferContext numbers = infer_context(sample, &number_symbols);
    InferContext context = infer_context(sample, &symbols);
    SymbolValues values;
    for (int i = 0; i < sample.num_data; ++i) {
      for (Dim& dim : context.inputs[i].type.shape) {
        if (dim.value() < 2) continue;
        const std::string name = "S" + dim.text();
        values[name] = dim.value();
        dim = Dim::symbol(name);
      }
    }
    ASSERT_TRUE(infer_types(op(sample.op), {}, numbers).ok());
    const Status status = infer_types(op(sample.op), {}, context);
    ASSERT_TRUE(status.ok()) << status.message();
    ASSERT_EQ(context.outputs.size(), numbers.outputs.size());
    // Inference with numbers has a fresh symbol only for what depends on values.
    EXPECT_EQ(symbols.next, number_symbols.next) << "a fresh symbol where an expression would do";
    SymbolScope fresh;
    while (fresh.next < symbols.next) values[fresh.fresh().symbol_name()] = 7;
    for (size_t i = 0; i < context.outputs.size(); ++i) {
      const auto shape = eval_shape(context.outputs[i].shape, values);
      ASSERT_TRUE(shape.ok()) << shape_text(context.outputs[i].shape);
      EXPECT_EQ(*shape, eval_shape(numbers.outputs[i].shape, values).value())
          << shape_text(context.outputs[i].shape);
      if (!context.output_values[i]) continue;
      ASSERT_TRUE(numbers.output_values[i]);
      for (size_t k = 0; k < context.output_values[i]->size(); ++k) {
        const Dim& value = (*context.output_values[i])[k];
        if (!value.is_valid()) continue;
        EXPECT_EQ(Dim(value.eval(values).value()), (*numbers.output_values[i])[k]);
      }
    }
    for (const auto& [a, b] : symbols.must_be_equal) {
      EXPECT_EQ(a.eval(values).value(), b.eval(values).value()) << a.text() << " " << b.text();
    }
  }
}

// Inputs in a wrong number, dtype or rank: an error with a code that blames the model.
TEST(OpDef, WrongInputsAreErrors) {
  for (const OpSample& sample : op_samples()) {
    SCOPED_TRACE(describe(sample));
    std::vector<Tensor> inputs = sample.inputs;
    inputs.pop_back();
    const auto fewer = evaluate_reference(op(sample.op), sample.attributes, {}, inputs);
    if (static_cast<int>(inputs.size()) < op(sample.op).min_inputs) {
      EXPECT_FALSE(fewer.ok());
    }
    const Tensor odd[] = {Tensor::strings({2}, {"a", "b"}), Tensor(), Tensor::scalar(true),
                          Tensor::from<int64_t>({3}, {INT64_MIN, INT64_MAX, -7}),
                          sample_tensor(DataType::f32, {1, 2, 1, 3, 1, 2})};
    for (size_t i = 0; i < sample.inputs.size(); ++i) {
      for (const Tensor& tensor : odd) {
        inputs = sample.inputs;
        inputs[i] = tensor;
        const auto result = evaluate_reference(op(sample.op), sample.attributes, {}, inputs);
        if (result.ok()) continue;
        EXPECT_NE(result.status().code(), Code::kInternal)
            << i << " " << tensor.text() << ": " << result.status().message();
      }
    }
  }
  EXPECT_EQ(evaluate_reference(op("Conv"), PadAttributes{}, {}, {}).status().code(), Code::kModel);
}

TEST(OpDef, EpilogueBroadcastsAndRoundsOnce) {
  const Tensor inputs[] = {Tensor::from<float>({2, 2}, {1, -2, 3, -4}),
                           Tensor::from<float>({2}, {10, 0.5})};
  const auto epilogue = Program::parse("t0=Add(x0,x1);t1=Relu(t0);", 2).value();
  const auto result = evaluate_reference(op("Neg"), {}, epilogue, inputs);
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_EQ((*result)[0], Tensor::from<float>({2, 2}, {9, 2.5, 7, 4.5}));
  SymbolScope symbols;
  Attributes none;
  InferContext context{&none, {}, &symbols};
  context.inputs = {{{DataType::f32, {Dim::symbol("N"), 1}}}, {{DataType::f32, {5}}}};
  ASSERT_TRUE(infer_types(op("Neg"), epilogue, context).ok());
  EXPECT_EQ(type_text(context.outputs[0]), "f32[N,5]");
  EXPECT_EQ(context.inputs.size(), 2u);
}

TEST(OpDef, BroadcastShapes) {
  SymbolScope symbols;
  const Dim n = Dim::symbol("N"), m = Dim::symbol("M");
  const auto broadcast = [&](Shape a, Shape b) {
    const Shape shapes[] = {std::move(a), std::move(b)};
    auto result = broadcast_shapes(shapes, &symbols);
    return result.ok() ? shape_text(*result) : result.status().message();
  };
  EXPECT_EQ(broadcast({n, 1}, {4}), "[N,4]");
  EXPECT_EQ(broadcast({}, {n, 3}), "[N,3]");
  EXPECT_EQ(broadcast({0}, {1}), "[0]");
  EXPECT_TRUE(symbols.must_be_equal.empty());
  EXPECT_EQ(broadcast({n}, {4}), "[4]");
  EXPECT_EQ(broadcast({n}, {m}), "[N]");
  EXPECT_EQ(symbols.must_be_equal.size(), 2u);
  EXPECT_THAT(broadcast({3}, {4}), testing::HasSubstr("3 is not 4"));
}

// Every file that says it is one of the operators is in the list: "<name>_ops()" of <name>.cc.
TEST(OpDef, ListHasEveryFile) {
  namespace fs = std::filesystem;
  std::ifstream list_file(std::string(HONE_SOURCE_DIR) + "/src/ops/op_list.cc");
  std::stringstream list;
  list << list_file.rdbuf();
  size_t found = 0;
  for (const auto& entry : fs::directory_iterator(std::string(HONE_SOURCE_DIR) + "/src/ops")) {
    if (entry.path().extension() != ".cc") continue;
    std::ifstream file(entry.path());
    std::stringstream text;
    text << file.rdbuf();
    const std::string factory = entry.path().stem().string() + "_ops";
    if (text.str().find("std::vector<OpDef> " + factory + "() {") == std::string::npos) continue;
    ++found;
    EXPECT_NE(list.str().find(" " + factory + ","), std::string::npos) << factory;
  }
  EXPECT_EQ(found, op_factories().size());
}

TEST(OpDef, TableNamesEveryOperator) {
  const std::string table = operator_table();
  for (const OpDef* op : all_ops()) {
    EXPECT_NE(table.find(std::string("| ") + op->name), std::string::npos) << op->name;
  }
  EXPECT_NE(table.find("`strides=[], dilations=[], pads=[], groups=1, auto_pad=\"explicit\"`"),
            std::string::npos);
}

}  // namespace
}  // namespace hone
