// Plans from graph text, and running them with tensors, for tests.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "graph/text.h"
#include "hone/engine.h"
#include "lower/lower.h"
#include "passes/pipeline.h"
#include "plan/plan.h"
#include "tune/make_portable.h"
#include "tune/tuner.h"

namespace hone::runtime_test {

inline Graph read_graph(std::string_view text) {
  auto graph = parse_graph(text);
  if (!graph.ok()) ADD_FAILURE() << graph.status().message();
  return graph.ok() ? std::move(*graph) : Graph();
}

struct PlanOptions {
  bool passes = true;
  bool tune = false;
  bool portable = true;  // keep constants that are packed
  int threads = 1;
};

inline void drop_packed_constants(PlanData* plan) {
  std::vector<bool> needed(plan->portable.values.size(), false);
  for (size_t s = 0; s < plan->portable.steps.size(); ++s) {
    const PlanStep& step = plan->portable.steps[s];
    const auto& replaced = plan->tuned[0].steps[s].replaced_inputs;
    for (size_t i = 0; i < step.inputs.size(); ++i) {
      if (std::find(replaced.begin(), replaced.end(), i) == replaced.end())
        needed[step.inputs[i]] = true;
    }
  }
  for (size_t v = 0; v < needed.size(); ++v) {
    if (needed[v]) continue;
    plan->portable.values[v].has_data = false;
    plan->portable.values[v].constant = Tensor();
  }
}

inline PlanData make_plan(Graph graph, const PlanOptions& options = {}) {
  if (options.passes) {
    auto passes = run_passes(graph);
    if (!passes.ok()) ADD_FAILURE() << passes.status().message();
  }
  PlanData plan;
  plan.portable = make_portable(graph, {}).value();
  const Target target{CpuFeatures::detected(), options.threads};
  TimingCache cache;
  TunerOptions tuner_options;
  tuner_options.tune = options.tune;
  tuner_options.seconds = 2;
  Tuner tuner(target, &cache, tuner_options);
  const auto choices = tuner.choose(plan.portable).value();
  plan.tuned.push_back(lower(plan.portable, target, choices).value());
  if (!options.portable) drop_packed_constants(&plan);
  return plan;
}

inline Engine load(const PlanData& plan, int threads = 1) {
  return Engine::load_bytes(write_plan(plan).value(), {threads, false}).value();
}

inline Tensor random_tensor(std::mt19937& rng, std::vector<int64_t> shape) {
  Tensor tensor = Tensor::zeros(DataType::f32, std::move(shape));
  std::uniform_real_distribution<float> uniform(-1, 1);
  float* data = tensor.num_elements() > 0 ? tensor.mutable_data<float>() : nullptr;
  for (int64_t i = 0; i < tensor.num_elements(); ++i) data[i] = uniform(rng);
  return tensor;
}

inline std::vector<TensorView> views_of(const std::vector<Tensor>& tensors) {
  std::vector<TensorView> views;
  for (const Tensor& tensor : tensors)
    views.emplace_back(tensor.raw(), tensor.shape(), tensor.dtype());
  return views;
}

// Outputs lie one element beyond a 64-byte boundary: callers need not align their buffers.
inline Result<std::vector<Tensor>> run(ExecutionContext& context,
                                       const std::vector<Tensor>& inputs) {
  struct Output {
    std::vector<int64_t> shape;
    DataType dtype;
    size_t bytes;
    std::vector<std::byte> memory;
  };
  std::vector<Output> outputs;
  outputs.reserve(64);
  const Status status = context.run(
      views_of(inputs),
      [&outputs](size_t, const std::vector<int64_t>& shape, DataType dtype, size_t bytes) -> void* {
        // Exactly as large as asked for, so that ASan sees writes beyond.
        outputs.push_back({shape, dtype, bytes, std::vector<std::byte>(bytes + dtype_size(dtype))});
        return outputs.back().memory.data() + dtype_size(dtype);
      });
  if (!status.ok()) return status;
  std::vector<Tensor> tensors;
  for (const Output& output : outputs) {
    tensors.push_back(Tensor::copy_of(output.dtype, output.shape,
                                      output.memory.data() + dtype_size(output.dtype), output.bytes)
                          .value());
  }
  return tensors;
}

inline int value_index(const Portable& portable, const std::string& name) {
  for (size_t v = 0; v < portable.values.size(); ++v) {
    if (portable.values[v].name == name) return static_cast<int>(v);
  }
  ADD_FAILURE() << "no value " << name;
  return 0;
}

// A network with every kind of tactic and storage: convolutions of each kind with epilogues, a
// residual, concat, split, reshape, products, softmax. Input x: f32[N,8,8,16].
inline constexpr const char* kNetwork = R"(graph "network" {
  input %x: f32[N,8,8,16]
  const %w1: f32[24,3,3,16] = random(1)
  const %b1: f32[24] = random(2)
  const %w2: f32[24,1,1,24] = random(3)
  const %wd: f32[24,3,3,1] = random(4)
  const %w3: f32[8,3,3,24] = random(5)
  const %shape: i64[2] = [0, -1]
  const %dense: f32[64,10] = random(6)
  const %small: f32[1] = [0.05]
  %c1 = Conv(%x, %w1, %b1) {auto_pad="same_upper"}
  %s1 = Mul(%c1, %small)
  %r1 = Relu(%s1)
  %c2 = Conv(%r1, %w2)
  %s2 = Mul(%c2, %small)
  %sum = Add(%s2, %r1)
  %r2 = Relu(%sum)
  %d = Conv(%r2, %wd) {auto_pad="same_upper", groups=24}
  %dt = Tanh(%d)
  %c3 = Conv(%r2, %w3) {auto_pad="same_upper", strides=[2,2]}
  %t3 = Tanh(%c3)
  %p = MaxPool(%dt) {kernel=[2,2], strides=[2,2]}
  %cat = Concat(%t3, %p, %t3) {axis=3}
  %left, %right = Split(%cat) {axis=3, sizes=[16,24]}
  %m1 = ReduceMean(%left) {axes=[1,2], keepdims=false}
  %m2 = ReduceMax(%right) {axes=[1,2], keepdims=false}
  %m3 = AveragePool(%right) {kernel=[4,4], strides=[4,4]}
  %m4 = Reshape(%m3, %shape)
  %all = Concat(%m1, %m2, %m4) {axis=1}
  %y = MatMul(%all, %dense)
  %prob = Softmax(%y)
  output %prob as "prob"
  output %r2 as "features"
})";

}  // namespace hone::runtime_test
