#include "plan/equalities.h"

#include <set>

namespace hone {

Equalities::Equalities(const std::vector<std::pair<Dim, Dim>>& pairs) {
  for (const auto& [a, b] : pairs) {
    if (replaced_.size() >= kMaxReplaced) break;
    const Dim left = a.substitute(replaced_), right = b.substitute(replaced_);
    if (!left.is_valid() || !right.is_valid() || left == right) continue;
    if (left.is_symbol()) {
      replace_symbol(left, right);
    } else if (right.is_symbol()) {
      replace_symbol(right, left);
    }
  }
  const auto unite = [this](const Dim& a, const Dim& b) {
    if (a.is_valid() && b.is_valid()) parent_[root(add(a))] = root(add(b));
  };
  for (const auto& [a, b] : pairs) {
    unite(a, b);
    if (!replaced_.empty()) unite(a.substitute(replaced_), b.substitute(replaced_));
  }
}

void Equalities::replace_symbol(const Dim& symbol, const Dim& other) {
  std::set<std::string> used;
  other.collect_symbols(&used);
  if (used.contains(symbol.symbol_name())) return;
  const std::map<std::string, Dim> step = {{symbol.symbol_name(), other}};
  for (auto& [name, dim] : replaced_) dim = dim.substitute(step);
  replaced_.emplace(symbol.symbol_name(), other);
}

bool Equalities::implied(const Dim& a, const Dim& b) {
  if (!a.is_valid() || !b.is_valid()) return false;
  if (a == b) return true;
  const int a_class = find_class(a);
  if (a_class >= 0 && a_class == find_class(b)) return true;
  if (replaced_.empty()) return false;
  const Dim left = a.substitute(replaced_), right = b.substitute(replaced_);
  if (!left.is_valid() || !right.is_valid()) return false;
  if (left == right) return true;
  const int left_class = find_class(left);
  return left_class >= 0 && left_class == find_class(right);
}

int Equalities::find_class(const Dim& dim) {
  const auto found = index_.find(dim);
  return found == index_.end() ? -1 : root(found->second);
}

int Equalities::root(int i) {
  while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
  return i;
}

int Equalities::add(const Dim& dim) {
  const auto [found, is_new] = index_.try_emplace(dim, static_cast<int>(parent_.size()));
  if (is_new) parent_.push_back(found->second);
  return found->second;
}

}  // namespace hone
