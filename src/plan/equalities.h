// What follows from a plan's list of checks "a must equal b".
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/dim.h"

namespace hone {

// Once every pair of the list was found equal under the symbols' values, implied(a, b) == true
// means that a and b are equal too. Not complete: only chains of pairs, and putting one side of a
// pair in the place of a symbol that is the other side.
class Equalities {
 public:
  explicit Equalities(const std::vector<std::pair<Dim, Dim>>& pairs);
  bool implied(const Dim& a, const Dim& b);

 private:
  // Work is quadratic in this; models have a few symbols.
  static constexpr size_t kMaxReplaced = 256;

  void replace_symbol(const Dim& symbol, const Dim& other);
  int find_class(const Dim& dim);  // -1: in no pair
  int root(int i);
  int add(const Dim& dim);

  std::map<std::string, Dim> replaced_;  // no symbol on the left occurs on the right
  std::unordered_map<Dim, int> index_;   // union-find over the sides of the pairs
  std::vector<int> parent_;
};

}  // namespace hone
