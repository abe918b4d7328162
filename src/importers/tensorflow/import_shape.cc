// Shapes and types: Reshape, Squeeze, Shape, Fill, Cast ...
#include <fmt/core.h>

#include "importers/tensorflow/node_importer.h"

namespace hone::tf {
namespace {

Status import_identity(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  n.output(x);
  return ok();
}

Status import_reshape(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  HONE_ASSIGN_OR_RETURN(Value * shape, n.input(1));
  ReshapeAttributes attributes;
  attributes.allowzero = true;
  HONE_ASSIGN_OR_RETURN(Value * result, n.add("Reshape", attributes, {x, shape}));
  n.output(result);
  return ok();
}

Status import_squeeze(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  HONE_ASSIGN_OR_RETURN(AxesAttributes attributes, [&]() -> Result<AxesAttributes> {
    HONE_ASSIGN_OR_RETURN(auto axes, n.attr_ints("squeeze_dims"));
    return AxesAttributes{std::move(axes)};
  }());
  if (attributes.axes.empty() && !is_static(x->shape())) {
    return NodeImporter::unsupported("no squeeze_dims, and the input's shape is not fully known");
  }
  HONE_ASSIGN_OR_RETURN(Value * result, n.add("Squeeze", attributes, {x}));
  n.output(result);
  return ok();
}

Status import_expand_dims(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  HONE_ASSIGN_OR_RETURN(int64_t axis, n.scalar_int(1, "axis"));
  HONE_ASSIGN_OR_RETURN(axis, NodeImporter::axis(axis, x->shape().size() + 1));
  HONE_ASSIGN_OR_RETURN(Value * result, n.add("Unsqueeze", AxesAttributes{{axis}}, {x}));
  n.output(result);
  return ok();
}

// Shape and Size give int64 in Hone; TensorFlow's default is int32.
Status import_shape(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  HONE_ASSIGN_OR_RETURN(Value * shape, n.add("Shape", {}, {x}));
  DataType type = DataType::i32;
  if (n.node().attrs.count("out_type")) {
    HONE_ASSIGN_OR_RETURN(type, n.attr_type("out_type"));
  }
  if (type != DataType::i64) {
    HONE_ASSIGN_OR_RETURN(shape, n.add("Cast", CastAttributes{type}, {shape}));
  }
  n.output(shape);
  return ok();
}

Status import_cast(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  CastAttributes attributes;
  HONE_ASSIGN_OR_RETURN(attributes.to, n.attr_type("DstT"));
  HONE_ASSIGN_OR_RETURN(Value * result, n.add("Cast", attributes, {x}));
  n.output(result);
  return ok();
}

Status import_fill(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * dims, n.input(0));
  HONE_ASSIGN_OR_RETURN(Value * value, n.input(1));
  HONE_ASSIGN_OR_RETURN(Value * result, n.add("Fill", {}, {dims, value}));
  n.output(result);
  return ok();
}

Status import_like(NodeImporter& n, double value) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  HONE_ASSIGN_OR_RETURN(Value * shape, n.add("Shape", {}, {x}));
  HONE_ASSIGN_OR_RETURN(Value * result, n.add("Fill", {}, {shape, n.scalar(value, x->dtype())}));
  n.output(result);
  return ok();
}
Status import_zeros_like(NodeImporter& n) { return import_like(n, 0); }
Status import_ones_like(NodeImporter& n) { return import_like(n, 1); }

Status import_broadcast_to(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  HONE_ASSIGN_OR_RETURN(Value * shape, n.input(1));
  HONE_ASSIGN_OR_RETURN(Value * result, n.add("Expand", {}, {x, shape}));
  n.output(result);
  return ok();
}

Status import_range(NodeImporter& n) {
  std::vector<Value*> inputs;
  for (size_t i = 0; i < 3; ++i) {
    HONE_ASSIGN_OR_RETURN(Value * value, n.input(i));
    inputs.push_back(value);
  }
  HONE_ASSIGN_OR_RETURN(Value * result, n.add("Range", {}, std::move(inputs)));
  n.output(result);
  return ok();
}

constexpr OpImporter kTable[] = {
    {"BroadcastTo", import_broadcast_to, ""},
    {"Cast", import_cast, "no strings"},
    {"EnsureShape", import_identity, ""},
    {"ExpandDims", import_expand_dims, "constant axis"},
    {"Fill", import_fill, ""},
    {"Identity", import_identity, ""},
    {"OnesLike", import_ones_like, ""},
    {"PreventGradient", import_identity, ""},
    {"Range", import_range, ""},
    {"Reshape", import_reshape, "rank of the result known"},
    {"Shape", import_shape, ""},
    {"Snapshot", import_identity, ""},
    {"Squeeze", import_squeeze, ""},
    {"StopGradient", import_identity, ""},
    {"ZerosLike", import_zeros_like, ""},
};

}  // namespace

std::span<const OpImporter> shape_importers() { return kTable; }

}  // namespace hone::tf
