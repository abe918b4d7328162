// Operators that join, cut, select and repeat.
#include <fmt/format.h>

#include "base/text.h"
#include "importers/onnx/importer_table.h"

namespace hone::onnx {
namespace {

// Keeps products of sizes and blocks far from overflow.
constexpr int64_t kMaxSize = int64_t{1} << 40;
constexpr int64_t kMaxBlock = 1024;

// Sizes of [N, C, H, W] but for N, which may be dynamic.
struct Picture {
  int64_t c, h, w;
};
Picture read_picture(Call& call, const Shape& shape, int64_t block) {
  if (shape.size() != 4) call.bad_model("the input has another rank than 4");
  if (block < 1 || block > kMaxBlock) call.bad_model("attribute 'blocksize' is out of range");
  for (size_t i = 1; i < 4; ++i) {
    call.require(shape[i].is_const(), "a dimension other than the batch is dynamic");
    if (shape[i].value() < 0 || shape[i].value() > kMaxSize)
      call.bad_model("a dimension is too large");
  }
  return {shape[1].value(), shape[2].value(), shape[3].value()};
}

Values concat(Call& call) {
  const int64_t axis = call.integer("axis");
  for (size_t i = 0; i < call.num_inputs(); ++i) call.input(i);
  return {call.emit("Concat", call.inputs(), ConcatAttributes{.axis = axis})};
}

// Equal parts; the last one is smaller where the dimension is no multiple (opset 18).
std::vector<int64_t> equal_parts(Call& call, const Dim& dim, int64_t parts) {
  if (parts < 1 || parts > 4096) call.bad_model(fmt::format("it has {} parts", parts));
  call.require(dim.is_const(), "the sizes of the parts are not known: the dimension is dynamic");
  if (dim.value() < 0 || dim.value() > kMaxSize) call.bad_model("the dimension is out of range");
  const int64_t size = (dim.value() + parts - 1) / parts;
  std::vector<int64_t> sizes(parts, size);
  sizes.back() = dim.value() - size * (parts - 1);
  if (sizes.back() < 0 || (call.opset() < 18 && sizes.back() != size)) {
    call.bad_model(fmt::format("a dimension of {} in {} parts", dim.value(), parts));
  }
  return sizes;
}

Values split(Call& call) {
  Value* x = call.input(0);
  const int64_t axis = call.positive_axis(call.integer("axis", 0), x->shape().size());
  const auto sizes = call.ints_of("split", 1, 13);
  const auto outputs = static_cast<int64_t>(call.num_outputs());
  const int64_t parts = call.opset() >= 18 ? call.integer("num_outputs", outputs) : outputs;
  SplitAttributes attributes{.axis = axis};
  attributes.sizes = sizes ? *sizes : equal_parts(call, x->shape()[axis], parts);
  return call.node("Split", {x}, attributes)->outputs();
}

// Attributes before opset 10, inputs from then on.
Values slice(Call& call) {
  Value* x = call.input(0);
  if (call.opset() < 10) {
    Value* starts = call.ints(call.integers("starts"));
    Value* ends = call.ints(call.integers("ends"));
    Value* axes = call.has("axes") ? call.ints(call.integers("axes")) : nullptr;
    return {call.emit("Slice", {x, starts, ends, axes})};
  }
  Value* starts = call.input(1);
  Value* ends = call.input(2);
  Value* axes = call.optional(3);
  Value* steps = call.optional(4);
  if (steps && !axes) {  // the first axes, as many as there are starts
    const Shape& shape = starts->shape();
    call.require(shape.size() == 1 && shape[0].is_const() && shape[0].value() <= 64,
                 "the number of starts is not known");
    std::vector<int64_t> first;
    for (int64_t i = 0; i < shape[0].value(); ++i) first.push_back(i);
    axes = call.ints(first);
  }
  return {call.emit("Slice", {x, starts, ends, axes, steps})};
}

Values gather(Call& call) {
  Value* data = call.input(0);
  Value* indices = call.input(1);
  const int64_t axis = call.integer("axis", 0);
  return {call.emit("Gather", {data, indices}, GatherAttributes{.axis = axis})};
}

// Pads of some axes as pads of all.
Value* spread_pads(Call& call, const std::vector<int64_t>& axes, size_t rank) {
  const auto pads = call.constant_ints(1, "pads");
  const size_t count = axes.size();
  if (!pads || pads->size() != 2 * count) call.bad_model("pads and axes differ in length");
  std::vector<int64_t> all(2 * rank, 0);
  for (size_t i = 0; i < count; ++i) {
    const int64_t axis = call.positive_axis(axes[i], rank);
    all[axis] = (*pads)[i];
    all[axis + rank] = (*pads)[i + count];
  }
  return call.ints(all);
}

// Attributes before opset 11, inputs from then on; `axes` from opset 18 on.
Values pad(Call& call) {
  Value* x = call.input(0);
  const std::string mode = call.text("mode", "constant");
  Value* pads = call.optional(1);
  Value* value = call.optional(2);
  if (call.opset() < 11) {
    pads = call.ints(call.integers("pads"));
    const double number = call.real("value", 0.0);
    value = number != 0 ? call.scalar_like(x, number) : nullptr;
  }
  if (!pads) call.bad_model("the pads are missing");
  if (call.opset() >= 18) {
    if (const auto axes = call.constant_ints(3, "axes")) {
      pads = spread_pads(call, *axes, x->shape().size());
    }
  }
  if (mode != "constant" && mode != "reflect" && mode != "edge") {
    call.unsupported(fmt::format("attribute 'mode' is '{}'", printable(mode)));
  }
  return {call.emit("Pad", {x, pads, mode == "constant" ? value : nullptr},
                    PadAttributes{.mode = mode})};
}

Values tile(Call& call) { return {call.emit("Tile", {call.input(0), call.input(1)})}; }

// Blocks of the picture become channels.
Values space_to_depth(Call& call) {
  Value* x = call.input(0);
  const int64_t block = call.integer("blocksize");
  const auto [c, h, w] = read_picture(call, x->shape(), block);
  if (h % block != 0 || w % block != 0) call.bad_model("the blocks do not fit the picture");
  Value* blocks = call.reshape(x, {0, c, h / block, block, w / block, block});
  blocks = call.transpose(blocks, {0, 3, 5, 1, 2, 4});
  return {call.reshape(blocks, {0, c * block * block, h / block, w / block})};
}

Values depth_to_space(Call& call) {
  Value* x = call.input(0);
  const int64_t block = call.integer("blocksize");
  const std::string mode = call.text("mode", "DCR");
  if (mode != "DCR" && mode != "CRD") call.bad_model("attribute 'mode' is neither DCR nor CRD");
  const auto [c, h, w] = read_picture(call, x->shape(), block);
  if (c % (block * block) != 0) call.bad_model("the channels are no blocks");
  const int64_t depth = c / (block * block);
  Value* blocks = mode == "DCR" ? call.reshape(x, {0, block, block, depth, h, w})
                                : call.reshape(x, {0, depth, block, block, h, w});
  blocks = mode == "DCR" ? call.transpose(blocks, {0, 3, 4, 1, 5, 2})
                         : call.transpose(blocks, {0, 1, 4, 2, 5, 3});
  return {call.reshape(blocks, {0, depth, h * block, w * block})};
}

}  // namespace

std::vector<ImportRow> movement_rows() {
  return {
      {"Concat", concat, 1, -1},
      {"DepthToSpace", depth_to_space, 1, 1, 1, "only the batch may be dynamic"},
      {"Gather", gather, 2, 2},
      {"Pad", pad, 1, 4, 1, "modes constant, reflect and edge"},
      {"Slice", slice, 1, 5, 1, "axes and steps must be constant"},
      {"SpaceToDepth", space_to_depth, 1, 1, 1, "only the batch may be dynamic"},
      {"Split", split, 1, 2, 1, "sizes must be constant, equal parts need a fixed dimension"},
      {"Tile", tile, 2, 2},
  };
}

}  // namespace hone::onnx
