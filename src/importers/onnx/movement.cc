// Operators that join, cut, select and repeat.
#include <fmt/format.h>

#include "base/text.h"
#include "importers/onnx/importer_table.h"

namespace hone::onnx {
namespace {

// Keeps products of sizes and blocks far from overflow.
constexpr int64_t kMaxSize = int64_t{1} << 40;
constexpr int64_t kMaxBlock = 1024;

// The channels of [N, C, H, W]; the other sizes may be dynamic.
int64_t read_channels(Call& call, const Shape& shape, int64_t block) {
  if (shape.size() != 4) call.bad_model("the input has another rank than 4");
  if (block < 1 || block > kMaxBlock) call.bad_model("attribute 'blocksize' is out of range");
  call.require(shape[1].is_const(), "the number of channels is dynamic");
  if (shape[1].value() < 0 || shape[1].value() > kMaxSize)
    call.bad_model("a dimension is too large");
  return shape[1].value();
}

// To a shape of expressions in the dimensions d0, d1 ... of `value`.
Value* reshape_to(Call& call, Value* value, std::string shape) {
  return call.emit("Reshape", {value}, ReshapeAttributes{false, std::move(shape)});
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
// [N, C, H * b, W * b] -> [N, C, H, b, W, b] -> [N, b, b, C, H, W] -> [N, b * b * C, H, W]
Values space_to_depth(Call& call) {
  Value* x = call.input(0);
  const int64_t b = call.integer("blocksize");
  const int64_t c = read_channels(call, x->shape(), b);
  for (size_t i : {2, 3}) {
    const Dim& size = x->shape()[i];
    if (size.is_const() && size.value() % b != 0) call.bad_model("height or width are no blocks");
  }
  Value* blocks =
      reshape_to(call, x, fmt::format("[d0,{0},floordiv(d2,{1}),{1},floordiv(d3,{1}),{1}]", c, b));
  blocks = call.transpose(blocks, {0, 3, 5, 1, 2, 4});
  return {reshape_to(call, blocks, fmt::format("[d0,{},d4,d5]", c * b * b))};
}

// [N, b * b * C, H, W], with the channels inside the blocks or around them, -> [N, C, H * b, W * b]
Values depth_to_space(Call& call) {
  Value* x = call.input(0);
  const int64_t b = call.integer("blocksize");
  const std::string mode = call.text("mode", "DCR");
  if (mode != "DCR" && mode != "CRD") call.bad_model("attribute 'mode' is neither DCR nor CRD");
  const int64_t c = read_channels(call, x->shape(), b);
  if (c % (b * b) != 0) call.bad_model("the channels are no blocks");
  const int64_t depth = c / (b * b);
  const bool inside = mode == "DCR";
  Value* blocks = reshape_to(call, x,
                             inside ? fmt::format("[d0,{0},{0},{1},d2,d3]", b, depth)
                                    : fmt::format("[d0,{1},{0},{0},d2,d3]", b, depth));
  blocks = inside ? call.transpose(blocks, {0, 3, 4, 1, 5, 2})
                  : call.transpose(blocks, {0, 1, 4, 2, 5, 3});
  return {reshape_to(call, blocks, fmt::format("[d0,{0},{1}*d2,{1}*d4]", depth, b))};
}

}  // namespace

std::vector<ImportRow> movement_rows() {
  return {
      {"Concat", concat, 1, -1},
      {"DepthToSpace", depth_to_space, 1, 1, 1, "known channels"},
      {"Gather", gather, 2, 2},
      {"Pad", pad, 1, 4, 1, "modes constant, reflect and edge"},
      {"Slice", slice, 1, 5, 1, "axes and steps must be constant"},
      {"SpaceToDepth", space_to_depth, 1, 1, 1, "known channels"},
      {"Split", split, 1, 2, 1, "sizes must be constant, equal parts need a fixed dimension"},
      {"Tile", tile, 2, 2},
  };
}

}  // namespace hone::onnx
