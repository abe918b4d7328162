// Composition and selection: Concat, Pack, Split, Pad, Gather, OneHot, Transpose ...
#include <fmt/core.h>

#include <algorithm>

#include "importers/tensorflow/node_importer.h"

namespace hone::tf {
namespace {

Status concat(NodeImporter& n, size_t axis_input, size_t first, size_t count) {
  HONE_ASSIGN_OR_RETURN(int64_t axis, n.scalar_int(axis_input, "axis"));
  std::vector<Value*> inputs;
  for (size_t i = 0; i < count; ++i) {
    HONE_ASSIGN_OR_RETURN(Value * value, n.input(first + i));
    inputs.push_back(value);
  }
  HONE_ASSIGN_OR_RETURN(axis, NodeImporter::axis(axis, inputs[0]->shape().size()));
  HONE_ASSIGN_OR_RETURN(Value * result, n.add("Concat", ConcatAttributes{axis}, std::move(inputs)));
  n.output(result);
  return ok();
}
Status import_concat(NodeImporter& n) {  // inputs: axis, values
  if (n.num_inputs() < 2) return Status(Code::kModel, "no inputs");
  return concat(n, 0, 1, n.num_inputs() - 1);
}
Status import_concat_v2(NodeImporter& n) {  // inputs: values, axis
  if (n.num_inputs() < 2) return Status(Code::kModel, "no inputs");
  return concat(n, n.num_inputs() - 1, 0, n.num_inputs() - 1);
}

Status import_pack(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(const Value* first, n.input(0));
  HONE_ASSIGN_OR_RETURN(int64_t axis, n.attr_int("axis", 0));
  HONE_ASSIGN_OR_RETURN(axis, NodeImporter::axis(axis, first->shape().size() + 1));
  std::vector<Value*> parts;
  for (size_t i = 0; i < n.num_inputs(); ++i) {
    HONE_ASSIGN_OR_RETURN(Value * value, n.input(i));
    HONE_ASSIGN_OR_RETURN(value, n.add("Unsqueeze", AxesAttributes{{axis}}, {value}));
    parts.push_back(value);
  }
  HONE_ASSIGN_OR_RETURN(Value * result, n.add("Concat", ConcatAttributes{axis}, std::move(parts)));
  n.output(result);
  return ok();
}

constexpr int64_t kMaxParts = 4096;  // as the operator Split

Result<int64_t> known_dim(const Value* x, int64_t axis) {
  const Dim& dim = x->shape()[static_cast<size_t>(axis)];
  if (dim.is_const()) return dim.value();
  return NodeImporter::unsupported("the size of the dimension that is divided is not known");
}

Status split_outputs(NodeImporter& n, Value* x, int64_t axis, std::vector<int64_t> sizes,
                     bool squeeze) {
  HONE_ASSIGN_OR_RETURN(const auto parts,
                        n.add_many("Split", SplitAttributes{axis, std::move(sizes)}, {x}));
  for (Value* part : parts) {
    if (squeeze) {
      HONE_ASSIGN_OR_RETURN(part, n.add("Squeeze", AxesAttributes{{axis}}, {part}));
    }
    n.output(part);
  }
  return ok();
}

Status import_unpack(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  HONE_ASSIGN_OR_RETURN(int64_t axis, n.attr_int("axis", 0));
  HONE_ASSIGN_OR_RETURN(axis, NodeImporter::axis(axis, x->shape().size()));
  HONE_ASSIGN_OR_RETURN(const int64_t size, known_dim(x, axis));
  HONE_ASSIGN_OR_RETURN(const int64_t count, n.attr_int("num", size));
  if (count != size) {
    return Status(Code::kModel, fmt::format("{} outputs for {} elements", count, size));
  }
  if (size < 1 || size > kMaxParts) {
    return NodeImporter::unsupported(fmt::format("{} outputs", size));
  }
  return split_outputs(n, x, axis, std::vector<int64_t>(static_cast<size_t>(size), 1), true);
}

Status import_split(NodeImporter& n) {  // inputs: axis, value
  HONE_ASSIGN_OR_RETURN(int64_t axis, n.scalar_int(0, "axis"));
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(1));
  HONE_ASSIGN_OR_RETURN(axis, NodeImporter::axis(axis, x->shape().size()));
  HONE_ASSIGN_OR_RETURN(const int64_t count, n.attr_int("num_split", 0));
  HONE_ASSIGN_OR_RETURN(const int64_t size, known_dim(x, axis));
  if (count < 1 || size % count != 0) {
    return Status(Code::kModel, fmt::format("{} parts of {} elements", count, size));
  }
  if (count > kMaxParts) return NodeImporter::unsupported(fmt::format("{} outputs", count));
  const std::vector<int64_t> sizes(static_cast<size_t>(count), size / count);
  return split_outputs(n, x, axis, sizes, false);
}

Status import_split_v(NodeImporter& n) {  // inputs: value, sizes, axis
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  HONE_ASSIGN_OR_RETURN(std::vector<int64_t> sizes, n.ints(1, "size_splits"));
  HONE_ASSIGN_OR_RETURN(int64_t axis, n.scalar_int(2, "axis"));
  HONE_ASSIGN_OR_RETURN(axis, NodeImporter::axis(axis, x->shape().size()));
  const auto size = static_cast<int64_t>(sizes.size());
  HONE_ASSIGN_OR_RETURN(const int64_t count, n.attr_int("num_split", size));
  if (count != size) {
    return Status(Code::kModel, fmt::format("{} outputs for {} sizes", count, size));
  }
  const auto free = std::find(sizes.begin(), sizes.end(), -1);
  if (free != sizes.end()) {
    HONE_ASSIGN_OR_RETURN(const int64_t total, known_dim(x, axis));
    *free = 0;
    int64_t others = 0;
    for (int64_t size : sizes) {
      if (size < 0 || __builtin_add_overflow(others, size, &others)) {
        return Status(Code::kModel, fmt::format("size_splits has {}", size));
      }
    }
    *free = total - others;
  }
  return split_outputs(n, x, axis, std::move(sizes), false);
}

Status import_transpose(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  HONE_ASSIGN_OR_RETURN(std::vector<int64_t> perm, n.ints(1, "perm"));
  for (int64_t& axis : perm) {
    HONE_ASSIGN_OR_RETURN(axis, NodeImporter::axis(axis, x->shape().size()));
  }
  HONE_ASSIGN_OR_RETURN(Value * result, n.transpose(x, std::move(perm)));
  n.output(result);
  return ok();
}

// paddings [n, 2] -> begins, then ends.
Result<Value*> pads(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(const auto paddings, n.ints(1, "paddings"));
  for (int64_t amount : paddings) {
    if (amount < 0) return Status(Code::kModel, fmt::format("paddings has {}", amount));
  }
  std::vector<int64_t> ordered;
  for (size_t side = 0; side < 2; ++side) {
    for (size_t i = side; i < paddings.size(); i += 2) ordered.push_back(paddings[i]);
  }
  return n.int_constant(std::move(ordered));
}
Status import_pad(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  HONE_ASSIGN_OR_RETURN(Value * amounts, pads(n));
  std::vector<Value*> inputs = {x, amounts};
  if (n.num_inputs() > 2) {
    HONE_ASSIGN_OR_RETURN(Value * value, n.input(2));
    inputs.push_back(value);
  }
  HONE_ASSIGN_OR_RETURN(Value * result, n.add("Pad", PadAttributes{}, std::move(inputs)));
  n.output(result);
  return ok();
}
Status import_mirror_pad(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  HONE_ASSIGN_OR_RETURN(Value * amounts, pads(n));
  HONE_ASSIGN_OR_RETURN(const std::string mode, n.attr_string("mode", "REFLECT"));
  if (mode != "REFLECT" && mode != "SYMMETRIC") {
    return Status(Code::kModel, fmt::format("mode '{}'", printable(mode)));
  }
  PadAttributes attributes;
  attributes.mode = mode == "SYMMETRIC" ? "symmetric" : "reflect";
  HONE_ASSIGN_OR_RETURN(Value * result, n.add("Pad", attributes, {x, amounts}));
  n.output(result);
  return ok();
}

Status import_tile(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  HONE_ASSIGN_OR_RETURN(Value * repeats, n.input(1));
  HONE_ASSIGN_OR_RETURN(Value * result, n.add("Tile", {}, {x, repeats}));
  n.output(result);
  return ok();
}

Status import_gather(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  HONE_ASSIGN_OR_RETURN(Value * indices, n.input(1));
  GatherAttributes attributes;
  if (n.num_inputs() > 2) {
    HONE_ASSIGN_OR_RETURN(const int64_t axis, n.scalar_int(2, "axis"));
    HONE_ASSIGN_OR_RETURN(attributes.axis, NodeImporter::axis(axis, x->shape().size()));
  }
  HONE_ASSIGN_OR_RETURN(attributes.batch_dims, n.attr_int("batch_dims", 0));
  if (attributes.batch_dims < 0)
    attributes.batch_dims += static_cast<int64_t>(indices->shape().size());
  HONE_ASSIGN_OR_RETURN(Value * result, n.add("Gather", attributes, {x, indices}));
  n.output(result);
  return ok();
}

// on where the index is the place along the new axis, else off.
Status import_one_hot(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * indices, n.input(0));
  HONE_ASSIGN_OR_RETURN(const int64_t depth, n.scalar_int(1, "depth"));
  HONE_ASSIGN_OR_RETURN(Value * on, n.input(2));
  HONE_ASSIGN_OR_RETURN(Value * off, n.input(3));
  const size_t rank = indices->shape().size() + 1;
  HONE_ASSIGN_OR_RETURN(int64_t axis, n.attr_int("axis", -1));
  HONE_ASSIGN_OR_RETURN(axis, NodeImporter::axis(axis, rank));
  if (depth < 0 || depth > (1 << 20)) {
    return NodeImporter::unsupported(fmt::format("a depth of {}", depth));
  }
  std::vector<int64_t> places;
  for (int64_t i = 0; i < depth; ++i) places.push_back(i);
  std::vector<int64_t> shape(rank - static_cast<size_t>(axis), 1);
  shape[0] = depth;
  Value* numbers = n.constant(Tensor::from<int64_t>(std::move(shape), places));
  if (indices->dtype() != DataType::i64) {
    HONE_ASSIGN_OR_RETURN(indices, n.add("Cast", CastAttributes{DataType::i64}, {indices}));
  }
  HONE_ASSIGN_OR_RETURN(indices, n.add("Unsqueeze", AxesAttributes{{axis}}, {indices}));
  HONE_ASSIGN_OR_RETURN(Value * hot, n.add("Equal", {}, {indices, numbers}));
  HONE_ASSIGN_OR_RETURN(Value * result, n.add("Where", {}, {hot, on, off}));
  n.output(result);
  return ok();
}

constexpr OpImporter kTable[] = {
    {"Concat", import_concat, "constant axis"},
    {"ConcatV2", import_concat_v2, "constant axis"},
    {"Gather", import_gather, ""},
    {"GatherV2", import_gather, "constant axis"},
    {"MirrorPad", import_mirror_pad, "constant paddings"},
    {"OneHot", import_one_hot, "constant depth"},
    {"Pack", import_pack, ""},
    {"Pad", import_pad, "constant paddings"},
    {"PadV2", import_pad, "constant paddings"},
    {"Split", import_split, "constant axis, known size"},
    {"SplitV", import_split_v, "constant sizes and axis"},
    {"Tile", import_tile, ""},
    {"Transpose", import_transpose, "constant perm"},
    {"Unpack", import_unpack, "known size"},
};

}  // namespace

std::span<const OpImporter> selection_importers() { return kTable; }

}  // namespace hone::tf
