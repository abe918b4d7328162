// Attributes of the normalizations.
#pragma once

#include <cstdint>
#include <vector>

namespace hone {

// LayerNormalization, RMSNormalization: the axes over which the statistics are taken (ONNX: from
// `axis` to the last; here any). Negative axes count from the end.
struct NormalizationAttributes {
  std::vector<int64_t> axes = {-1};
  double epsilon = 1e-5;
  bool operator==(const NormalizationAttributes&) const = default;
  template <class V>
  void fields(V&& visit) {
    visit("axes", axes);
    visit("epsilon", epsilon);
  }
};

}  // namespace hone
