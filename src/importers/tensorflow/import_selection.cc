// Parts of tensors and their composition: StridedSlice, Concat, Split, Pad, Gather, Transpose ...
#include <fmt/core.h>

#include <algorithm>
#include <climits>

#include "importers/tensorflow/node_importer.h"

namespace hone::tf {
namespace {

// What a StridedSlice asks of one dimension of its input.
struct DimSlice {
  int64_t begin = 0, end = INT64_MAX, step = 1;
};

// The sparse specification spread over the input's dimensions; positions in the result where a dimension is
// inserted or removed.
struct SliceSpec {
  std::vector<DimSlice> dims;
  std::vector<int64_t> removed;   // input dimensions that disappear (shrink_axis_mask)
  std::vector<int64_t> inserted;  // result dimensions of size 1 (new_axis_mask)
};

struct SliceMasks {
  int64_t begin, end, ellipsis, new_axis, shrink;
};

DimSlice dim_slice(int64_t begin, int64_t end, int64_t step, bool shrink, bool free_begin, bool free_end) {
  if (shrink) return {begin, begin == -1 ? INT64_MAX : begin + 1, 1};
  DimSlice slice{begin, end, step};
  if (free_begin) slice.begin = step > 0 ? 0 : INT64_MAX;
  if (free_end) slice.end = step > 0 ? INT64_MAX : INT64_MIN;
  return slice;
}

Result<SliceSpec> spread(const std::vector<int64_t>& begin, const std::vector<int64_t>& end,
                         const std::vector<int64_t>& step, const SliceMasks& masks, size_t rank) {
  SliceSpec spec;
  const auto bit = [](int64_t mask, size_t i) { return (mask >> i & 1) != 0; };
  size_t consumed = 0;
  for (size_t i = 0; i < begin.size(); ++i) {
    consumed += !bit(masks.new_axis, i) && !bit(masks.ellipsis, i);
  }
  if (begin.size() != end.size() || begin.size() != step.size() || begin.size() > 32 || consumed > rank) {
    return Status(Code::kModel, "begin, end and strides do not fit the input");
  }
  int64_t result = 0;  // dimension of the result
  for (size_t i = 0; i < begin.size(); ++i) {
    if (bit(masks.ellipsis, i)) {
      for (size_t k = consumed; k < rank; ++k, ++result) spec.dims.emplace_back();
    } else if (bit(masks.new_axis, i)) {
      spec.inserted.push_back(result++);
    } else {
      const bool shrink = bit(masks.shrink, i);
      if (step[i] == 0) return Status(Code::kModel, "a stride of 0");
      if (shrink) spec.removed.push_back(static_cast<int64_t>(spec.dims.size()));
      spec.dims.push_back(dim_slice(begin[i], end[i], step[i], shrink, bit(masks.begin, i), bit(masks.end, i)));
      result += !shrink;
    }
  }
  return spec;
}

Result<Value*> add_slice(NodeImporter& n, Value* x, const std::vector<DimSlice>& dims) {
  std::vector<int64_t> starts, ends, axes, steps;
  for (size_t i = 0; i < dims.size(); ++i) {
    const DimSlice& dim = dims[i];
    if (dim.begin == 0 && dim.end == INT64_MAX && dim.step == 1) continue;
    starts.push_back(dim.begin);
    ends.push_back(dim.end);
    axes.push_back(static_cast<int64_t>(i));
    steps.push_back(dim.step);
  }
  if (axes.empty()) return x;
  return n.add("Slice", {}, {x, n.int_constant(starts), n.int_constant(ends), n.int_constant(axes), n.int_constant(steps)});
}

Status import_strided_slice(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  HONE_ASSIGN_OR_RETURN(const auto begin, n.ints(1, "begin"));
  HONE_ASSIGN_OR_RETURN(const auto end, n.ints(2, "end"));
  HONE_ASSIGN_OR_RETURN(const auto step, n.ints(3, "strides"));
  SliceMasks masks;
  HONE_ASSIGN_OR_RETURN(masks.begin, n.attr_int("begin_mask", 0));
  HONE_ASSIGN_OR_RETURN(masks.end, n.attr_int("end_mask", 0));
  HONE_ASSIGN_OR_RETURN(masks.ellipsis, n.attr_int("ellipsis_mask", 0));
  HONE_ASSIGN_OR_RETURN(masks.new_axis, n.attr_int("new_axis_mask", 0));
  HONE_ASSIGN_OR_RETURN(masks.shrink, n.attr_int("shrink_axis_mask", 0));
  HONE_ASSIGN_OR_RETURN(const SliceSpec spec, spread(begin, end, step, masks, x->shape().size()));
  HONE_ASSIGN_OR_RETURN(x, add_slice(n, x, spec.dims));
  if (!spec.removed.empty()) {
    HONE_ASSIGN_OR_RETURN(x, n.add("Squeeze", AxesAttributes{spec.removed}, {x}));
  }
  if (!spec.inserted.empty()) {
    HONE_ASSIGN_OR_RETURN(x, n.add("Unsqueeze", AxesAttributes{spec.inserted}, {x}));
  }
  n.output(x);
  return ok();
}

// Slice(x, begin, size): size -1 means to the end.
Status import_slice(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  HONE_ASSIGN_OR_RETURN(const auto begin, n.ints(1, "begin"));
  HONE_ASSIGN_OR_RETURN(const auto size, n.ints(2, "size"));
  if (begin.size() != x->shape().size() || size.size() != begin.size()) {
    return Status(Code::kModel, "begin and size do not fit the input");
  }
  std::vector<DimSlice> dims;
  for (size_t i = 0; i < begin.size(); ++i) {
    dims.push_back({begin[i], size[i] < 0 ? INT64_MAX : begin[i] + size[i], 1});
  }
  HONE_ASSIGN_OR_RETURN(x, add_slice(n, x, dims));
  n.output(x);
  return ok();
}

Status import_concat(NodeImporter& n) {
  if (n.num_inputs() < 2) return Status(Code::kModel, "no inputs");
  const size_t count = n.num_inputs() - 1;
  HONE_ASSIGN_OR_RETURN(int64_t axis, n.scalar_int(count, "axis"));
  std::vector<Value*> inputs;
  for (size_t i = 0; i < count; ++i) {
    HONE_ASSIGN_OR_RETURN(Value * value, n.input(i));
    inputs.push_back(value);
  }
  HONE_ASSIGN_OR_RETURN(axis, NodeImporter::axis(axis, inputs[0]->shape().size()));
  HONE_ASSIGN_OR_RETURN(Value * result, n.add("Concat", ConcatAttributes{axis}, std::move(inputs)));
  n.output(result);
  return ok();
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

Result<int64_t> known_dim(const Value* x, int64_t axis) {
  const Dim& dim = x->shape()[static_cast<size_t>(axis)];
  if (dim.is_const()) return dim.value();
  return NodeImporter::unsupported("the size of the dimension that is divided is not known");
}

Status split_outputs(NodeImporter& n, Value* x, int64_t axis, std::vector<int64_t> sizes, bool squeeze) {
  HONE_ASSIGN_OR_RETURN(const auto parts, n.add_many("Split", SplitAttributes{axis, std::move(sizes)}, {x}));
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
  return split_outputs(n, x, axis, std::vector<int64_t>(static_cast<size_t>(size), 1), true);
}

Status import_split(NodeImporter& n) {  // inputs: axis, value
  HONE_ASSIGN_OR_RETURN(int64_t axis, n.scalar_int(0, "axis"));
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(1));
  HONE_ASSIGN_OR_RETURN(axis, NodeImporter::axis(axis, x->shape().size()));
  HONE_ASSIGN_OR_RETURN(const int64_t count, n.attr_int("num_split", 0));
  HONE_ASSIGN_OR_RETURN(const int64_t size, known_dim(x, axis));
  if (count < 1 || size % count != 0) return Status(Code::kModel, fmt::format("{} parts of {} elements", count, size));
  return split_outputs(n, x, axis, std::vector<int64_t>(static_cast<size_t>(count), size / count), false);
}

Status import_split_v(NodeImporter& n) {  // inputs: value, sizes, axis
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  HONE_ASSIGN_OR_RETURN(std::vector<int64_t> sizes, n.ints(1, "size_splits"));
  HONE_ASSIGN_OR_RETURN(int64_t axis, n.scalar_int(2, "axis"));
  HONE_ASSIGN_OR_RETURN(axis, NodeImporter::axis(axis, x->shape().size()));
  const auto free = std::find(sizes.begin(), sizes.end(), -1);
  if (free != sizes.end()) {
    HONE_ASSIGN_OR_RETURN(const int64_t total, known_dim(x, axis));
    int64_t others = 1;  // undoes the -1
    for (int64_t size : sizes) others += size;
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
  if (attributes.batch_dims < 0) attributes.batch_dims += static_cast<int64_t>(indices->shape().size());
  HONE_ASSIGN_OR_RETURN(Value * result, n.add("Gather", attributes, {x, indices}));
  n.output(result);
  return ok();
}

constexpr OpImporter kTable[] = {
    {"ConcatV2", import_concat, "constant axis"},
    {"Gather", import_gather, ""},
    {"GatherV2", import_gather, "constant axis"},
    {"MirrorPad", import_mirror_pad, "constant paddings"},
    {"Pack", import_pack, ""},
    {"Pad", import_pad, "constant paddings"},
    {"PadV2", import_pad, "constant paddings"},
    {"Slice", import_slice, "constant begin and size"},
    {"Split", import_split, "constant axis, known size"},
    {"SplitV", import_split_v, "constant sizes and axis"},
    {"StridedSlice", import_strided_slice, "constant begin, end and strides"},
    {"Tile", import_tile, ""},
    {"Transpose", import_transpose, "constant perm"},
    {"Unpack", import_unpack, "known size"},
};

}  // namespace

std::span<const OpImporter> selection_importers() { return kTable; }

}  // namespace hone::tf
