// Attributes of the operators that move, select or create elements. Semantics are ONNX's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hone/types.h"

namespace hone {

// Cast(data): float to integer truncates; out-of-range values saturate and NaN becomes 0; to bool:
// x != 0.
struct CastAttributes {
  DataType to = DataType::f32;
  bool operator==(const CastAttributes&) const = default;
  template <class V>
  void fields(V&& visit) {
    visit("to", to);
  }
};

// Reshape(data, [shape]): 0 copies the input's dimension unless allowzero; one -1 is computed. With
// the attribute `shape` ("[d0,2*d1,64]", d0, d1 ... = dimensions of data) there is no shape input.
struct ReshapeAttributes {
  bool allowzero = false;
  std::string shape;
  bool operator==(const ReshapeAttributes&) const = default;
  template <class V>
  void fields(V&& visit) {
    visit("allowzero", allowzero);
    visit("shape", shape);
  }
};

// Squeeze(data): removes dimensions of size 1; empty = all, where each is known to be 1
// or not to be 1.
// Unsqueeze(data): inserts dimensions of size 1 at these places of the result.
struct AxesAttributes {
  std::vector<int64_t> axes;
  bool operator==(const AxesAttributes&) const = default;
  template <class V>
  void fields(V&& visit) {
    visit("axes", axes);
  }
};

// Transpose(data): result dimension i is input dimension perm[i]; empty = reversed.
struct TransposeAttributes {
  std::vector<int64_t> perm;
  bool operator==(const TransposeAttributes&) const = default;
  template <class V>
  void fields(V&& visit) {
    visit("perm", perm);
  }
};

// Concat(data...).
struct ConcatAttributes {
  int64_t axis = 0;
  bool operator==(const ConcatAttributes&) const = default;
  template <class V>
  void fields(V&& visit) {
    visit("axis", axis);
  }
};

// Split(data): one output for each of `sizes`, which must add up to the dimension.
struct SplitAttributes {
  int64_t axis = 0;
  std::vector<int64_t> sizes;
  bool operator==(const SplitAttributes&) const = default;
  template <class V>
  void fields(V&& visit) {
    visit("axis", axis);
    visit("sizes", sizes);
  }
};

// Gather(data, indices): data.shape[:axis] + indices.shape[batch_dims:] + data.shape[axis + 1:], as
// TensorFlow's GatherV2; with batch_dims = 0 as ONNX. Negative indices count from the end.
struct GatherAttributes {
  int64_t axis = 0;
  int64_t batch_dims = 0;
  bool operator==(const GatherAttributes&) const = default;
  template <class V>
  void fields(V&& visit) {
    visit("axis", axis);
    visit("batch_dims", batch_dims);
  }
};

// Pad(data, pads, [value]): pads = begins of all axes, then ends; negative pads cut.
// mode: "constant", "reflect" (without the border), "symmetric" (with it) or "edge".
struct PadAttributes {
  std::string mode = "constant";
  bool operator==(const PadAttributes&) const = default;
  template <class V>
  void fields(V&& visit) {
    visit("mode", mode);
  }
};

}  // namespace hone
