// Bias and batch normalization.
#include <fmt/core.h>

#include "importers/tensorflow/import_layout.h"
#include "ops/lrn.h"

namespace hone::tf {
namespace {

constexpr int64_t kMaxRadius = int64_t{1} << 30;

// A vector per channel, shaped so that it broadcasts over data of this layout.
Result<Value*> per_channel(NodeImporter& n, const DataLayout& layout, Value* vector) {
  if (vector->shape().size() != 1) return Status(Code::kModel, "a parameter is not a vector");
  if (!layout.channels_first) return vector;
  std::vector<int64_t> axes;
  for (size_t i = 2; i < layout.rank; ++i) axes.push_back(static_cast<int64_t>(i) - 1);
  if (axes.empty()) return vector;
  return n.add("Unsqueeze", AxesAttributes{std::move(axes)}, {vector});
}

// data_format is NHWC or NCHW whatever the rank of the data.
Status import_bias_add(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * data, n.input(0));
  HONE_ASSIGN_OR_RETURN(Value * bias, n.input(1));
  HONE_ASSIGN_OR_RETURN(const std::string format, n.attr_string("data_format", "NHWC"));
  const DataLayout layout{format.starts_with("NC"), data->shape().size()};
  if (layout.rank < 2) return Status(Code::kModel, "the data has fewer than 2 dimensions");
  HONE_ASSIGN_OR_RETURN(bias, per_channel(n, layout, bias));
  HONE_ASSIGN_OR_RETURN(Value * sum, n.add("Add", {}, {data, bias}));
  n.output(sum);
  return ok();
}

Result<Value*> cast(NodeImporter& n, Value* x, DataType dtype) {
  if (x->dtype() == dtype) return x;
  return n.add("Cast", CastAttributes{dtype}, {x});
}

// y = (x - mean) * scale * rsqrt(variance + epsilon) + offset with the statistics of the batch.
// Keras 2 computes LayerNormalization like this, on data that it reshapes to one channel per row.
Status import_training_batch_norm(NodeImporter& n, Value* x, const DataLayout& layout,
                                  double epsilon) {
  HONE_ASSIGN_OR_RETURN(Value * scale, n.input(1));
  HONE_ASSIGN_OR_RETURN(Value * offset, n.input(2));
  const DataType dtype = scale->dtype(), data_dtype = x->dtype();
  HONE_ASSIGN_OR_RETURN(scale, per_channel(n, layout, scale));
  HONE_ASSIGN_OR_RETURN(offset, per_channel(n, layout, offset));
  HONE_ASSIGN_OR_RETURN(x, cast(n, x, dtype));
  ReduceAttributes over;
  for (size_t i = 0; i < layout.rank; ++i) {
    if (i != layout.channel()) over.axes.push_back(static_cast<int64_t>(i));
  }
  HONE_ASSIGN_OR_RETURN(Value * mean, n.add("ReduceMean", over, {x}));
  HONE_ASSIGN_OR_RETURN(x, n.add("Sub", {}, {x, mean}));
  HONE_ASSIGN_OR_RETURN(Value * variance, n.add("Square", {}, {x}));
  HONE_ASSIGN_OR_RETURN(variance, n.add("ReduceMean", over, {variance}));
  HONE_ASSIGN_OR_RETURN(variance, n.add("Add", {}, {variance, n.scalar(epsilon, dtype)}));
  HONE_ASSIGN_OR_RETURN(Value * factor, n.add("Rsqrt", {}, {variance}));
  HONE_ASSIGN_OR_RETURN(x, n.add("Mul", {}, {x, factor}));
  HONE_ASSIGN_OR_RETURN(x, n.add("Mul", {}, {x, scale}));
  HONE_ASSIGN_OR_RETURN(x, n.add("Add", {}, {x, offset}));
  HONE_ASSIGN_OR_RETURN(x, cast(n, x, data_dtype));
  n.output(x);
  return ok();
}

// y = (x - mean) * scale * rsqrt(variance + epsilon) + offset, computed in the dtype of the
// statistics (FP32 where the data is FP16).
Status import_batch_norm(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(const bool training, n.attr_bool("is_training", true));
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  HONE_ASSIGN_OR_RETURN(const DataLayout layout, data_layout(n, x->shape().size()));
  HONE_ASSIGN_OR_RETURN(const double epsilon, n.attr_float("epsilon", 0.0001));
  if (training) return import_training_batch_norm(n, x, layout, epsilon);
  Value* in[5];
  for (size_t i = 1; i < 5; ++i) {
    HONE_ASSIGN_OR_RETURN(in[i], n.input(i));
  }
  const DataType dtype = in[4]->dtype(), data_dtype = x->dtype();
  HONE_ASSIGN_OR_RETURN(Value * variance, n.add("Add", {}, {in[4], n.scalar(epsilon, dtype)}));
  HONE_ASSIGN_OR_RETURN(Value * rsqrt, n.add("Rsqrt", {}, {variance}));
  HONE_ASSIGN_OR_RETURN(Value * scale, n.add("Mul", {}, {in[1], rsqrt}));
  HONE_ASSIGN_OR_RETURN(Value * shift, n.add("Mul", {}, {in[3], scale}));
  HONE_ASSIGN_OR_RETURN(shift, n.add("Sub", {}, {in[2], shift}));
  HONE_ASSIGN_OR_RETURN(scale, per_channel(n, layout, scale));
  HONE_ASSIGN_OR_RETURN(shift, per_channel(n, layout, shift));
  HONE_ASSIGN_OR_RETURN(x, cast(n, x, dtype));
  HONE_ASSIGN_OR_RETURN(x, n.add("Mul", {}, {x, scale}));
  HONE_ASSIGN_OR_RETURN(x, n.add("Add", {}, {x, shift}));
  HONE_ASSIGN_OR_RETURN(x, cast(n, x, data_dtype));
  n.output(x);
  return ok();
}

// alpha is per square here, and the window reaches equally far on both sides.
Status import_lrn(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  HONE_ASSIGN_OR_RETURN(const int64_t radius, n.attr_int("depth_radius", 5));
  if (radius < 0 || radius > kMaxRadius) {
    return Status(Code::kModel, fmt::format("depth_radius is {}", radius));
  }
  LrnAttributes attributes;
  attributes.size = 2 * radius + 1;
  HONE_ASSIGN_OR_RETURN(const double alpha, n.attr_float("alpha", 1));
  attributes.alpha = alpha * static_cast<double>(attributes.size);
  HONE_ASSIGN_OR_RETURN(attributes.beta, n.attr_float("beta", 0.5));
  HONE_ASSIGN_OR_RETURN(attributes.bias, n.attr_float("bias", 1));
  HONE_ASSIGN_OR_RETURN(Value * y, n.add("LRN", attributes, {x}));
  n.output(y);
  return ok();
}

constexpr const char* kLimits = "output 0";

constexpr OpImporter kTable[] = {
    {"BiasAdd", import_bias_add, ""},
    {"FusedBatchNorm", import_batch_norm, kLimits},
    {"FusedBatchNormV2", import_batch_norm, kLimits},
    {"FusedBatchNormV3", import_batch_norm, kLimits},
    {"LRN", import_lrn, ""},
};

}  // namespace

std::span<const OpImporter> normalization_importers() { return kTable; }

}  // namespace hone::tf
