// Attributes of the operators that choose elements by value or by lists of indices. Semantics are
// ONNX's.
#pragma once

#include <cstdint>
#include <string>

#include "hone/types.h"

namespace hone {

// TopK(data, k): the k largest (smallest) elements along `axis`, best first, and their places. Of
// equal elements the one at the lower place comes first; NaN is larger than any number.
struct TopKAttributes {
  int64_t axis = -1;
  bool largest = true;
  DataType indices = DataType::i64;  // or i32
  bool operator==(const TopKAttributes&) const = default;
  template <class V>
  void fields(V&& visit) {
    visit("axis", axis);
    visit("largest", largest);
    visit("indices", indices);
  }
};

// GatherND(data, indices).
struct GatherNdAttributes {
  int64_t batch_dims = 0;
  bool operator==(const GatherNdAttributes&) const = default;
  template <class V>
  void fields(V&& visit) {
    visit("batch_dims", batch_dims);
  }
};

// GatherElements(data, indices).
struct GatherElementsAttributes {
  int64_t axis = 0;
  bool operator==(const GatherElementsAttributes&) const = default;
  template <class V>
  void fields(V&& visit) {
    visit("axis", axis);
  }
};

// ScatterND(data, indices, updates). reduction: "none" (of several updates of one element the last
// one stays), "add", "sub", "mul", "min" or "max".
struct ScatterNdAttributes {
  std::string reduction = "none";
  bool operator==(const ScatterNdAttributes&) const = default;
  template <class V>
  void fields(V&& visit) {
    visit("reduction", reduction);
  }
};

// ScatterElements(data, indices, updates).
struct ScatterElementsAttributes {
  int64_t axis = 0;
  std::string reduction = "none";
  bool operator==(const ScatterElementsAttributes&) const = default;
  template <class V>
  void fields(V&& visit) {
    visit("axis", axis);
    visit("reduction", reduction);
  }
};

// CumSum(data), CumProd(data). exclusive: without the element itself; reverse: from the end.
struct CumulativeAttributes {
  int64_t axis = 0;
  bool exclusive = false;
  bool reverse = false;
  bool operator==(const CumulativeAttributes&) const = default;
  template <class V>
  void fields(V&& visit) {
    visit("axis", axis);
    visit("exclusive", exclusive);
    visit("reverse", reverse);
  }
};

// Compress(data, condition): a condition that is shorter than the axis is false beyond its end.
struct CompressAttributes {
  int64_t axis = 0;
  bool operator==(const CompressAttributes&) const = default;
  template <class V>
  void fields(V&& visit) {
    visit("axis", axis);
  }
};

// Unique(data): sorted, or in the order of first occurrence.
struct UniqueAttributes {
  bool sorted = true;
  bool operator==(const UniqueAttributes&) const = default;
  template <class V>
  void fields(V&& visit) {
    visit("sorted", sorted);
  }
};

// NonMaxSuppression(boxes, scores, [max_per_class, [iou_threshold, [score_threshold]]]): boxes are
// corners (y1, x1, y2, x2) in any order, or with center_point_box (x, y, width, height).
struct NmsAttributes {
  bool center_point_box = false;
  bool operator==(const NmsAttributes&) const = default;
  template <class V>
  void fields(V&& visit) {
    visit("center_point_box", center_point_box);
  }
};

// NonMaxSuppressionPadded(boxes, scores): `size` boxes of one class, filled up with zeros.
// soft_sigma > 0: overlap lowers the scores, whatever the threshold, as in TensorFlow's V5.
struct PaddedNmsAttributes {
  int64_t size = 0;
  double iou_threshold = 0.5;
  double score_threshold = 0;
  double soft_sigma = 0;
  bool operator==(const PaddedNmsAttributes&) const = default;
  template <class V>
  void fields(V&& visit) {
    visit("size", size);
    visit("iou_threshold", iou_threshold);
    visit("score_threshold", score_threshold);
    visit("soft_sigma", soft_sigma);
  }
};

// CombinedNonMaxSuppression(boxes, scores): see combined_nms.cc.
struct CombinedNmsAttributes {
  int64_t max_per_class = 0;
  int64_t max_total = 0;
  double iou_threshold = 0.5;
  double score_threshold = 0;
  bool pad_per_class = false;
  bool clip_boxes = true;
  bool operator==(const CombinedNmsAttributes&) const = default;
  template <class V>
  void fields(V&& visit) {
    visit("max_per_class", max_per_class);
    visit("max_total", max_total);
    visit("iou_threshold", iou_threshold);
    visit("score_threshold", score_threshold);
    visit("pad_per_class", pad_per_class);
    visit("clip_boxes", clip_boxes);
  }
};

}  // namespace hone
