// Problems of operators that choose elements by value or index, for the tests of tactics.
#pragma once

#include <cmath>
#include <vector>

#include "ops/selection.h"
#include "tactics/tactic_test_util.h"

namespace hone {

// `tensor` in another dtype.
inline Tensor cast_to(DataType dtype, const Tensor& tensor) {
  const Tensor inputs[] = {tensor};
  return evaluate_reference(op("Cast"), CastAttributes{dtype}, {}, inputs).value()[0];
}

inline void add_index_problems(ProblemMaker& make) {
  const Tensor x = make.random({3, 7, 5});
  for (const DataType index : {DataType::i64, DataType::i32}) {
    const auto indices = [&](std::vector<int64_t> shape, int64_t limit) {
      return cast_to(index, make.integers(std::move(shape), -limit, limit - 1));
    };
    make.add("gather rows", "Gather", GatherAttributes{0, 0}, {x, indices({2, 3}, 3)});
    make.add("gather axis 1", "Gather", GatherAttributes{1, 0}, {x, indices({4}, 7)});
    make.add("gather last", "Gather", GatherAttributes{-1, 0}, {x, indices({2, 1, 2}, 5)});
    make.add("gather batch", "Gather", GatherAttributes{1, 1}, {x, indices({3, 4}, 7)});
    make.add("gather batch 2", "Gather", GatherAttributes{2, 1}, {x, indices({3, 2, 2}, 5)});
    make.add("gather one", "Gather", GatherAttributes{1, 0}, {x, indices({}, 7)});
    make.add("gather none", "Gather", GatherAttributes{1, 0}, {x, indices({0, 2}, 7)});
    make.add("gather nd", "GatherND", GatherNdAttributes{0}, {x, indices({4, 2}, 3)});
    make.add("gather nd all", "GatherND", GatherNdAttributes{0}, {x, indices({2, 4, 3}, 3)});
    make.add("gather nd batch", "GatherND", GatherNdAttributes{1}, {x, indices({3, 6, 1}, 7)});
    make.add("gather nd none", "GatherND", GatherNdAttributes{0}, {x, indices({0, 1}, 3)});
    for (const char* reduction : {"none", "add", "sub", "mul", "min", "max"}) {
      const ScatterNdAttributes attributes{reduction};
      const Tensor tuples = indices({6, 2}, 3), updates = make.random({6, 5});
      make.add("scatter nd", "ScatterND", attributes, {x, tuples, updates});
      make.add("scatter nd i64", "ScatterND", attributes,
               {make.integers({3, 7, 5}, -9, 9), tuples, make.integers({6, 5}, -9, 9)});
      make.add("scatter nd elements", "ScatterND", attributes,
               {x, indices({2, 3, 3}, 3), make.random({2, 3})});
    }
  }
}

inline void add_element_problems(ProblemMaker& make) {
  for (const int64_t axis : {0, 1, -1}) {
    const Tensor x = make.random({3, 7, 5});
    const int64_t limit = x.dim(axis < 0 ? 2 : static_cast<int>(axis));
    for (const DataType index : {DataType::i64, DataType::i32}) {
      const Tensor indices = cast_to(index, make.integers({3, 4, 5}, -limit, limit - 1));
      make.add("gather elements", "GatherElements", GatherElementsAttributes{axis}, {x, indices});
      make.add("gather elements u8", "GatherElements", GatherElementsAttributes{axis},
               {cast_to(DataType::u8, make.integers({3, 7, 5}, 0, 255)), indices});
      for (const char* reduction : {"none", "add", "sub", "mul", "min", "max"}) {
        const ScatterElementsAttributes attributes{axis, reduction};
        make.add("scatter elements", "ScatterElements", attributes,
                 {x, indices, make.random({3, 4, 5})});
        make.add("scatter elements i64", "ScatterElements", attributes,
                 {make.integers({3, 7, 5}, -9, 9), indices, make.integers({3, 4, 5}, -9, 9)});
      }
    }
    for (const char* name : {"CumSum", "CumProd"}) {
      for (const bool flag : {false, true}) {
        make.add(name, name, CumulativeAttributes{axis, flag, false}, {x});
        make.add(name, name, CumulativeAttributes{axis, flag, true},
                 {make.integers({2, 40, 3}, -9, 9)});
        make.add(name, name, CumulativeAttributes{axis, !flag, true},
                 {cast_to(DataType::i32, make.integers({2, 40, 3}, -9, 9))});
      }
    }
  }
  make.add("sum of none", "CumSum", CumulativeAttributes{1}, {make.random({2, 0, 3})});
}

inline void add_choice_problems(ProblemMaker& make) {
  const auto k = [](int64_t count) { return Tensor::from<int64_t>({1}, {count}); };
  // Few different values: many ties.
  const Tensor tied = cast_to(DataType::f32, make.integers({6, 50}, -3, 3));
  Tensor special = make.random({4, 9});
  special.mutable_data<float>()[3] = NAN;
  special.mutable_data<float>()[5] = -0.0f;
  special.mutable_data<float>()[6] = 0.0f;
  special.mutable_data<float>()[12] = INFINITY;
  special.mutable_data<float>()[13] = -INFINITY;
  special.mutable_data<float>()[14] = -NAN;
  for (const bool largest : {true, false}) {
    for (const DataType index : {DataType::i64, DataType::i32}) {
      const TopKAttributes last{-1, largest, index}, first{0, largest, index};
      make.add("top k", "TopK", last, {make.random({5, 3, 100}), k(7)}, {false, true});
      make.add("top k axis 0", "TopK", first, {make.random({20, 3, 4}), k(20)}, {false, true});
      make.add("top k ties", "TopK", last, {tied, k(11)}, {false, true});
      make.add("top k special", "TopK", last, {special, k(9)}, {false, true});
      make.add("top k i32", "TopK", last,
               {cast_to(DataType::i32, make.integers({3, 40}, INT32_MIN, INT32_MAX)), k(5)});
      make.add("top none", "TopK", last, {tied, k(0)}, {false, true});
      make.add_found("top k found", "TopK", first, {tied, k(3)});
    }
  }
  const Tensor mask = cast_to(DataType::boolean, make.integers({7}, 0, 1));
  for (const DataType dtype : {DataType::f32, DataType::f64, DataType::i32, DataType::i64,
                               DataType::u8, DataType::boolean}) {
    make.add_found("nonzero", "NonZero", {}, {cast_to(dtype, make.integers({4, 3, 5}, 0, 1))});
    make.add_found("nonzero of one", "NonZero", {}, {cast_to(dtype, make.integers({}, 0, 1))});
  }
  make.add_found("nonzero of none", "NonZero", {}, {make.random({0, 3})});
  make.add_found("compress", "Compress", CompressAttributes{1}, {make.random({3, 7, 5}), mask});
  make.add_found("compress last", "Compress", CompressAttributes{-1}, {make.random({3, 9}), mask});
  make.add_found("compress i64", "Compress", CompressAttributes{0},
                 {make.integers({7, 2}, 0, 9), mask});
  const auto ints = [](std::vector<int64_t> values) {
    return Tensor::from<int64_t>({static_cast<int64_t>(values.size())}, values);
  };
  make.add_found("slice", "Slice", {}, {make.random({6, 7}), ints({1}), ints({-1}), ints({1})});
  make.add_found(
      "slice steps", "Slice", {},
      {make.random({6, 7, 2}), ints({-1, 2}), ints({INT64_MIN, 7}), ints({0, -2}), ints({-2, 3})},
      {false, false, false, true, true});
  make.add_found("slice none", "Slice", {}, {make.random({6, 7}), ints({4}), ints({2})});
}

// Boxes that overlap in part, with corners in any order.
inline void add_box_problems(ProblemMaker& make) {
  const auto limit = [](int64_t count) { return Tensor::from<int64_t>({1}, {count}); };
  const auto number = [](float value) { return Tensor::from<float>({1}, {value}); };
  const Tensor boxes = make.random({2, 150, 4}), scores = make.random({2, 3, 150});
  const Tensor tied = cast_to(DataType::f32, make.integers({2, 3, 150}, -4, 4));
  for (const bool center : {false, true}) {
    const NmsAttributes attributes{center};
    for (const int64_t count : {0, 4, 150, 1000}) {
      make.add_found("nms", "NonMaxSuppression", attributes,
                     {boxes, scores, limit(count), number(0.3f), number(-0.2f)});
      make.add_found("nms ties", "NonMaxSuppression", attributes,
                     {boxes, tied, cast_to(DataType::i32, limit(count)), number(0.1f)});
    }
    make.add_found("nms nothing", "NonMaxSuppression", attributes, {boxes, scores});
    make.add_found("nms all", "NonMaxSuppression", attributes,
                   {boxes, scores, limit(99), number(1.0f)});
  }
  for (const int64_t size : {0, 1, 10, 200}) {
    make.add("nms padded", "NonMaxSuppressionPadded", PaddedNmsAttributes{size, 0.3, -0.5, 0},
             {make.random({90, 4}), make.random({90})});
  }
  for (const int64_t q : {1, 5}) {
    for (const bool pad : {false, true}) {
      for (const int64_t per_class : {1, 6, 200}) {
        CombinedNmsAttributes attributes;
        attributes.max_per_class = per_class;
        attributes.max_total = 20;
        attributes.iou_threshold = 0.3;
        attributes.score_threshold = per_class == 6 ? 0.5 : -2;
        attributes.pad_per_class = pad;
        attributes.clip_boxes = pad;
        const Tensor some = make.random({2, 90, q, 4});
        make.add("combined nms", "CombinedNonMaxSuppression", attributes,
                 {some, make.random({2, 90, 5})});
        make.add("combined nms ties", "CombinedNonMaxSuppression", attributes,
                 {some, cast_to(DataType::f32, make.integers({2, 90, 5}, -2, 2))});
      }
    }
  }
}

inline std::vector<Problem> selection_problems(unsigned seed) {
  ProblemMaker make(seed);
  add_index_problems(make);
  add_element_problems(make);
  add_choice_problems(make);
  add_box_problems(make);
  return make.take();
}

}  // namespace hone
