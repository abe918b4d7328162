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
  AxesAttributes attributes;
  HONE_ASSIGN_OR_RETURN(attributes.axes, n.attr_ints("squeeze_dims"));
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
Result<Value*> measure(NodeImporter& n, const char* op, size_t i) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(i));
  HONE_ASSIGN_OR_RETURN(Value * result, n.add(op, {}, {x}));
  DataType type = DataType::i32;
  if (n.node().attrs.count("out_type")) {
    HONE_ASSIGN_OR_RETURN(type, n.attr_type("out_type"));
  }
  if (type == DataType::i64) return result;
  return n.add("Cast", CastAttributes{type}, {result});
}
// The operator `target` of the table on each input.
Status import_measure(NodeImporter& n) {
  for (size_t i = 0; i < n.num_inputs(); ++i) {
    HONE_ASSIGN_OR_RETURN(Value * result, measure(n, n.target(), i));
    n.output(result);
  }
  return ok();
}

Status import_rank(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(const Value* x, n.input(0));
  n.output(n.constant(Tensor::scalar<int32_t>(static_cast<int32_t>(x->shape().size()))));
  return ok();
}

Status import_identity_n(NodeImporter& n) {
  for (size_t i = 0; i < n.num_inputs(); ++i) {
    HONE_ASSIGN_OR_RETURN(Value * x, n.input(i));
    n.output(x);
  }
  return ok();
}

// What must hold is checked as far as it is known at import.
Status import_ensure_shape(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  HONE_ASSIGN_OR_RETURN(const ShapeProto wanted, n.node().required_attr<ShapeProto>("shape"));
  if (!wanted.unknown_rank) {
    if (wanted.dims.size() != x->shape().size()) {
      return Status(Code::kModel, "the input never has the shape " + to_string(wanted));
    }
    for (size_t i = 0; i < wanted.dims.size(); ++i) {
      const Dim& dim = x->shape()[i];
      if (wanted.dims[i] < 0 || dim == Dim(wanted.dims[i])) continue;
      if (dim.is_const()) {
        return Status(Code::kModel, "the input never has the shape " + to_string(wanted));
      }
      return NodeImporter::unsupported("a check of a shape that is not known at import");
    }
  }
  n.output(x);
  return ok();
}

Status import_cast(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  CastAttributes attributes;
  HONE_ASSIGN_OR_RETURN(attributes.to, n.attr_type("DstT"));
  HONE_ASSIGN_OR_RETURN(const bool truncate, n.attr_bool("Truncate", false));
  if (truncate) return NodeImporter::unsupported("Truncate = true");
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
    {"Cast", import_cast, "no strings; Truncate = false"},
    {"EnsureShape", import_ensure_shape, "shapes known at import"},
    {"ExpandDims", import_expand_dims, "constant axis"},
    {"Fill", import_fill, ""},
    {"Identity", import_identity, ""},
    {"IdentityN", import_identity_n, ""},
    {"OnesLike", import_ones_like, ""},
    {"PreventGradient", import_identity, ""},
    {"Range", import_range, ""},
    {"Rank", import_rank, ""},
    {"Reshape", import_reshape, "rank of the result known"},
    {"Shape", import_measure, "", "Shape"},
    {"ShapeN", import_measure, "", "Shape"},
    {"Size", import_measure, "", "Size"},
    {"Snapshot", import_identity, ""},
    {"Squeeze", import_squeeze, ""},
    {"StopGradient", import_identity, ""},
    {"ZerosLike", import_zeros_like, ""},
};

}  // namespace

std::span<const OpImporter> shape_importers() { return kTable; }

}  // namespace hone::tf
