// Normalization. Layer and RMS normalization are operators; the others are decomposed into
// arithmetic.
#include <cmath>

#include "importers/onnx/importer_table.h"
#include "ops/lrn.h"

namespace hone::onnx {
namespace {

// A per-channel vector [C] as [1, C, 1, ...], which broadcasts to [N, C, spatial...].
Value* per_channel(Call& call, Value* vector, size_t rank) {
  if (vector->shape().size() != 1) call.bad_model("a parameter is not a vector");
  std::vector<int64_t> shape(rank, 1);
  shape[rank > 1 ? 1 : 0] = -1;
  if (const Tensor* tensor = vector->constant()) {
    shape[rank > 1 ? 1 : 0] = tensor->num_elements();
    return call.constant(tensor->reshaped(shape));
  }
  return call.reshape(vector, shape);
}

struct Affine {
  Value* scale;
  Value* shift;
};

// scale / sqrt(variance + epsilon) and bias - mean * that. In double where all are constants.
std::optional<Affine> constant_affine(Call& call, double epsilon) {
  std::vector<double> parameters[4];
  for (size_t i = 0; i < 4; ++i) {
    const Tensor* tensor = call.input(i + 1)->constant();
    if (!tensor || (tensor->dtype() != DataType::f32 && tensor->dtype() != DataType::f64)) {
      return std::nullopt;
    }
    if (tensor->dtype() != call.input(1)->dtype()) return std::nullopt;
    parameters[i] = *tensor->as_doubles();
    if (parameters[i].size() != parameters[0].size())
      call.bad_model("the parameters' sizes differ");
  }
  auto& [scale, bias, mean, variance] = parameters;
  for (size_t c = 0; c < scale.size(); ++c) {
    scale[c] /= std::sqrt(variance[c] + epsilon);
    bias[c] -= mean[c] * scale[c];
  }
  const auto size = static_cast<int64_t>(scale.size());
  if (call.input(1)->dtype() == DataType::f64) {
    return Affine{call.constant(Tensor::from<double>({size}, scale)),
                  call.constant(Tensor::from<double>({size}, bias))};
  }
  const std::vector<float> scale32(scale.begin(), scale.end()), bias32(bias.begin(), bias.end());
  return Affine{call.constant(Tensor::from<float>({size}, scale32)),
                call.constant(Tensor::from<float>({size}, bias32))};
}

Value* reciprocal_deviation(Call& call, Value* variance, double epsilon) {
  Value* sum = call.emit("Add", {variance, call.scalar_like(variance, epsilon)});
  return call.emit("Rsqrt", {sum});
}

Affine computed_affine(Call& call, double epsilon) {
  Value* variance = call.input(4);
  Value* scale = call.emit("Mul", {call.cast(call.input(1), variance->dtype()),
                                   reciprocal_deviation(call, variance, epsilon)});
  Value* shift = call.emit("Sub", {call.cast(call.input(2), variance->dtype()),
                                   call.emit("Mul", {call.input(3), scale})});
  return {scale, shift};
}

Values batch_normalization(Call& call) {
  Value* x = call.input(0);
  const double epsilon = call.real("epsilon", 1e-5);
  const bool training = call.flag("training_mode", false);
  const bool spatial = call.opset() >= 9 || call.flag("spatial", true);
  call.ignore({"momentum"});
  call.require(!training, "attribute 'training_mode' is set");
  call.require(spatial, "attribute 'spatial' is 0");
  const auto folded = constant_affine(call, epsilon);
  const Affine affine = folded ? *folded : computed_affine(call, epsilon);
  const size_t rank = x->shape().size();
  Value* scale = per_channel(call, call.cast(affine.scale, x->dtype()), rank);
  Value* shift = per_channel(call, call.cast(affine.shift, x->dtype()), rank);
  return {call.emit("Add", {call.emit("Mul", {x, scale}), shift})};
}

struct Normalized {
  Value* result;
  Value* mean;
  Value* reciprocal_deviation;
};

// (x - mean) / sqrt(variance + epsilon) over `axes`.
Normalized normalize(Call& call, Value* x, const std::vector<int64_t>& axes, double epsilon) {
  const ReduceAttributes over{.axes = axes};
  Value* mean = call.emit("ReduceMean", {x}, over);
  Value* centred = call.emit("Sub", {x, mean});
  Value* variance = call.emit("ReduceMean", {call.emit("Square", {centred})}, over);
  Value* factor = reciprocal_deviation(call, variance, epsilon);
  return {call.emit("Mul", {centred, factor}), mean, factor};
}

std::vector<int64_t> axes_from(int64_t first, size_t rank) {
  std::vector<int64_t> axes;
  for (auto i = first; i < static_cast<int64_t>(rank); ++i) axes.push_back(i);
  return axes;
}

// The dtype in which the statistics are computed: attribute stash_type, FP32 by default.
DataType stash_dtype(Call& call, DataType dtype) {
  const auto stash = to_dtype(call.integer("stash_type", 1));
  if (!stash || !is_float(*stash))
    call.bad_model("attribute 'stash_type' is no floating point type");
  // FP64 data keeps its precision, as in other runtimes.
  return dtype == DataType::f64 ? dtype : *stash;
}

Values instance_normalization(Call& call) {
  Value* x = call.input(0);
  Value* scale = call.input(1);
  Value* bias = call.input(2);
  const double epsilon = call.real("epsilon", 1e-5);
  const size_t rank = x->shape().size();
  if (rank < 3) call.bad_model("the input has no spatial dimensions");
  Value* y = normalize(call, x, axes_from(2, rank), epsilon).result;
  y = call.emit("Mul", {y, per_channel(call, scale, rank)});
  return {call.emit("Add", {y, per_channel(call, bias, rank)})};
}

// Whether there is one element for each of a row; what broadcasts within rows has no fast kernel.
bool is_row(const Value* operand, const Value* x, int64_t axis) {
  return !operand || operand->shape() == Shape(x->shape().begin() + axis, x->shape().end());
}

Values layer_normalization(Call& call) {
  Value* x = call.input(0);
  Value* scale = call.input(1);
  Value* bias = call.optional(2);
  const double epsilon = call.real("epsilon", 1e-5);
  const int64_t axis = call.positive_axis(call.integer("axis", -1), x->shape().size());
  const DataType stash = stash_dtype(call, x->dtype());
  const size_t rank = x->shape().size();
  const bool rows = is_row(scale, x, axis) && is_row(bias, x, axis);
  if (stash == x->dtype() && call.num_outputs() == 1 && rows) {
    const NormalizationAttributes attributes{axes_from(axis, rank), epsilon};
    return {call.emit("LayerNormalization", call.inputs(), attributes)};
  }
  const Normalized n = normalize(call, call.cast(x, stash), axes_from(axis, rank), epsilon);
  Value* y = call.emit("Mul", {call.cast(n.result, x->dtype()), scale});
  if (bias) y = call.emit("Add", {y, bias});
  return {y, n.mean, n.reciprocal_deviation};
}

Values rms_normalization(Call& call) {
  Value* x = call.input(0);
  Value* scale = call.input(1);
  const double epsilon = call.real("epsilon", 1e-5);
  const int64_t axis = call.positive_axis(call.integer("axis", -1), x->shape().size());
  const DataType stash = stash_dtype(call, x->dtype());
  if (stash == x->dtype() && is_row(scale, x, axis)) {
    const NormalizationAttributes attributes{axes_from(axis, x->shape().size()), epsilon};
    return {call.emit("RMSNormalization", {x, scale}, attributes)};
  }
  Value* data = call.cast(x, stash);
  const ReduceAttributes over{.axes = axes_from(axis, x->shape().size())};
  Value* square = call.emit("ReduceMean", {call.emit("Square", {data})}, over);
  Value* y = call.emit("Mul", {data, reciprocal_deviation(call, square, epsilon)});
  return {call.emit("Mul", {call.cast(y, x->dtype()), scale})};
}

// Channels in groups: x as [N, groups, rest], normalized over the rest. Scale and bias are per
// group before opset 21, per channel from then on.
Values group_normalization(Call& call) {
  Value* x = call.input(0);
  Value* scale = call.input(1);
  Value* bias = call.input(2);
  const double epsilon = call.real("epsilon", 1e-5);
  const int64_t groups = call.integer("num_groups");
  const DataType stash = stash_dtype(call, x->dtype());
  const size_t rank = x->shape().size();
  if (rank < 3) call.bad_model("the input has no spatial dimensions");
  if (groups < 1) call.bad_model("attribute 'num_groups' is not positive");
  Value* grouped = call.cast(call.reshape(x, {0, groups, -1}), stash);
  Value* y = call.cast(normalize(call, grouped, {2}, epsilon).result, x->dtype());
  if (call.opset() >= 21) y = call.reshape_like(y, x);
  const size_t result_rank = y->shape().size();
  y = call.emit("Mul", {y, per_channel(call, scale, result_rank)});
  y = call.emit("Add", {y, per_channel(call, bias, result_rank)});
  return {call.opset() >= 21 ? y : call.reshape_like(y, x)};
}

Values lrn(Call& call) {
  LrnAttributes attributes;
  attributes.size = call.integer("size");
  attributes.alpha = call.real("alpha", 1e-4);
  attributes.beta = call.real("beta", 0.75);
  attributes.bias = call.real("bias", 1);
  return {call.channels_first(call.emit("LRN", {call.channels_last(call.input(0))}, attributes))};
}

// x divided by its norm along an axis; 0 where the norm is 0.
Values lp_normalization(Call& call) {
  Value* x = call.input(0);
  const int64_t axis = call.integer("axis", -1);
  const int64_t p = call.integer("p", 2);
  if (p != 1 && p != 2) call.bad_model("attribute 'p' is neither 1 nor 2");
  Value* norm = call.emit(p == 1 ? "ReduceL1" : "ReduceL2", {x}, ReduceAttributes{.axes = {axis}});
  Value* is_zero = call.emit("Equal", {norm, call.scalar_like(norm, 0)});
  Value* divisor = call.emit("Where", {is_zero, call.scalar_like(norm, 1), norm});
  return {call.emit("Div", {x, divisor})};
}

}  // namespace

std::vector<ImportRow> norm_rows() {
  return {
      {"BatchNormalization", batch_normalization, 5, 5, 1, "inference only, one output"},
      {"GroupNormalization", group_normalization, 3, 3, 18},
      {"InstanceNormalization", instance_normalization, 3, 3},
      {"LRN", lrn},
      {"LayerNormalization", layer_normalization, 2, 3, 17},
      {"LpNormalization", lp_normalization},
      {"RMSNormalization", rms_normalization, 2, 2, 23},
  };
}

}  // namespace hone::onnx
