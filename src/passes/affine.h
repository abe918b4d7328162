// Chains of pointwise operators with constants, as one product and one sum per channel.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace hone {

// y = scale * x + shift, for each channel (the last dimension).
struct Affine {
  std::vector<double> scale, shift;
  std::vector<std::string> sources;  // of the nodes it stands for
  int length = 0;                    // number of nodes

  explicit Affine(size_t channels) : scale(channels, 1.0), shift(channels, 0.0) {}
  // Both, one after the other.
  void append(const Affine& next);
  void prepend(const Affine& previous);
  bool has_scale() const;
  bool has_shift() const;
  bool is_finite() const;  // and fits f32
};

// What `node` does to its one non-constant input, which goes to `*input`: Add, Sub, Mul, Div, Neg
// on f32 with constants of one element or one per channel, without changing the shape.
std::optional<Affine> affine_step(const Node* node, Value** input);

}  // namespace hone
