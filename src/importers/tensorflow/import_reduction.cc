// Reductions along axes, and positions of extremes.
#include <fmt/core.h>

#include "importers/tensorflow/node_importer.h"

namespace hone::tf {
namespace {

// n.target() of x along the axes of input 1.
Result<Value*> reduce(NodeImporter& n, Value* x, const char* op) {
  HONE_ASSIGN_OR_RETURN(std::vector<int64_t> axes, n.ints(1, "axes"));
  ReduceAttributes attributes;
  HONE_ASSIGN_OR_RETURN(attributes.keepdims, n.attr_bool("keep_dims", false));
  for (int64_t& axis : axes) {
    HONE_ASSIGN_OR_RETURN(axis, NodeImporter::axis(axis, x->shape().size()));
  }
  if (axes.empty()) return x;  // nothing is reduced (Hone: all)
  attributes.axes = std::move(axes);
  return n.add(op, attributes, {x});
}

Status import_reduce(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  HONE_ASSIGN_OR_RETURN(x, reduce(n, x, n.target()));
  n.output(x);
  return ok();
}

// Without axes: |x|.
Status import_norm(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  HONE_ASSIGN_OR_RETURN(Value * norm, reduce(n, x, "ReduceL2"));
  if (norm == x) {
    HONE_ASSIGN_OR_RETURN(norm, n.add("Abs", {}, {x}));
  }
  n.output(norm);
  return ok();
}

// Booleans: the smallest or largest of 0 and 1.
Status import_reduce_bool(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  if (x->dtype() != DataType::boolean) return Status(Code::kModel, "the input is not boolean");
  HONE_ASSIGN_OR_RETURN(x, n.add("Cast", CastAttributes{DataType::u8}, {x}));
  HONE_ASSIGN_OR_RETURN(x, reduce(n, x, n.target()));
  HONE_ASSIGN_OR_RETURN(x, n.add("Cast", CastAttributes{DataType::boolean}, {x}));
  n.output(x);
  return ok();
}

// sum(x * x) / 2
Status import_l2_loss(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  ReduceAttributes all;
  all.keepdims = false;
  HONE_ASSIGN_OR_RETURN(Value * sum, n.add("ReduceSumSquare", all, {x}));
  HONE_ASSIGN_OR_RETURN(Value * half, n.add("Mul", {}, {sum, n.scalar(0.5, x->dtype())}));
  n.output(half);
  return ok();
}

Status import_arg(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  HONE_ASSIGN_OR_RETURN(int64_t axis, n.scalar_int(1, "axis"));
  ArgAttributes attributes;
  HONE_ASSIGN_OR_RETURN(attributes.axis, NodeImporter::axis(axis, x->shape().size()));
  attributes.keepdims = false;
  if (n.node().attrs.count("output_type")) {
    HONE_ASSIGN_OR_RETURN(attributes.output, n.attr_type("output_type"));
    if (attributes.output != DataType::i32 && attributes.output != DataType::i64) {
      return NodeImporter::unsupported("an output_type other than int32 and int64");
    }
  }
  HONE_ASSIGN_OR_RETURN(Value * result, n.add(n.target(), attributes, {x}));
  n.output(result);
  return ok();
}

constexpr OpImporter kTable[] = {
    {"All", import_reduce_bool, "constant axes", "ReduceMin"},
    {"Any", import_reduce_bool, "constant axes", "ReduceMax"},
    {"ArgMax", import_arg, "constant axis", "ArgMax"},
    {"ArgMin", import_arg, "constant axis", "ArgMin"},
    {"EuclideanNorm", import_norm, "constant axes"},
    {"L2Loss", import_l2_loss, ""},
    {"Max", import_reduce, "constant axes", "ReduceMax"},
    {"Mean", import_reduce, "constant axes", "ReduceMean"},
    {"Min", import_reduce, "constant axes", "ReduceMin"},
    {"Prod", import_reduce, "constant axes", "ReduceProd"},
    {"Sum", import_reduce, "constant axes", "ReduceSum"},
};

}  // namespace

std::span<const OpImporter> reduction_importers() { return kTable; }

}  // namespace hone::tf
