// Image resizing, as Gather along rows and columns with indices and weights known at import.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "importers/tensorflow/node_importer.h"

namespace hone::tf {
namespace {

constexpr int64_t kMaxSize = int64_t{1} << 24;  // exact in float

struct Sampling {
  int64_t in = 0, out = 0;
  bool align_corners = false, half_pixel_centers = false;

  // In float, as TensorFlow's kernels do: the index may depend on the rounding.
  float scale() const {
    if (align_corners && out > 1) return static_cast<float>(in - 1) / static_cast<float>(out - 1);
    return static_cast<float>(in) / static_cast<float>(out);
  }
  int64_t nearest(int64_t i) const {
    const float place = (static_cast<float>(i) + (half_pixel_centers ? 0.5f : 0.0f)) * scale();
    const float index = align_corners ? std::round(place) : std::floor(place);
    return std::clamp<int64_t>(static_cast<int64_t>(index), 0, in - 1);
  }
  float linear(int64_t i) const {
    if (half_pixel_centers) return (static_cast<float>(i) + 0.5f) * scale() - 0.5f;
    return static_cast<float>(i) * scale();
  }
};

// Of data [N, H, W, C]: height, width.
Status read_sampling(NodeImporter& n, const Value* x, Sampling* sampling) {
  if (x->shape().size() != 4) return Status(Code::kModel, "the data does not have rank 4");
  HONE_ASSIGN_OR_RETURN(const auto size, n.ints(1, "size"));
  if (size.size() != 2) return Status(Code::kModel, "size does not have 2 elements");
  HONE_ASSIGN_OR_RETURN(const bool align, n.attr_bool("align_corners", false));
  HONE_ASSIGN_OR_RETURN(const bool half, n.attr_bool("half_pixel_centers", false));
  if (align && half) return Status(Code::kModel, "align_corners together with half_pixel_centers");
  for (size_t i = 0; i < 2; ++i) {
    const Dim& dim = x->shape()[i + 1];
    if (!dim.is_const()) return NodeImporter::unsupported("height or width is not known");
    sampling[i] = {dim.value(), size[i], align, half};
    if (std::min(sampling[i].in, size[i]) < 1 || std::max(sampling[i].in, size[i]) > kMaxSize) {
      return Status(Code::kModel, fmt::format("resizing {} to {}", dim.value(), size[i]));
    }
  }
  return ok();
}

Result<Value*> gather(NodeImporter& n, Value* x, std::vector<int64_t> indices, int64_t axis) {
  return n.add("Gather", GatherAttributes{axis, 0}, {x, n.int_constant(std::move(indices))});
}

Status import_nearest(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  Sampling sampling[2];
  HONE_RETURN_IF_ERROR(read_sampling(n, x, sampling));
  for (int axis = 0; axis < 2; ++axis) {
    std::vector<int64_t> indices;
    for (int64_t i = 0; i < sampling[axis].out; ++i) indices.push_back(sampling[axis].nearest(i));
    HONE_ASSIGN_OR_RETURN(x, gather(n, x, std::move(indices), axis + 1));
  }
  n.output(x);
  return ok();
}

// low + (high - low) * weight along one axis.
Result<Value*> interpolate(NodeImporter& n, Value* x, const Sampling& sampling, int64_t axis) {
  std::vector<int64_t> low, high;
  std::vector<float> weight;
  for (int64_t i = 0; i < sampling.out; ++i) {
    const float place = sampling.linear(i);
    low.push_back(std::clamp<int64_t>(static_cast<int64_t>(std::floor(place)), 0, sampling.in - 1));
    high.push_back(std::clamp<int64_t>(static_cast<int64_t>(std::ceil(place)), 0, sampling.in - 1));
    weight.push_back(place - std::floor(place));
  }
  std::vector<int64_t> shape(static_cast<size_t>(4 - axis), 1);
  shape[0] = sampling.out;
  Value* weights = n.constant(Tensor::from<float>(std::move(shape), weight));
  HONE_ASSIGN_OR_RETURN(Value * first, gather(n, x, std::move(low), axis));
  HONE_ASSIGN_OR_RETURN(Value * second, gather(n, x, std::move(high), axis));
  HONE_ASSIGN_OR_RETURN(Value * difference, n.add("Sub", {}, {second, first}));
  HONE_ASSIGN_OR_RETURN(Value * part, n.add("Mul", {}, {difference, weights}));
  return n.add("Add", {}, {first, part});
}

// The result is FP32 whatever the data.
Status import_bilinear(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  Sampling sampling[2];
  HONE_RETURN_IF_ERROR(read_sampling(n, x, sampling));
  if (x->dtype() != DataType::f32) {
    HONE_ASSIGN_OR_RETURN(x, n.add("Cast", CastAttributes{DataType::f32}, {x}));
  }
  for (int axis = 0; axis < 2; ++axis) {
    if (sampling[axis].in == sampling[axis].out) continue;  // every mode keeps the data then
    HONE_ASSIGN_OR_RETURN(x, interpolate(n, x, sampling[axis], axis + 1));
  }
  n.output(x);
  return ok();
}

constexpr OpImporter kTable[] = {
    {"ResizeBilinear", import_bilinear, "known height and width, constant size"},
    {"ResizeNearestNeighbor", import_nearest, "known height and width, constant size"},
};

}  // namespace

std::span<const OpImporter> resize_importers() { return kTable; }

}  // namespace hone::tf
