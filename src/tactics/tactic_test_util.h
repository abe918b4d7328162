// Problems for the tests of tactics: steps with data.
#pragma once

#include <array>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "ops/lrn.h"
#include "ops/ops.h"
#include "tactics/tactic.h"

namespace hone {

struct Problem {
  std::string name;
  StepDesc step;                // concrete shapes; constants point into `tensors`
  std::vector<Tensor> tensors;  // one per input
  double bound = 1e-5;          // relative to max(1, |expected|)
  bool may_stride = true;       // false: the tactic copies only between dense tensors
};

class ProblemMaker {
 public:
  explicit ProblemMaker(unsigned seed) : rng_(seed) {}

  Tensor random(std::vector<int64_t> shape) {
    Tensor tensor = Tensor::zeros(DataType::f32, std::move(shape));
    std::uniform_real_distribution<float> uniform(-1, 1);
    for (int64_t i = 0; i < tensor.num_elements(); ++i)
      tensor.mutable_data<float>()[i] = uniform(rng_);
    return tensor;
  }

  // `constants`: which inputs are constants.
  void add(std::string name, const char* op_name, Attributes attributes,
           std::vector<Tensor> tensors, const std::vector<bool>& constants = {},
           Program epilogue = {}) {
    Problem problem;
    problem.name = std::move(name);
    problem.tensors = std::move(tensors);
    problem.step.op = &op(op_name);
    problem.step.attributes =
        attributes.empty() ? problem.step.op->defaults : std::move(attributes);
    problem.step.epilogue = std::move(epilogue);
    for (size_t i = 0; i < problem.tensors.size(); ++i) {
      OperandDesc operand;
      operand.type = {problem.tensors[i].dtype(), to_shape(problem.tensors[i].shape())};
      operand.is_constant = i < constants.size() && constants[i];
      if (operand.is_constant) operand.constant = &problem.tensors[i];
      problem.step.inputs.push_back(operand);
    }
    auto outputs = evaluate_reference(*problem.step.op, problem.step.attributes,
                                      problem.step.epilogue, problem.tensors);
    for (const Tensor& output : outputs.value()) {
      problem.step.outputs.push_back({{output.dtype(), to_shape(output.shape())}, nullptr, false});
    }
    problems_.push_back(std::move(problem));
    // Moving a vector keeps its elements where they are, so the constants stay valid.
  }
  Problem& last(size_t back = 1) { return problems_[problems_.size() - back]; }
  // A step that finds out the sizes of its outputs.
  void add_found(std::string name, const char* op_name, Attributes attributes,
                 std::vector<Tensor> tensors, const std::vector<bool>& constants = {}) {
    add(std::move(name), op_name, std::move(attributes), std::move(tensors), constants);
    last().step.sizes_outputs = true;
  }
  Tensor integers(std::vector<int64_t> shape, int64_t low, int64_t high) {
    Tensor tensor = Tensor::zeros(DataType::i64, std::move(shape));
    std::uniform_int_distribution<int64_t> uniform(low, high);
    for (int64_t i = 0; i < tensor.num_elements(); ++i)
      tensor.mutable_data<int64_t>()[i] = uniform(rng_);
    return tensor;
  }
  std::vector<Problem> take() { return std::move(problems_); }

