// StridedSlice, Slice, ReverseV2.
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

// The sparse specification spread over the input's dimensions; positions in the result where a
// dimension is inserted or removed.
struct SliceSpec {
  std::vector<DimSlice> dims;
  std::vector<int64_t> removed;   // input dimensions that disappear (shrink_axis_mask)
  std::vector<int64_t> inserted;  // result dimensions of size 1 (new_axis_mask)
};

struct SliceMasks {
  int64_t begin, end, ellipsis, new_axis, shrink;
};

DimSlice dim_slice(int64_t begin, int64_t end, int64_t step, bool shrink, bool free_begin,
                   bool free_end) {
  if (shrink) return {begin, begin == -1 || begin == INT64_MAX ? INT64_MAX : begin + 1, 1};
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
  if (begin.size() != end.size() || begin.size() != step.size() || begin.size() > 32 ||
      consumed > rank) {
    return Status(Code::kModel, "begin, end and strides do not fit the input");
  }
  int64_t result = 0;  // dimension of the result
  bool ellipsis = false;
  for (size_t i = 0; i < begin.size(); ++i) {
    if (bit(masks.ellipsis, i)) {
      if (ellipsis) return Status(Code::kModel, "more than one ellipsis");
      ellipsis = true;
      for (size_t k = consumed; k < rank; ++k, ++result) spec.dims.emplace_back();
    } else if (bit(masks.new_axis, i)) {
      spec.inserted.push_back(result++);
    } else {
      const bool shrink = bit(masks.shrink, i);
      if (step[i] == 0 || (shrink && step[i] < 0)) {
        return Status(Code::kModel, fmt::format("a stride of {}", step[i]));
      }
      if (shrink) spec.removed.push_back(static_cast<int64_t>(spec.dims.size()));
      spec.dims.push_back(
          dim_slice(begin[i], end[i], step[i], shrink, bit(masks.begin, i), bit(masks.end, i)));
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
  return n.add("Slice", {},
               {x, n.int_constant(starts), n.int_constant(ends), n.int_constant(axes),
                n.int_constant(steps)});
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
    const Dim& dim = x->shape()[i];
    int64_t end = INT64_MAX;
    const bool overflow = size[i] >= 0 && __builtin_add_overflow(begin[i], size[i], &end);
    if (begin[i] < 0 || size[i] < -1 || overflow ||
        (dim.is_const() && std::max(begin[i], size[i] < 0 ? 0 : end) > dim.value())) {
      return Status(Code::kModel,
                    fmt::format("begin {} and size {} in dimension {}", begin[i], size[i], i));
    }
    dims.push_back({begin[i], end, 1});
  }
  HONE_ASSIGN_OR_RETURN(x, add_slice(n, x, dims));
  n.output(x);
  return ok();
}

Status import_reverse(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  HONE_ASSIGN_OR_RETURN(std::vector<int64_t> axes, n.ints(1, "axis"));
  for (int64_t& axis : axes) {
    HONE_ASSIGN_OR_RETURN(axis, NodeImporter::axis(axis, x->shape().size()));
  }
  HONE_ASSIGN_OR_RETURN(x, n.reverse(x, axes));
  n.output(x);
  return ok();
}

constexpr OpImporter kTable[] = {
    {"ReverseV2", import_reverse, "constant axes"},
    {"Slice", import_slice, "constant begin and size"},
    {"StridedSlice", import_strided_slice, "constant begin, end and strides"},
};

}  // namespace

std::span<const OpImporter> slice_importers() { return kTable; }

}  // namespace hone::tf
