#include "graph/type_match.h"

#include <algorithm>
#include <set>

namespace hone {

bool TypeMatcher::is_fresh(const Dim& dim, int next) {
  if (dim.is_const()) return false;
  for (next = std::min(next, kMaxFresh); made_ < next; ++made_) {
    SymbolScope scope;
    scope.next = made_;
    fresh_.insert(scope.fresh().symbol_name());
  }
  std::set<std::string> symbols;
  dim.collect_symbols(&symbols);
  return std::any_of(symbols.begin(), symbols.end(),
                     [this](const std::string& symbol) { return fresh_.contains(symbol); });
}

bool TypeMatcher::agree(const TensorType& a, const TensorType& b, int next) {
  if (a.dtype != b.dtype || a.shape.size() != b.shape.size()) return false;
  for (size_t i = 0; i < a.shape.size(); ++i) {
    if (a.shape[i] == b.shape[i]) continue;
    if (!is_fresh(a.shape[i], next) && !is_fresh(b.shape[i], next)) return false;
  }
  return true;
}

}  // namespace hone
