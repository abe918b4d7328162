// Plans for tests, built by hand.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ops/ops.h"
#include "plan/plan.h"

namespace hone::plan_test {

// Adds values and steps; the types of computed values come from inference.
class PlanBuilder {
 public:
  int input(std::string name, DataType dtype, Shape shape) {
    const int index = value(name, {dtype, std::move(shape)}, ValueKind::kInput);
    portable().inputs.push_back(index);
    portable().input_names.push_back(std::move(name));
    return index;
  }
  int constant(std::string name, Tensor tensor) {
    const int index =
        value(std::move(name), {tensor.dtype(), to_shape(tensor.shape())}, ValueKind::kConstant);
    portable().values[index].constant = std::move(tensor);
    portable().values[index].has_data = true;
    return index;
  }
  // Index of the first output; the others follow.
  int step(const char* op_name, Attributes attributes, std::vector<int> inputs,
           Program epilogue = {}) {
    PlanStep step;
    step.op = &op(op_name);
    step.attributes = attributes.empty() ? step.op->defaults : std::move(attributes);
    step.epilogue = std::move(epilogue);
    step.inputs = std::move(inputs);
    step.group = static_cast<int>(portable().steps.size());
    step.name = std::string(op_name) + "_" + std::to_string(step.group);
    step.sources = {"model/" + step.name, "second source"};
    InferContext context;
    context.attributes = &step.attributes;
    context.symbols = &scope_;
    for (int i : step.inputs) {
      const PlanValue& v = portable().values[i];
      context.inputs.push_back({v.type, v.has_data ? &v.constant : nullptr, values_[i]});
    }
    const Status status = infer_types(*step.op, step.epilogue, context);
    if (!status.ok()) ADD_FAILURE() << status.message();
    const int first = static_cast<int>(portable().values.size());
    for (size_t i = 0; i < context.outputs.size(); ++i) {
      step.outputs.push_back(
          value(step.name + ":" + std::to_string(i), context.outputs[i], ValueKind::kComputed));
      if (step.epilogue.empty()) values_.back() = context.output_values[i];
    }
    portable().steps.push_back(std::move(step));
    return first;
  }
  void output(std::string name, int index) {
    portable().outputs.push_back(index);
    portable().output_names.push_back(std::move(name));
  }
  // A tuned part in which every step has a tactic and 100 bytes of packed weights.
  void tune(const std::string& features) {
    Tuned tuned;
    tuned.features = features;
    tuned.cpu = "A CPU";
    tuned.threads = 2;
    tuned.packed_bytes = 128 * portable().steps.size();
    std::shared_ptr<void> memory = aligned(tuned.packed_bytes);
    for (size_t i = 0; i < tuned.packed_bytes; ++i) {
      static_cast<unsigned char*>(memory.get())[i] = static_cast<unsigned char>(i * 7);
    }
    tuned.packed = static_cast<const std::byte*>(memory.get());
    tuned.owner = std::move(memory);
    for (size_t s = 0; s < portable().steps.size(); ++s) {
      TunedStep step;
      step.tactic = "tactic_" + std::to_string(s);
      step.version = static_cast<int>(s);
      step.configs = {"mr=6 nr=16"};
      step.packed_key = "nr=16";
      step.packed_offset = 128 * s;
      step.packed_bytes = 100;
      step.milliseconds = 0.25 * s;
      step.rejected = {{"other", "it needs AVX-512"}};
      tuned.steps.push_back(std::move(step));
    }
    plan.tuned.push_back(std::move(tuned));
  }
  Portable& portable() { return plan.portable; }

  PlanData finish() {
    portable().must_be_equal = scope_.must_be_equal;
    return plan;
  }

  static std::shared_ptr<void> aligned(size_t bytes) {
    void* memory = nullptr;
    if (posix_memalign(&memory, 64, bytes > 0 ? bytes : 1) != 0) std::abort();
    return {memory, std::free};
  }

  PlanData plan;

