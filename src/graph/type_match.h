// Comparing types that inference made at different times.
#pragma once

#include <string>
#include <unordered_set>

#include "graph/graph.h"

namespace hone {

// Inference puts a fresh symbol where it cannot compute a dimension, another one each time. Such a
// dimension says nothing, so it agrees with every other.
class TypeMatcher {
 public:
  // Numbers of fresh symbols looked at; text from strangers may claim any number.
  static constexpr int kMaxFresh = 1 << 20;

  // `next`: SymbolScope::next after both inferences.
  bool agree(const TensorType& a, const TensorType& b, int next);
  bool is_fresh(const Dim& dim, int next);  // some symbol in it is fresh

 private:
  std::unordered_set<std::string> fresh_;  // names of fresh symbols 0 ... made_ - 1
  int made_ = 0;
};

}  // namespace hone
