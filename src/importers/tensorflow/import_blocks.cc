// Movement between space and channels or batch: reshapes around one Transpose.
#include <fmt/core.h>

#include <algorithm>

#include "importers/tensorflow/import_layout.h"

namespace hone::tf {
namespace {

constexpr int64_t kMaxBlock = 1 << 16;  // keeps products of two far from overflow

Result<Value*> reshape(NodeImporter& n, Value* x, std::string shape) {
  return n.add("Reshape", ReshapeAttributes{false, std::move(shape)}, {x});
}

struct BlockInput {
  DataLayout layout;
  Value* data = nullptr;  // channels last
  int64_t block = 0;
};

Result<BlockInput> block_input(NodeImporter& n) {
  BlockInput in;
  HONE_ASSIGN_OR_RETURN(in.data, n.input(0));
  if (in.data->shape().size() != 4) return Status(Code::kModel, "the data does not have rank 4");
  HONE_ASSIGN_OR_RETURN(in.layout, data_layout(n, 4));
  HONE_ASSIGN_OR_RETURN(in.block, n.attr_int("block_size", 0));
  if (in.block < 2 || in.block > kMaxBlock) {
    return Status(Code::kModel, fmt::format("block_size {}", in.block));
  }
  HONE_ASSIGN_OR_RETURN(in.data, to_last(n, in.layout, in.data));
  return in;
}

// [N, H, W, b * b * C] -> [N, H, W, b, b, C] -> [N, H, b, W, b, C] -> [N, H * b, W * b, C]
Status import_depth_to_space(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(BlockInput in, block_input(n));
  const int64_t b = in.block;
  const Dim channels = in.data->shape()[3];
  if (!channels.is_const()) return NodeImporter::unsupported("the number of channels is not known");
  if (channels.value() % (b * b) != 0) {
    return Status(Code::kModel, fmt::format("{} channels in blocks of {}", channels.value(), b));
  }
  const std::string wide = fmt::format("[d0,d1,d2,{},{},{}]", b, b, channels.value() / (b * b));
  HONE_ASSIGN_OR_RETURN(Value * x, reshape(n, in.data, wide));
  HONE_ASSIGN_OR_RETURN(x, n.transpose(x, {0, 1, 3, 2, 4, 5}));
  HONE_ASSIGN_OR_RETURN(x, reshape(n, x, fmt::format("[d0,{}*d1,{}*d3,d5]", b, b)));
  return output_from_last(n, in.layout, x);
}

// [N, H * b, W * b, C] -> [N, H, b, W, b, C] -> [N, H, W, b, b, C] -> [N, H, W, b * b * C]
Status import_space_to_depth(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(BlockInput in, block_input(n));
  const int64_t b = in.block;
  const Shape& shape = in.data->shape();
  for (size_t i : {1, 2}) {
    if (!shape[i].is_const() || shape[i].value() % b == 0) continue;
    return Status(Code::kModel,
                  fmt::format("{} x {} in blocks of {}", shape[1].text(), shape[2].text(), b));
  }
  // Sizes that are not known are checked to be multiples when shapes are bound.
  const std::string split = fmt::format("[d0,floordiv(d1,{0}),{0},floordiv(d2,{0}),{0},d3]", b);
  HONE_ASSIGN_OR_RETURN(Value * x, reshape(n, in.data, split));
  HONE_ASSIGN_OR_RETURN(x, n.transpose(x, {0, 1, 3, 2, 4, 5}));
  HONE_ASSIGN_OR_RETURN(x, reshape(n, x, fmt::format("[d0,d1,d2,{}*d5]", b * b)));
  return output_from_last(n, in.layout, x);
}

// Inputs of SpaceToBatchND and BatchToSpaceND.
struct BatchBlocks {
  Value* data = nullptr;
  std::vector<int64_t> block;
  std::vector<int64_t> begins, ends;  // of the paddings or crops
  std::vector<int64_t> rest;          // sizes of the dimensions after the blocks
  std::vector<int64_t> sizes;         // of the dimensions with blocks
};

Result<BatchBlocks> batch_blocks(NodeImporter& n) {
  BatchBlocks in;
  HONE_ASSIGN_OR_RETURN(in.data, n.input(0));
  HONE_ASSIGN_OR_RETURN(in.block, n.ints(1, "block_shape"));
  HONE_ASSIGN_OR_RETURN(const auto borders, n.ints(2, "paddings or crops"));
  const size_t count = in.block.size();
  const Shape& shape = in.data->shape();
  if (count < 1 || count > 4 || count + 1 > shape.size() || borders.size() != 2 * count) {
    return Status(Code::kModel, "block_shape and paddings do not fit the data");
  }
  for (size_t i = 1; i < shape.size(); ++i) {
    if (!shape[i].is_const()) return NodeImporter::unsupported("a size is not known");
    (i <= count ? in.sizes : in.rest).push_back(shape[i].value());
  }
  for (size_t i = 0; i < count; ++i) {
    in.begins.push_back(borders[2 * i]);
    in.ends.push_back(borders[2 * i + 1]);
    if (in.block[i] < 1 || in.block[i] > 256 || in.sizes[i] > (int64_t{1} << 31) ||
        std::min(in.begins[i], in.ends[i]) < 0 ||
        std::max(in.begins[i], in.ends[i]) > (int64_t{1} << 31)) {
      return Status(Code::kModel, "block_shape or paddings out of range");
    }
  }
  return in;
}

// "[" + the first dimension + sizes + "]"
std::string shape_text(std::string first, const std::vector<int64_t>& sizes) {
  for (int64_t size : sizes) first += fmt::format(",{}", size);
  return "[" + first + "]";
}

// [N, H * b, W * c, C] -> [N, H, b, W, c, C] -> [b, c, N, H, W, C] -> [b * c * N, H, W, C]
Status import_space_to_batch(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(const BatchBlocks in, batch_blocks(n));
  const size_t count = in.block.size();
  std::vector<int64_t> pads = {0}, ends = {0}, split, merged, perm;
  int64_t factor = 1;
  for (size_t i = 0; i < count; ++i) {
    const int64_t size = in.sizes[i] + in.begins[i] + in.ends[i];
    if (size % in.block[i] != 0) {
      return Status(Code::kModel, fmt::format("{} elements in blocks of {}", size, in.block[i]));
    }
    factor *= in.block[i];
    pads.push_back(in.begins[i]);
    ends.push_back(in.ends[i]);
    split.insert(split.end(), {size / in.block[i], in.block[i]});
    merged.push_back(size / in.block[i]);
    perm.push_back(static_cast<int64_t>(2 * i + 2));
  }
  perm.push_back(0);
  for (size_t i = 0; i < count; ++i) perm.push_back(static_cast<int64_t>(2 * i + 1));
  for (size_t i = 0; i < in.rest.size(); ++i) {
    perm.push_back(static_cast<int64_t>(2 * count + 1 + i));
    pads.push_back(0);
    ends.push_back(0);
  }
  split.insert(split.end(), in.rest.begin(), in.rest.end());
  merged.insert(merged.end(), in.rest.begin(), in.rest.end());
  pads.insert(pads.end(), ends.begin(), ends.end());
  HONE_ASSIGN_OR_RETURN(Value * x,
                        n.add("Pad", PadAttributes{}, {in.data, n.int_constant(std::move(pads))}));
  HONE_ASSIGN_OR_RETURN(x, reshape(n, x, shape_text("d0", split)));
  HONE_ASSIGN_OR_RETURN(x, n.transpose(x, std::move(perm)));
  HONE_ASSIGN_OR_RETURN(x, reshape(n, x, shape_text(fmt::format("{}*d{}", factor, count), merged)));
  n.output(x);
  return ok();
}

// [b * c * N, H, W, C] -> [b, c, N, H, W, C] -> [N, H, b, W, c, C] -> [N, H * b, W * c, C], cut
Status import_batch_to_space(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(const BatchBlocks in, batch_blocks(n));
  const auto count = static_cast<int64_t>(in.block.size());
  std::vector<int64_t> split = in.block, merged, perm = {count}, pads = {0}, ends = {0};
  split.push_back(-1);
  split.insert(split.end(), in.sizes.begin(), in.sizes.end());
  split.insert(split.end(), in.rest.begin(), in.rest.end());
  for (int64_t i = 0; i < count; ++i) {
    const auto k = static_cast<size_t>(i);
    perm.insert(perm.end(), {count + 1 + i, i});
    merged.push_back(in.sizes[k] * in.block[k]);
    pads.push_back(-in.begins[k]);
    ends.push_back(-in.ends[k]);
  }
  for (size_t i = 0; i < in.rest.size(); ++i) {
    perm.push_back(2 * count + 1 + static_cast<int64_t>(i));
    pads.push_back(0);
    ends.push_back(0);
  }
  merged.insert(merged.end(), in.rest.begin(), in.rest.end());
  pads.insert(pads.end(), ends.begin(), ends.end());
  Value* wanted = n.int_constant(std::move(split));
  HONE_ASSIGN_OR_RETURN(Value * x, n.add("Reshape", ReshapeAttributes{}, {in.data, wanted}));
  HONE_ASSIGN_OR_RETURN(x, n.transpose(x, std::move(perm)));
  HONE_ASSIGN_OR_RETURN(x, reshape(n, x, shape_text("d0", merged)));
  HONE_ASSIGN_OR_RETURN(x, n.add("Pad", PadAttributes{}, {x, n.int_constant(std::move(pads))}));
  n.output(x);
  return ok();
}

constexpr OpImporter kTable[] = {
    {"BatchToSpaceND", import_batch_to_space, "sizes known but for the batch, constant blocks"},
    {"DepthToSpace", import_depth_to_space, "known channels"},
    {"SpaceToBatchND", import_space_to_batch, "sizes known but for the batch, constant blocks"},
    {"SpaceToDepth", import_space_to_depth, ""},
};

}  // namespace

std::span<const OpImporter> block_importers() { return kTable; }

}  // namespace hone::tf