 private:
  int value(std::string name, TensorType type, ValueKind kind) {
    PlanValue value;
    value.source = "model/" + name;
    value.name = std::move(name);
    value.type = std::move(type);
    value.kind = kind;
    portable().values.push_back(std::move(value));
    values_.emplace_back();
    return static_cast<int>(portable().values.size()) - 1;
  }

  SymbolScope scope_;
  std::vector<DimValues> values_;
};

// Something of everything: symbols, shape arithmetic, an epilogue, several outputs of one step,
// string and boolean constants, equal constants, two profiles, two tuned parts.
inline PlanData example_plan() {
  PlanBuilder b;
  b.portable().model_name = "example";
  const int x = b.input("x", DataType::f32, {Dim::symbol("N"), Dim(4)});
  const int y = b.input("y", DataType::f32, {Dim::symbol("M"), Dim(4)});
  const int w = b.constant("w", Tensor::from<float>({4, 4}, std::vector<float>(16, 0.5f)));
  const int bias = b.constant("bias", Tensor::from<float>({4}, {1, 2, 3, 4}));
  const int same = b.constant("same bias", Tensor::from<float>({1, 4}, {1, 2, 3, 4}));
  const int text = b.constant("text", Tensor::from<std::string>({3}, {"a", "", "bcd"}));
  const int flags = b.constant("flags", Tensor::from<bool>({4}, {true, false, true, true}));
  Program epilogue;
  epilogue.num_inputs = 2;
  const int zero = epilogue.add_constant(0.0);
  const int sum = epilogue.add(&op("Add"), {0, 1});
  epilogue.add(&op("Max"), {sum, zero});
  const int product = b.step("MatMul", {}, {x, w, bias}, epilogue);
  const int both = b.step("Add", {}, {product, y});  // needs N == M
  const int shifted = b.step("Add", {}, {both, same});
  const int chosen = b.step("Where", {}, {flags, shifted, product});
  const int size = b.step("Shape", {}, {x});
  const int zero_index = b.constant("index", Tensor::from<int64_t>({1}, {0}));
  const int batch = b.step("Gather", GatherAttributes{}, {size, zero_index});
  const int rest = b.constant("rest", Tensor::from<int64_t>({2}, {2, 2}));
  const int target = b.step("Concat", ConcatAttributes{}, {batch, rest});
  const int reshaped = b.step("Reshape", {}, {chosen, target});
  const int parts = b.step("Split", SplitAttributes{.axis = 1, .sizes = {1, 3}}, {both});
  const int strings = b.step("Identity", {}, {text});
  b.output("reshaped", reshaped);
  b.output("left", parts);
  b.output("right", parts + 1);
  b.output("strings", strings);
  b.portable().profiles = {{{{{1, 4}, {2, 4}, {8, 4}}, {{1, 4}, {2, 4}, {8, 4}}}},
                           {{{{8, 4}, {8, 4}, {64, 4}}, {{8, 4}, {8, 4}, {64, 4}}}}};
  b.portable().strict_fp32 = true;
  b.tune("avx2 fma");
  b.tune("avx512");
  PlanData plan = b.finish();
  // As a build without --portable leaves it.
  plan.portable.values[w].has_data = false;
  plan.portable.values[w].constant = Tensor();
  for (Tuned& part : plan.tuned) {
    part.steps[0].replaced_inputs = {1};
    part.steps[1].configs = {"first profile", "second profile"};
  }
  // A view.
  plan.tuned[0].steps[4] = TunedStep();
  return plan;
}

// A copy of a file's bytes of exactly its size, so that ASan sees every read beyond.
struct FileBytes {
  explicit FileBytes(std::string_view bytes)
      : size(bytes.size()), memory(PlanBuilder::aligned(bytes.size())) {
    if (size > 0) std::memcpy(memory.get(), bytes.data(), size);
  }
  std::string_view view() const { return {static_cast<const char*>(memory.get()), size}; }
  unsigned char* data() { return static_cast<unsigned char*>(memory.get()); }
  Result<PlanData> read() const { return read_plan(view(), memory, "m.plan"); }

  size_t size;
  std::shared_ptr<void> memory;
};

}  // namespace hone::plan_test
