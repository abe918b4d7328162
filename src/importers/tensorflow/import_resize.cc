// Image resizing.
#include <fmt/core.h>

#include "importers/tensorflow/node_importer.h"
#include "ops/resize.h"

namespace hone::tf {
namespace {

// The second input is the new height and width of [N, H, W, C]; places are computed in TensorFlow's
// arithmetic.
Result<Value*> resize(NodeImporter& n, Value* x, ResizeAttributes attributes) {
  if (x->shape().size() != 4) return Status(Code::kModel, "the data does not have rank 4");
  HONE_ASSIGN_OR_RETURN(Value * size, n.input(1));
  if (size->values() && size->values()->size() == 2) {
    for (const Dim& dim : *size->values()) {
      if (dim.is_const() && dim.value() < 1) {
        return Status(Code::kModel, fmt::format("a size of {}", dim.value()));
      }
    }
  }
  attributes.axes = {1, 2};
  attributes.tensorflow = true;
  return n.add("Resize", std::move(attributes), {x, size});
}

Result<std::string> read_coordinates(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(const bool align, n.attr_bool("align_corners", false));
  HONE_ASSIGN_OR_RETURN(const bool half, n.attr_bool("half_pixel_centers", false));
  if (align && half) return Status(Code::kModel, "align_corners together with half_pixel_centers");
  return std::string(align ? "align_corners" : half ? "half_pixel" : "asymmetric");
}

Status import_nearest(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  ResizeAttributes attributes{.mode = "nearest"};
  HONE_ASSIGN_OR_RETURN(attributes.coordinates, read_coordinates(n));
  if (attributes.coordinates == "half_pixel") attributes.coordinates = "tf_half_pixel_for_nn";
  attributes.rounding = attributes.coordinates == "align_corners" ? "round_prefer_ceil" : "floor";
  HONE_ASSIGN_OR_RETURN(x, resize(n, x, std::move(attributes)));
  n.output(x);
  return ok();
}

// The result is FP32 whatever the data.
Status import_interpolation(NodeImporter& n, const char* mode) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  ResizeAttributes attributes{.mode = mode};
  HONE_ASSIGN_OR_RETURN(attributes.coordinates, read_coordinates(n));
  // With half pixels Keys' kernel, elsewhere that of older versions.
  attributes.exclude_outside = attributes.coordinates == "half_pixel";
  attributes.cubic_coefficient = attributes.exclude_outside ? -0.5 : -0.75;
  if (x->dtype() != DataType::f32) {
    HONE_ASSIGN_OR_RETURN(x, n.add("Cast", CastAttributes{DataType::f32}, {x}));
  }
  HONE_ASSIGN_OR_RETURN(x, resize(n, x, std::move(attributes)));
  n.output(x);
  return ok();
}

Status import_bilinear(NodeImporter& n) { return import_interpolation(n, "linear"); }
Status import_bicubic(NodeImporter& n) { return import_interpolation(n, "cubic"); }

constexpr OpImporter kTable[] = {
    {"ResizeBicubic", import_bicubic, ""},
    {"ResizeBilinear", import_bilinear, ""},
    {"ResizeNearestNeighbor", import_nearest, ""},
};

}  // namespace

std::span<const OpImporter> resize_importers() { return kTable; }

}  // namespace hone::tf
