// Attributes of the operators that combine elements along axes. Negative axes count from the end.
#pragma once

#include <cstdint>
#include <vector>

#include "hone/types.h"

namespace hone {

// ReduceSum, ReduceMean, ReduceMax ...: empty axes = all.
struct ReduceAttributes {
  std::vector<int64_t> axes;
  bool keepdims = true;
  bool operator==(const ReduceAttributes&) const = default;
  template <class V>
  void fields(V&& visit) {
    visit("axes", axes);
    visit("keepdims", keepdims);
  }
};

// Softmax, LogSoftmax.
struct SoftmaxAttributes {
  int64_t axis = -1;
  bool operator==(const SoftmaxAttributes&) const = default;
  template <class V>
  void fields(V&& visit) {
    visit("axis", axis);
  }
};

// ArgMax, ArgMin: the first such index, or the last with select_last. NaN counts as the extreme.
struct ArgAttributes {
  int64_t axis = 0;
  bool keepdims = true;
  bool select_last = false;
  DataType output = DataType::i64;  // i64 or i32
  bool operator==(const ArgAttributes&) const = default;
  template <class V>
  void fields(V&& visit) {
    visit("axis", axis);
    visit("keepdims", keepdims);
    visit("select_last", select_last);
    visit("output", output);
  }
};

}  // namespace hone
