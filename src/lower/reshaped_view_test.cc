#include "lower/reshaped_view.h"

#include <gtest/gtest.h>

#include <random>

namespace hone {
namespace {

Shape shape_of(std::initializer_list<const char*> dims) {
  Shape shape;
  for (const char* dim : dims) shape.push_back(Dim::parse(dim).value());
  return shape;
}

TEST(ReshapedView, Breaks) {
  const Shape boxes = shape_of({"N", "6*H*W", "4"}), maps = shape_of({"N", "H", "W", "24"});
  EXPECT_EQ(reshaped_breaks(boxes, maps, 0b010), Breaks{0b0010});
  EXPECT_EQ(reshaped_breaks(maps, boxes, 0b0010), Breaks{0b010});
  EXPECT_FALSE(reshaped_breaks(boxes, maps, 0b100));  // between a box and its corners
  EXPECT_FALSE(reshaped_breaks(maps, boxes, 0b0100));
  EXPECT_EQ(reshaped_breaks(maps, boxes, 0), Breaks{0});
  // Dimensions of size 1.
  const Shape one = shape_of({"N", "1", "H", "8"}), none = shape_of({"N", "H", "8"});
  EXPECT_EQ(reshaped_breaks(one, none, 0b0110), Breaks{0b010});
  EXPECT_EQ(reshaped_breaks(none, one, 0b100), Breaks{0b1000});
  EXPECT_EQ(reshaped_breaks(shape_of({"1", "8"}), shape_of({"8"}), 0b10), Breaks{0});
  // One channel of many: its neighbours are far, which only a last dimension of size 1 may say.
  EXPECT_FALSE(reshaped_breaks(shape_of({"N", "1"}), shape_of({"N"}), 0b10));
  EXPECT_EQ(reshaped_breaks(shape_of({"N", "1"}), shape_of({"N", "1", "1"}), 0b10), Breaks{0b010});
}

TEST(ReshapedView, Halo) {
  const Halo halo{{0, 1, 2, 0}, {0, 3, 4, 0}};
  const Shape maps = shape_of({"N", "H", "W", "8"});
  EXPECT_EQ(reshaped_halo(maps, shape_of({"N", "1", "H", "W", "8"}), halo),
            (Halo{{0, 0, 1, 2, 0}, {0, 0, 3, 4, 0}}));
  EXPECT_EQ(reshaped_halo(maps, shape_of({"N", "H", "W*8"}), halo), (Halo{{0, 1, 0}, {0, 3, 0}}));
}

// Whatever breaks and sizes: where strides are said to be enough, they are, for the sizes at hand.
TEST(ReshapedView, LayoutsOfRandomShapes) {
  std::mt19937 random(7);
  const auto below = [&random](int n) { return static_cast<int>(random() % n); };
  int expressible = 0;
  for (int round = 0; round < 20000; ++round) {
    TensorLayout in, out;
    in.rank = 1 + below(4);
    Shape in_shape, out_shape;
    const char* names[] = {"A", "B", "C", "D"};
    const SymbolValues symbols = {{"A", 1 + below(3)}, {"B", 1 + below(3)}, {"C", 2}, {"D", 1}};
    for (int i = 0; i < in.rank; ++i) {
      in_shape.push_back(below(3) == 0 ? Dim(1 + below(4)) : Dim::symbol(names[below(4)]));
      in.shape[i] = in_shape.back().eval(symbols).value();
    }
    // Joins neighbours, and adds dimensions of size 1.
    for (int i = 0; i < in.rank; ++i) {
      if (below(4) == 0) out_shape.push_back(1);
      if (i > 0 && below(3) == 0) {
        out_shape.back() *= in_shape[static_cast<size_t>(i)];
      } else {
        out_shape.push_back(in_shape[static_cast<size_t>(i)]);
      }
    }
    if (below(2) == 0) std::swap(in_shape, out_shape);
    in.rank = static_cast<int>(in_shape.size());
    out.rank = static_cast<int>(out_shape.size());
    if (in.rank > kMaxRank || out.rank > kMaxRank) continue;
    for (int i = 0; i < in.rank; ++i) {
      in.shape[i] = in_shape[static_cast<size_t>(i)].eval(symbols).value();
    }
    for (int i = 0; i < out.rank; ++i) {
      out.shape[i] = out_shape[static_cast<size_t>(i)].eval(symbols).value();
    }
    const Breaks breaks = static_cast<Breaks>(random()) & ((Breaks{1} << in.rank) - 1) & ~1u;
    int64_t step = 1;
    for (int i = in.rank - 1; i >= 0; --i) {
      in.stride[i] = step;
      step *= in.shape[i] + (breaks >> i & 1 ? 1 + below(3) : 0);
    }
    if (!reshaped_breaks(in_shape, out_shape, breaks)) continue;
    ++expressible;
    ASSERT_TRUE(reshape_layout(in, &out)) << shape_text(in_shape) << shape_text(out_shape);
    ASSERT_TRUE(out.shape[out.rank - 1] == 1 || out.stride[out.rank - 1] == 1);
    for (int64_t e = 0; e < in.num_elements(); ++e) {
      const auto offset = [e](const TensorLayout& layout) {
        int64_t rest = e, sum = 0;
        for (int i = layout.rank - 1; i >= 0; --i) {
          sum += rest % layout.shape[i] * layout.stride[i];
          rest /= layout.shape[i];
        }
        return sum;
      };
      ASSERT_EQ(offset(in), offset(out)) << shape_text(in_shape) << shape_text(out_shape);
    }
  }
  EXPECT_GT(expressible, 2000);
}

}  // namespace
}  // namespace hone
