// Reductions along axes, and positions of extremes.
#include <fmt/core.h>

#include "importers/tensorflow/node_importer.h"

namespace hone::tf {
namespace {

Status import_reduce(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  HONE_ASSIGN_OR_RETURN(std::vector<int64_t> axes, n.ints(1, "axes"));
  ReduceAttributes attributes;
  HONE_ASSIGN_OR_RETURN(attributes.keepdims, n.attr_bool("keep_dims", false));
  for (int64_t& axis : axes) {
    HONE_ASSIGN_OR_RETURN(axis, NodeImporter::axis(axis, x->shape().size()));
  }
  if (axes.empty()) {  // no axes: nothing is reduced (Hone: all)
    n.output(x);
    return ok();
  }
  attributes.axes = std::move(axes);
  HONE_ASSIGN_OR_RETURN(Value * result, n.add(n.target(), attributes, {x}));
  n.output(result);
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
  }
  HONE_ASSIGN_OR_RETURN(Value * result, n.add(n.target(), attributes, {x}));
  n.output(result);
  return ok();
}

constexpr OpImporter kTable[] = {
    {"ArgMax", import_arg, "constant axis", "ArgMax"},       {"ArgMin", import_arg, "constant axis", "ArgMin"},
    {"Max", import_reduce, "constant axes", "ReduceMax"},    {"Mean", import_reduce, "constant axes", "ReduceMean"},
    {"Min", import_reduce, "constant axes", "ReduceMin"},    {"Prod", import_reduce, "constant axes", "ReduceProd"},
    {"Sum", import_reduce, "constant axes", "ReduceSum"},
};

}  // namespace

std::span<const OpImporter> reduction_importers() { return kTable; }

}  // namespace hone::tf