 private:
  std::mt19937 rng_;
  std::vector<Problem> problems_;
};

inline Program relu_program() {
  Program program;
  program.num_inputs = 1;
  program.add(&op("Relu"), {0});
  return program;
}
inline Program add_program(const char* then = nullptr) {
  Program program;
  program.num_inputs = 2;
  program.add(&op("Add"), {0, 1});
  if (then) program.add(&op(then), {2});
  return program;
}
inline Program relu6_program() {
  Program program;
  program.num_inputs = 1;
  const int zero = program.add_constant(0), six = program.add_constant(6);
  const int t = program.add(&op("Max"), {0, zero});
  program.add(&op("Min"), {t, six});
  return program;
}
inline Program silu_program() {
  Program program;
  program.num_inputs = 1;
  const int t = program.add(&op("Sigmoid"), {0});
  program.add(&op("Mul"), {0, t});
  return program;
}

inline void add_conv_problems(ProblemMaker& make) {
  struct Case {
    const char* name;
    std::vector<int64_t> data;  // N H W C
    int64_t out, kernel, stride, dilation, groups;
    const char* pad;
  };
  for (const Case& c : {Case{"1x1", {1, 7, 5, 19}, 33, 1, 1, 1, 1, "valid"},
                        Case{"3x3 same", {2, 9, 11, 16}, 24, 3, 1, 1, 1, "same_upper"},
                        Case{"3x3 stride 2", {1, 13, 8, 5}, 17, 3, 2, 1, 1, "same_upper"},
                        Case{"7x7 stem", {1, 20, 23, 3}, 16, 7, 2, 1, 1, "same_upper"},
                        Case{"3x3 dilated", {1, 12, 12, 8}, 8, 3, 1, 2, 1, "same_upper"},
                        Case{"grouped", {1, 6, 6, 12}, 9, 3, 1, 1, 3, "same_lower"},
                        Case{"depthwise", {2, 8, 9, 21}, 21, 3, 1, 1, 21, "same_upper"},
                        Case{"depthwise stride 2", {1, 9, 9, 16}, 16, 5, 2, 1, 16, "same_upper"},
                        Case{"depthwise multiplier", {1, 7, 7, 5}, 10, 3, 1, 1, 5, "same_upper"},
                        Case{"one pixel", {1, 1, 1, 40}, 12, 1, 1, 1, 1, "valid"},
                        Case{"batch 0", {0, 5, 5, 4}, 8, 3, 1, 1, 1, "same_upper"}}) {
    ConvAttributes attributes;
    attributes.strides = {c.stride, c.stride};
    attributes.dilations = {c.dilation, c.dilation};
    attributes.groups = c.groups;
    attributes.auto_pad = c.pad;
    const Tensor data = make.random(c.data);
    const Tensor weights = make.random({c.out, c.kernel, c.kernel, c.data[3] / c.groups});
    const Tensor bias = make.random({c.out});
    const std::string name = std::string("conv ") + c.name;
    make.add(name, "Conv", attributes, {data, weights}, {false, true});
    make.add(name + " bias relu", "Conv", attributes, {data, weights, bias}, {false, true, true},
             relu_program());
    make.add(name + " silu", "Conv", attributes, {data, weights, bias}, {false, true, true},
             silu_program());
    make.add(name + " relu6", "Conv", attributes, {data, weights}, {false, true}, relu6_program());
    const Tensor residual = make.random(*to_static(make.last().step.out_shape()));
    make.add(name + " residual relu", "Conv", attributes, {data, weights, bias, residual},
             {false, true, true, false}, add_program("Relu"));
    make.add(name + " late bias", "Conv", attributes, {data, weights, bias, bias},
             {false, true, true, true}, add_program("Tanh"));
  }
  ConvAttributes one_dimensional;
  one_dimensional.pads = {2, 0};
  make.add("conv 1-D causal", "Conv", one_dimensional,
           {make.random({2, 10, 6}), make.random({7, 3, 6})}, {false, true});
}

inline void add_matrix_problems(ProblemMaker& make) {
  for (const auto& [m, k, n] :
       {std::array<int64_t, 3>{1, 64, 33}, {5, 17, 9}, {30, 100, 64}, {3, 1, 1}, {0, 8, 8}}) {
    const Tensor a = make.random({m, k}), b = make.random({k, n}), bt = make.random({n, k}),
                 bias = make.random({n});
    const std::string name = "matmul " + std::to_string(m);
    make.add(name, "MatMul", {}, {a, b}, {false, true});
    make.add(name + " transposed", "MatMul", MatMulAttributes{false, true}, {a, bt}, {false, true});
    make.add(name + " bias relu", "MatMul", {}, {a, b, bias}, {false, true, true},
             add_program("Relu"));
    make.add(name + " bias erf", "MatMul", {}, {a, b, bias}, {false, true, true},
             add_program("Erf"));
    make.add(name + " bias gelu", "MatMul", {}, {a, b, bias}, {false, true, true},
             add_program("Gelu"));
    make.add(name + " dynamic", "MatMul", {}, {a, b});
    make.add(name + " addend", "MatMul", {}, {a, b, make.random({m, n})}, {}, add_program());
  }
  make.add("matmul batched", "MatMul", {}, {make.random({2, 3, 4, 5}), make.random({2, 3, 5, 6})});
  make.add("matmul broadcast", "MatMul", {}, {make.random({2, 3, 4, 5}), make.random({3, 5, 6})});
  const MatMulAttributes first{true, false}, both{true, true};
  const Tensor bias = make.random({9});
  make.add("matmul first transposed", "MatMul", first, {make.random({5, 7}), make.random({5, 9})});
  make.add("matmul both transposed", "MatMul", both,
           {make.random({2, 1, 5, 40}), make.random({3, 9, 5}), bias}, {false, false, true},
           add_program("Relu"));
  make.add("matmul first transposed, weights", "MatMul", first,
           {make.random({5, 70}), make.random({5, 9}), make.random({70, 9})}, {false, true, false},
           add_program("Gelu"));
  make.add("vector * matrix", "MatMul", {}, {make.random({5}), make.random({5, 9})});
  make.add("vector * matrices", "MatMul", first,
           {make.random({5}), make.random({2, 5, 9}), make.random({2, 9})}, {},
           add_program("Gelu"));
  make.add("vector * weights, bias", "MatMul", {}, {make.random({5}), make.random({5, 9}), bias},
           {false, true, true}, add_program("Tanh"));
  make.add("matrices * vector", "MatMul", both, {make.random({2, 3, 5, 4}), make.random({5})});
  make.add("matrix * constant vector", "MatMul", {}, {make.random({30, 5}), make.random({5})},
           {false, true});
  make.add("vector * vector", "MatMul", {}, {make.random({5}), make.random({5})});
  make.add("matmul 3-D weights", "MatMul", {}, {make.random({2, 7, 5}), make.random({5, 8})},
           {false, true}, silu_program());
}

inline void add_window_problems(ProblemMaker& make) {
  for (const char* op_name : {"MaxPool", "AveragePool"}) {
    PoolAttributes attributes;
    attributes.kernel = {3, 3};
    attributes.strides = {2, 2};
    attributes.pads = {1, 1, 1, 1};
    make.add(std::string(op_name) + " 3x3", op_name, attributes, {make.random({2, 11, 8, 19})});
    attributes.pads = {};
    attributes.auto_pad = "same_upper";
    attributes.kernel = {2, 3};
    make.add(std::string(op_name) + " same", op_name, attributes, {make.random({1, 7, 7, 8})});
  }
}

inline void add_pointwise_problems(ProblemMaker& make) {
  for (const OpDef* def : all_ops()) {
    if (!def->pointwise || def->pointwise->boolean_result) continue;
    std::vector<Tensor> inputs;
    for (int i = 0; i < def->pointwise->arity; ++i) {
      Tensor tensor = make.random({3, 5, 17});
      for (int64_t k = 0; k < tensor.num_elements(); ++k) {
        tensor.mutable_data<float>()[k] =
            std::abs(tensor.data<float>()[k]) * 0.9f + 0.05f;  // inside every domain
      }
      inputs.push_back(std::move(tensor));
    }
    const std::string_view name = def->name;
    if (name == "Where" || name == "And" || name == "Or" || name == "Not" || name == "Xor")
      continue;
    if (name == "Acosh") {
      for (int64_t k = 0; k < inputs[0].num_elements(); ++k)
        inputs[0].mutable_data<float>()[k] += 1;
    }
    if (evaluate_reference(*def, def->defaults, {}, inputs).ok())
      make.add(def->name, def->name, {}, inputs);
  }
  PointwiseAttributes attributes;
  attributes.program.num_inputs = 3;
  const int two = attributes.program.add_constant(2);
  const int t = attributes.program.add(&op("Mul"), {0, two});
  const int u = attributes.program.add(&op("Add"), {t, 1});
  attributes.program.add(&op("Max"), {u, 2});
  make.add("pointwise broadcast", "Pointwise", attributes,
           {make.random({4, 1, 9}), make.random({9}), make.random({4, 6, 1})});
}

inline void add_normalization_problems(ProblemMaker& make) {
  for (const int64_t size : {1, 7, 8, 70, 300}) {
    const Tensor x = make.random({3, 2, size});
    const Tensor scale = make.random({size}), bias = make.random({1, size});
    // Elements are below 1 and sums are pairwise: a few dozen roundings, times 1 / deviation. The
    // epsilon bounds that (by 10) where a row has a single element.
    const NormalizationAttributes last{{-1}, 1e-2};
    make.add("layer norm", "LayerNormalization", last, {x});
    make.add("layer norm scale", "LayerNormalization", last, {x, scale}, {false, true});
    make.add("layer norm bias", "LayerNormalization", last, {x, scale, bias});
    make.add("rms norm", "RMSNormalization", last, {x});
    make.add("rms norm scale", "RMSNormalization", last, {x, scale}, {false, true});
  }
  const Tensor x = make.random({2, 3, 4, 5}), scale = make.random({3, 4, 5});
  make.add("layer norm over 3", "LayerNormalization", NormalizationAttributes{{1, 2, 3}, 1e-3},
           {x, scale, scale}, {false, true, true});
  make.add("layer norm over ones", "LayerNormalization", NormalizationAttributes{{0, 2}, 1e-3},
           {make.random({1, 1, 9, 1})});
  make.add("layer norm empty", "LayerNormalization", {}, {make.random({0, 4})});
}

// Sums of up to 600 products below 1, whose scores are below 1 too: exp adds 1e-6, a few roundings.
inline void add_attention_problems(ProblemMaker& make) {
  struct Case {
    const char* name;
    std::vector<int64_t> leading;
    int64_t queries, keys, size, value_size;
  };
  for (const Case& c :
       {Case{"one token", {2, 3}, 1, 1, 4, 4}, Case{"few", {2, 2}, 7, 5, 8, 3},
        Case{"one head", {1}, 50, 70, 16, 24}, Case{"two blocks of keys", {1, 3}, 10, 530, 5, 17},
        Case{"three blocks of queries", {5}, 100, 33, 20, 64}, Case{"no keys", {2}, 4, 0, 4, 4},
        Case{"no queries", {2}, 0, 4, 4, 4}}) {
    const auto shape = [&](int64_t tokens, int64_t size) {
      std::vector<int64_t> dims = c.leading;
      dims.push_back(tokens), dims.push_back(size);
      return dims;
    };
    const std::string name = std::string("attention ") + c.name;
    const std::vector<Tensor> qkv = {make.random(shape(c.queries, c.size)),
                                     make.random(shape(c.keys, c.size)),
                                     make.random(shape(c.keys, c.value_size))};
    const AttentionAttributes scaled{.scale = 0.25};
    make.add(name, "Attention", scaled, qkv);
    auto masked = qkv;
    masked.push_back(make.random(shape(c.queries, c.keys)));
    make.add(name + " full mask", "Attention", scaled, masked);
    masked[3] = make.random({1, c.keys});
    float* row = masked[3].mutable_data<float>();
    for (int64_t i = 0; i < c.keys; ++i) row[i] = row[i] < 0 ? -INFINITY : 0;
    make.add(name + " row mask", "Attention", scaled, masked);
    masked[3] = make.random({c.queries, 1});
    make.add(name + " column mask", "Attention", scaled, masked);
    masked[3] = Tensor::zeros(DataType::boolean, {c.queries, c.keys});
    // The first row is masked as a whole.
    for (int64_t i = c.keys; i < masked[3].num_elements(); ++i) {
      masked[3].mutable_data<bool>()[i] = i % 3 != 0;
    }
    make.add(name + " selection", "Attention", scaled, masked);
    AttentionAttributes zero = scaled;
    zero.zero_masked = true;
    make.add(name + " selection, zeros", "Attention", zero, masked);
  }
  const AttentionAttributes tokens{.scale = 0.5,
                                   .query_tokens_first = true,
                                   .key_tokens_first = true,
                                   .value_tokens_first = true,
                                   .output_tokens_first = true};
  make.add("attention tokens first", "Attention", tokens,
           {make.random({2, 9, 3, 8}), make.random({2, 11, 3, 8}), make.random({2, 11, 3, 10}),
            make.random({2, 1, 1, 11})});
  make.add("attention mixed", "Attention", AttentionAttributes{.value_tokens_first = true},
           {make.random({2, 3, 9, 8}), make.random({2, 3, 11, 8}), make.random({2, 11, 3, 10})});
}

inline void add_other_problems(ProblemMaker& make) {
  for (const int64_t axis : {-1, 1, 0}) {
    make.add("lrn", "LRN", LrnAttributes{.size = 3 + axis, .alpha = 0.3},
             {make.random({3, 7, 10})});
    make.add("softmax", "Softmax", SoftmaxAttributes{axis}, {make.random({3, 7, 10})});
    make.add("log softmax", "LogSoftmax", SoftmaxAttributes{axis}, {make.random({3, 7, 10})});
  }
  for (const char* name : {"ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd",
                           "ReduceSumSquare", "ReduceL1", "ReduceL2"}) {
    for (const auto& axes : std::vector<std::vector<int64_t>>{{1, 2}, {-1}, {0}, {0, 2}, {}}) {
      for (const bool keep : {true, false}) {
        make.add(name, name, ReduceAttributes{axes, keep}, {make.random({2, 5, 7, 9})});
      }
    }
  }
  for (const char* name : {"ReduceSum", "ReduceMean", "ReduceMax", "ReduceL2", "ReduceL1"}) {
    make.add("wide", name, ReduceAttributes{{1, 2}, true}, {make.random({1, 70, 50, 24})});
    make.add("wide", name, ReduceAttributes{{}, false}, {make.random({70001})});
    make.add("wide", name, ReduceAttributes{{1}, false}, {make.random({3, 40000})});
    // Thousands of terms: their magnitude over that of the result.
    for (size_t i = 1; i <= 3; ++i) make.last(i).bound = 1e-4;
  }
  add_normalization_problems(make);
  add_attention_problems(make);
  make.add("concat", "Concat", ConcatAttributes{2},
           {make.random({2, 3, 4}), make.random({2, 3, 1})});
  make.add("split", "Split", SplitAttributes{1, {1, 4, 2}}, {make.random({3, 7, 4})});
  make.add("transpose", "Transpose", TransposeAttributes{{2, 0, 3, 1}},
           {make.random({2, 3, 4, 5})});
  make.add("expand", "Expand", {}, {make.random({3, 1}), Tensor::from<int64_t>({3}, {2, 3, 4})},
           {false, true});
  make.add("reshape", "Reshape", {}, {make.random({3, 8}), Tensor::from<int64_t>({2}, {4, 6})},
           {false, true});
  make.last().may_stride = false;
  make.add("squeeze", "Squeeze", AxesAttributes{{1}}, {make.random({3, 1, 8})});
  make.last().may_stride = false;
  make.add("unsqueeze", "Unsqueeze", AxesAttributes{{0}}, {make.random({3, 8})});
  make.last().may_stride = false;
  make.add("shape", "Shape", {}, {make.random({3, 0, 8})});
  make.add("identity", "Identity", {}, {make.random({3, 8})});
  make.last().may_stride = false;
  make.add(
      "slice", "Slice", {},
      {make.random({6, 7}), Tensor::from<int64_t>({2}, {-1, 2}), Tensor::from<int64_t>({2}, {0, 7}),
       Tensor::from<int64_t>({2}, {0, 1}), Tensor::from<int64_t>({2}, {-2, 3})},
      {false, true, true, true, true});
  make.add("pad", "Pad", {}, {make.random({3, 4}), Tensor::from<int64_t>({4}, {1, 0, 2, 3})},
           {false, true});
  const Tensor indices = Tensor::from<int64_t>({2, 3}, {0, 3, -1, 3, 2, 2});
  const Tensor small = Tensor::from<int32_t>({4, 1}, {0, -2, 1, 3});
  make.add("gather rows", "Gather", {}, {make.random({9, 5}), indices}, {true, false});
  make.add("gather one column", "Gather", {}, {make.random({9, 5}), small});
  make.add("gather scalar", "Gather", GatherAttributes{1},
           {make.random({3, 4, 5}), Tensor::scalar<int64_t>(-1)});
  make.add("gather inside", "Gather", GatherAttributes{1}, {make.random({3, 4, 5, 2}), indices});
  make.add("gather last", "Gather", GatherAttributes{-1}, {make.random({3, 2, 4}), small});
  make.add("gather per batch", "Gather", GatherAttributes{2, 1},
           {make.random({2, 3, 4, 5}), indices});
  make.add("gather nothing", "Gather", {}, {make.random({4, 0}), indices});
  make.add("gather flags", "Gather", {},
           {Tensor::from<bool>({4}, {true, false, false, true}), indices});
}

// One network with every optional input, or with none.
inline void add_recurrent_problem(ProblemMaker& make, const std::string& name, const char* op_name,
                                  Attributes attributes, std::array<int64_t, 4> sizes,
                                  bool all_inputs) {
  const RecurrentAttributes& common = recurrent_attributes(attributes);
  const int64_t gates = num_gates(cell_kind(attributes)), directions = *num_directions(common);
  const auto [steps, batch, features, hidden] = sizes;
  // Rows of R add up to less than 1, so that an error does not grow from step to step.
  const auto scaled = [&](std::vector<int64_t> shape, float scale) {
    Tensor tensor = make.random(std::move(shape));
    for (int64_t i = 0; i < tensor.num_elements(); ++i) tensor.mutable_data<float>()[i] *= scale;
    return tensor;
  };
  using Sizes = std::vector<int64_t>;
  const Sizes x =
      common.batch_major ? Sizes{batch, steps, features} : Sizes{steps, batch, features};
  const Sizes state =
      common.batch_major ? Sizes{batch, directions, hidden} : Sizes{directions, batch, hidden};
  std::vector<Tensor> inputs = {
      make.random(x), make.random({directions, gates * hidden, features}),
      scaled({directions, gates * hidden, hidden}, 1.0f / static_cast<float>(hidden))};
  std::vector<bool> constant = {false, true, true};
  if (all_inputs) {
    std::vector<int32_t> lengths;
    for (int64_t n = 0; n < batch; ++n) {
      lengths.push_back(static_cast<int32_t>(n % 3 == 0 ? steps : n % (steps + 1)));
    }
    if (batch > 1) lengths[0] = 0;
    inputs.push_back(make.random({directions, 2 * gates * hidden}));
    inputs.push_back(Tensor::from<int32_t>({batch}, lengths));
    inputs.push_back(make.random(state));
    constant.insert(constant.end(), {true, false, false});
    if (gates == 4) {
      inputs.push_back(make.random(state));
      inputs.push_back(make.random({directions, 3 * hidden}));
      constant.insert(constant.end(), {false, true});
    }
  } else if (gates == 4) {  // absent inputs between others
    const Tensor absent = Tensor::from<float>({0}, {});
    inputs.insert(inputs.end(), {absent, absent, absent, make.random(state)});
    constant.insert(constant.end(), {true, true, true, false});
  }
  const std::string title = name + " " + type_text({DataType::f32, to_shape(inputs[0].shape())}) +
                            " " + attributes_text(attributes);
  make.add(title, op_name, attributes, std::move(inputs), constant);
  // Each step: a sum of features + hidden + 3 terms below 2 in magnitude on average, a few
  // roundings of the gates; a cell adds up the errors of all steps.
  make.last().bound = 2 * 0x1p-24 * static_cast<double>((features + hidden + 16) * (steps + 1));
}

inline void add_recurrent_problems(ProblemMaker& make) {
  // Steps, batch, features, units.
  const std::array<int64_t, 4> kSizes[] = {{4, 1, 5, 16}, {3, 2, 9, 13},  {1, 3, 1, 1},
                                           {5, 9, 7, 33}, {2, 50, 3, 8},  {0, 2, 4, 6},
                                           {3, 0, 4, 6},  {70, 4, 6, 10}, {2, 5, 8, 150}};
  int i = 0;
  for (const auto& sizes : kSizes) {
    for (const bool all : {false, true}) {
      LstmAttributes lstm;
      GruAttributes gru;
      RecurrentAttributes rnn;
      const char* kDirections[] = {"forward", "bidirectional", "reverse"};
      lstm.direction = gru.direction = rnn.direction = kDirections[i++ % 3];
      lstm.batch_major = gru.batch_major = rnn.batch_major = all && i % 4 == 0;
      lstm.input_forget = i % 5 == 0;
      gru.linear_before_reset = all;
      if (i % 3 == 0) lstm.clip = gru.clip = rnn.clip = 0.75;
      add_recurrent_problem(make, "lstm", "LSTM", lstm, sizes, all);
      add_recurrent_problem(make, "gru", "GRU", gru, sizes, all);
      gru.linear_before_reset = !all;
      add_recurrent_problem(make, "gru", "GRU", gru, sizes, all);
      add_recurrent_problem(make, "rnn", "RNN", rnn, sizes, all);
    }
  }
  for (const char* name : {"Relu", "Affine", "LeakyRelu", "ThresholdedRelu", "ScaledTanh",
                           "HardSigmoid", "Elu", "Softsign", "Softplus"}) {
    RecurrentAttributes rnn;
    rnn.activations = name;
    rnn.clip = 2;
    add_recurrent_problem(make, name, "RNN", rnn, {3, 2, 4, 11}, true);
  }
}

inline std::vector<Problem> test_problems(unsigned seed) {
  ProblemMaker make(seed);
  add_conv_problems(make);
  add_matrix_problems(make);
  add_window_problems(make);
  add_pointwise_problems(make);
  add_other_problems(make);
  add_recurrent_problems(make);
  return make.take();
}

}  // namespace hone
