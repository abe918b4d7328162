// Random graphs with random wiring: residuals, branches, concat of parts, reshapes, everything that
// storage planning must get right.
#pragma once

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "ops/ops.h"
#include "ops/selection.h"
#include "runtime/runtime_test_util.h"

namespace hone::runtime_test {

class RandomGraph {
 public:
  // found_sizes: with steps whose results have sizes that depend on values.
  explicit RandomGraph(unsigned seed, bool found_sizes = false)
      : rng_(seed), found_sizes_(found_sizes) {
    graph_.name = "random " + std::to_string(seed);
    const Dim n = Dim::symbol("N");
    values_.push_back(
        graph_.add_input("x", {DataType::f32, {n, pick(4, 9), pick(4, 9), pick(1, 20)}}));
    if (pick(0, 1)) values_.push_back(graph_.add_input("y", {DataType::f32, {n, pick(1, 20)}}));
    const int64_t count = pick(4, 18);
    for (int64_t tries = 0; ops_ < count && tries < 40 * count; ++tries) step();
    const int64_t outputs = pick(1, 3);
    graph_.add_output(values_.back(), "last");
    for (int64_t i = 0; i < outputs; ++i) graph_.add_output(any(), "out_" + std::to_string(i));
  }
  Graph& graph() { return graph_; }
  int ops() const { return ops_; }
  std::vector<Tensor> inputs(int64_t batch) {
    std::vector<Tensor> tensors;
    for (const Value* input : graph_.inputs()) {
      tensors.push_back(random_tensor(rng_, eval_shape(input->shape(), {{"N", batch}}).value()));
    }
    return tensors;
  }

 private:
  int64_t pick(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(rng_);
  }
  Value* any() {
    return values_[static_cast<size_t>(pick(0, static_cast<int64_t>(values_.size()) - 1))];
  }
  // A value of this shape, or null.
  Value* same_shape(const Value* value) {
    for (int i = 0; i < 8; ++i) {
      if (Value* other = any(); other->shape() == value->shape()) return other;
    }
    return nullptr;
  }
  // Rows sum to less than 1, so that layers do not amplify errors.
  Value* weights(std::vector<int64_t> shape, int64_t sum_over) {
    Tensor tensor = random_tensor(rng_, std::move(shape));
    for (int64_t i = 0; i < tensor.num_elements(); ++i)
      tensor.mutable_data<float>()[i] *= 2.0f / (1 + sum_over);
    return graph_.add_constant("w", std::move(tensor));
  }
  Value* ints(std::vector<int64_t> values) {
    return graph_.add_constant(
        "k", Tensor::from<int64_t>({static_cast<int64_t>(values.size())}, values));
  }
  void add(std::string_view op_name, Attributes attributes, std::vector<Value*> inputs) {
    auto node = graph_.add_node(op_name, std::move(attributes), std::move(inputs));
    if (!node.ok()) {
      graph_.remove_dead();
      ADD_FAILURE() << node.status().message();
      return;
    }
    ++ops_;
    for (Value* output : (*node)->outputs()) values_.push_back(output);
  }

  void step() {
    Value* v = any();
    if (found_sizes_ && pick(0, 5) == 0) return compress(v);
    const size_t rank = v->shape().size();
    const bool known = v->shape().back().is_const();  // not the batch, moved there by a transpose
    switch (pick(0, 13)) {
      case 0:
        return rank == 4 ? conv(v, false) : void();
      case 1:
        return rank == 4 ? conv(v, pick(0, 1) != 0) : void();
      case 2:
        return rank == 4 ? pool(v) : void();
      case 3:
        return rank >= 2 && known ? matmul(v) : void();
      case 4:
      case 5: {
        static const char* const kUnary[] = {"Relu", "Tanh", "Sigmoid", "Neg", "Abs"};
        return add(kUnary[pick(0, 4)], {}, {v});
      }
      case 6:
      case 7:
        return known ? binary(v) : void();
      case 8:
        return concat(v);
      case 9:
        return split(v);
      case 10:
        return slice(v);
      case 11:
        return reshape(v);
      case 12:
        return transpose(v);
      case 13:
        return reduce(v);
    }
  }

