// Problems for the tests of tactics: steps with data.
#pragma once

#include <array>
#include <cmath>
#include <random>
#include <string>
#include <vector>

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
  Problem& last() { return problems_.back(); }
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
    make.add(name + " bias gelu", "MatMul", {}, {a, b, bias}, {false, true, true},
             add_program("Erf"));
    make.add(name + " dynamic", "MatMul", {}, {a, b});
    make.add(name + " addend", "MatMul", {}, {a, b, make.random({m, n})}, {}, add_program());
  }
  make.add("matmul batched", "MatMul", {}, {make.random({2, 3, 4, 5}), make.random({2, 3, 5, 6})});
  make.add("matmul broadcast", "MatMul", {}, {make.random({2, 3, 4, 5}), make.random({3, 5, 6})});
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

inline void add_other_problems(ProblemMaker& make) {
  for (const int64_t axis : {-1, 1, 0}) {
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
  make.add("gather", "Gather", {},
           {make.random({9, 5}), Tensor::from<int64_t>({2, 3}, {0, 8, -1, 3, 3, 2})},
           {true, false});
  make.last().may_stride = false;
}

inline std::vector<Problem> test_problems(unsigned seed) {
  ProblemMaker make(seed);
  add_conv_problems(make);
  add_matrix_problems(make);
  add_window_problems(make);
  add_pointwise_problems(make);
  add_other_problems(make);
  return make.take();
}

}  // namespace hone