  void conv(Value* v, bool depthwise) {
    const int64_t channels = v->shape()[3].value(), kernel = pick(0, 1) ? 3 : 1;
    ConvAttributes attributes;
    const int64_t stride = pick(1, 2);
    attributes.strides = {stride, stride};
    attributes.auto_pad = "same_upper";
    attributes.groups = depthwise ? channels : 1;
    const int64_t out = depthwise ? channels : pick(1, 24), in = depthwise ? 1 : channels;
    std::vector<Value*> inputs{v, weights({out, kernel, kernel, in}, kernel * kernel * in)};
    if (pick(0, 1)) inputs.push_back(weights({out}, 1));
    add("Conv", attributes, inputs);
  }
  void pool(Value* v) {
    PoolAttributes attributes;
    attributes.kernel = {2, 3};
    attributes.strides = {pick(1, 2), 1};
    attributes.auto_pad = "same_upper";
    add(pick(0, 1) ? "MaxPool" : "AveragePool", attributes, {v});
  }
  void matmul(Value* v) {
    const int64_t k = v->shape().back().value(), n = pick(1, 24);
    if (pick(0, 1)) return add("MatMul", MatMulAttributes{false, true}, {v, weights({n, k}, k)});
    add("MatMul", {}, {v, weights({k, n}, k)});
  }
  void binary(Value* v) {
    static const char* const kBinary[] = {"Add", "Sub", "Mul", "Max"};
    Value* other = pick(0, 2) ? same_shape(v) : weights({v->shape().back().value()}, 1);
    if (!other) return;
    if (++binaries_ > 8) return;  // sums of sums double the values; this many are fine
    add(kBinary[pick(0, 3)], {}, {v, other});
  }
  void concat(Value* v) {
    const int64_t axis =
        v->shape().size() > 1 ? pick(1, static_cast<int64_t>(v->shape().size()) - 1) : 0;
    std::vector<Value*> inputs{v};
    for (int i = 0; i < 12 && inputs.size() < 4; ++i) {
      Value* other = any();
      if (other->shape().size() != v->shape().size()) continue;
      bool fits = true;
      for (size_t d = 0; d < v->shape().size(); ++d) {
        fits = fits && (d == static_cast<size_t>(axis) || other->shape()[d] == v->shape()[d]);
      }
      if (fits) inputs.push_back(other);
    }
    if (v->shape()[static_cast<size_t>(axis)].const_value().value_or(1000) > 60) return;
    add("Concat", ConcatAttributes{axis}, inputs);
  }
  // An axis of known size of at least 2, or -1.
  int64_t wide_axis(const Value* v) {
    for (int i = 0; i < 4; ++i) {
      const auto axis = static_cast<size_t>(pick(0, static_cast<int64_t>(v->shape().size()) - 1));
      if (v->shape()[axis].const_value().value_or(0) >= 2) return static_cast<int64_t>(axis);
    }
    return -1;
  }
  void split(Value* v) {
    const int64_t axis = v->shape().empty() ? -1 : wide_axis(v);
    if (axis < 0) return;
    const int64_t size = v->shape()[static_cast<size_t>(axis)].value(), first = pick(1, size - 1);
    add("Split", SplitAttributes{axis, {first, size - first}}, {v});
  }
  void slice(Value* v) {
    const int64_t axis = v->shape().empty() ? -1 : wide_axis(v);
    if (axis < 0) return;
    const int64_t size = v->shape()[static_cast<size_t>(axis)].value(), start = pick(0, size - 1);
    const int64_t step = pick(1, 2), end = pick(start + 1, size);
    add("Slice", {}, {v, ints({start}), ints({end}), ints({axis}), ints({step})});
  }
  void reshape(Value* v) {
    if (v->shape().size() < 2) return;
    if (v->shape().size() == 2) return add("Unsqueeze", AxesAttributes{{pick(0, 2)}}, {v});
    // An Unsqueeze in front may have moved the batch to another place.
    for (size_t d = 1; d < v->shape().size(); ++d) {
      if (!v->shape()[d].is_const()) return;
    }
    // No -1: with a batch of 0 the reference could not tell its size.
    int64_t inner = 1;
    for (size_t d = 1; d + 1 < v->shape().size(); ++d) inner *= v->shape()[d].value();
    const int64_t last = v->shape().back().value();
    if (pick(0, 1)) return add("Reshape", {}, {v, ints({0, inner, last})});
    add("Reshape", {}, {v, ints({0, inner * last})});
  }
  void transpose(Value* v) {
    if (v->shape().size() == 4) return add("Transpose", TransposeAttributes{{0, 2, 1, 3}}, {v});
    if (v->shape().size() == 3) add("Transpose", TransposeAttributes{{0, 2, 1}}, {v});
  }
  // Rows of a value that has one for each batch entry. The condition looks at the input, whose bits
  // do not depend on rounding.
  void compress(Value* v) {
    Value* x = graph_.inputs()[0];
    if (v->shape().empty() || v->shape()[0] != x->shape()[0]) return;
    const Attributes flat = ReduceAttributes{{1, 2, 3}, false};
    Value* first =
        graph_.add("Slice", {}, {x, ints({0, 0, 0}), ints({1, 1, 1}), ints({1, 2, 3})}).value();
    Value* number = graph_.add("ReduceMax", flat, {first}).value();
    Value* limit =
        graph_.add_constant("limit", Tensor::scalar(0.8f * static_cast<float>(pick(-1, 1))));
    Value* mask = graph_.add("Greater", {}, {number, limit}).value();
    add("Compress", CompressAttributes{0}, {v, mask});
  }
  void reduce(Value* v) {
    if (v->shape().size() < 2) return;
    if (pick(0, 1)) return add("Softmax", SoftmaxAttributes{-1}, {v});
    if (!v->shape()[1].is_const()) return;  // the mean of nothing is NaN
    add(pick(0, 1) ? "ReduceMean" : "ReduceMax", ReduceAttributes{{1}, pick(0, 1) != 0}, {v});
  }

  std::mt19937 rng_;
  Graph graph_;
  std::vector<Value*> values_;
  bool found_sizes_;
  int ops_ = 0, binaries_ = 0;
};

}  // namespace hone::runtime_test
