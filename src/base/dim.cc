#include "base/dim.h"

#include <algorithm>

#include "base/check.h"
#include "base/dim_nodes.h"
#include "base/hash.h"

namespace hone {

using internal::DimAtom;
using internal::DimAtomKind;
using internal::DimAtomPtr;
using internal::DimBounds;
using internal::DimTerm;
using internal::DimTerms;

namespace internal {

int compare_atoms(const DimAtom& a, const DimAtom& b) {
  if (&a == &b) return 0;
  if (a.kind != b.kind) return a.kind < b.kind ? -1 : 1;
  if (a.kind == DimAtomKind::kSymbol) return a.name.compare(b.name);
  if (a.args.size() != b.args.size()) return a.args.size() < b.args.size() ? -1 : 1;
  for (size_t i = 0; i < a.args.size(); ++i) {
    if (const int c = DimBuilder::compare(a.args[i], b.args[i]); c != 0) return c;
  }
  return 0;
}

int compare_monomials(const DimTerm& a, const DimTerm& b) {
  if (a.factors.size() != b.factors.size()) return a.factors.size() < b.factors.size() ? -1 : 1;
  for (size_t i = 0; i < a.factors.size(); ++i) {
    // The smaller atom is the greater variable, so that M*N + N prints M before N.
    if (const int c = compare_atoms(*a.factors[i], *b.factors[i]); c != 0) return -c;
  }
  return 0;
}

namespace {

std::optional<int64_t> checked_add(std::optional<int64_t> a, std::optional<int64_t> b) {
  int64_t sum;
  if (!a || !b || __builtin_add_overflow(*a, *b, &sum)) return std::nullopt;
  return sum;
}

std::optional<int64_t> checked_mul(std::optional<int64_t> a, std::optional<int64_t> b) {
  int64_t product;
  if (!a || !b || __builtin_mul_overflow(*a, *b, &product)) return std::nullopt;
  return product;
}

}  // namespace

DimBounds add_bounds(const DimBounds& a, const DimBounds& b) {
  return {checked_add(a.lo, b.lo), checked_add(a.hi, b.hi)};
}

DimBounds scale_bounds(const DimBounds& a, int64_t factor) {
  const DimBounds scaled = {checked_mul(a.lo, factor), checked_mul(a.hi, factor)};
  return factor >= 0 ? scaled : DimBounds{scaled.hi, scaled.lo};
}

DimBounds multiply_bounds(const DimBounds& a, const DimBounds& b) {
  if (a.lo && b.lo && *a.lo >= 0 && *b.lo >= 0) {
    // The product is >= 0 even where its lower bound overflows.
    return {checked_mul(a.lo, b.lo).value_or(0), checked_mul(a.hi, b.hi)};
  }
  DimBounds result{INT64_MAX, INT64_MIN};
  for (const auto& x : {a.lo, a.hi}) {
    for (const auto& y : {b.lo, b.hi}) {
      const auto corner = checked_mul(x, y);
      if (!corner) return {};
      result = {std::min(*result.lo, *corner), std::max(*result.hi, *corner)};
    }
  }
  return result;
}

int64_t floor_div_int(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

DimBounds floordiv_bounds(const DimBounds& a, const DimBounds& b) {
  // A divisor of 0 has no quotient to bound.
  if (!b.lo || *b.lo < 0) return {};
  const int64_t least = std::max<int64_t>(*b.lo, 1);
  DimBounds result;
  if (a.lo && *a.lo < 0) result.lo = floor_div_int(*a.lo, least);
  if (a.lo && *a.lo >= 0) result.lo = b.hi ? floor_div_int(*a.lo, std::max(*b.hi, least)) : 0;
  if (a.hi && *a.hi >= 0) result.hi = floor_div_int(*a.hi, least);
  if (a.hi && *a.hi < 0) result.hi = b.hi ? floor_div_int(*a.hi, std::max(*b.hi, least)) : -1;
  return result;
}

}  // namespace internal

namespace {

DimBounds term_bounds(const DimTerm& term) {
  DimBounds bounds = term.factors[0]->bounds;
  for (size_t i = 1; i < term.factors.size(); ++i) {
    bounds = internal::multiply_bounds(bounds, term.factors[i]->bounds);
  }
  return internal::scale_bounds(bounds, term.coefficient);
}

DimBounds extremum_bounds(DimAtomKind kind, const std::vector<Dim>& args) {
  DimBounds result = DimBuilder::bounds(args[0]);
  for (size_t i = 1; i < args.size(); ++i) {
    const DimBounds b = DimBuilder::bounds(args[i]);
    // min: below all lower bounds, and below any upper bound. max: the other way round.
    if (kind == DimAtomKind::kMin) {
      result.lo = result.lo && b.lo ? std::min(result.lo, b.lo) : std::nullopt;
      result.hi = result.hi && b.hi ? std::min(result.hi, b.hi) : result.hi ? result.hi : b.hi;
    } else {
      result.lo = result.lo && b.lo ? std::max(result.lo, b.lo) : result.lo ? result.lo : b.lo;
      result.hi = result.hi && b.hi ? std::max(result.hi, b.hi) : std::nullopt;
    }
  }
  return result;
}

}  // namespace

// --- DimBuilder ---------------------------------------------------------------------------------

const DimBuilder::Terms& DimBuilder::terms(const Dim& d) {
  static const Terms* const kNone = new Terms;
  return d.terms_ ? d.terms_->terms : *kNone;
}

DimBounds DimBuilder::bounds(const Dim& d) {
  if (!d.valid_) return {};
  const DimBounds constant{d.constant_, d.constant_};
  return d.terms_ ? internal::add_bounds(d.terms_->bounds, constant) : constant;
}

Dim DimBuilder::make(Terms terms, int64_t constant) {
  Dim d(constant);
  if (terms.empty()) return d;
  auto node = std::make_shared<DimTerms>();
  node->bounds = {0, 0};
  for (const DimTerm& term : terms) {
    node->hash = hash_combine(node->hash, static_cast<uint64_t>(term.coefficient));
    node->size += 1;
    for (const DimAtomPtr& factor : term.factors) {
      node->hash = hash_combine(node->hash, factor->hash);
      node->size += factor->size;
      node->depth = std::max(node->depth, factor->depth);
    }
    if (node->size > Dim::kMaxSize) return Dim::invalid();
    node->bounds = internal::add_bounds(node->bounds, term_bounds(term));
  }
  node->terms = std::move(terms);
  d.terms_ = std::move(node);
  return d;
}

Dim DimBuilder::collect(Terms terms, std::optional<int64_t> constant) {
  if (!constant) return Dim::invalid();
  std::sort(terms.begin(), terms.end(), [](const DimTerm& a, const DimTerm& b) {
    return internal::compare_monomials(a, b) > 0;
  });
  Terms merged;
  for (DimTerm& term : terms) {
    if (merged.empty() || internal::compare_monomials(merged.back(), term) != 0) {
      if (!merged.empty() && merged.back().coefficient == 0) merged.pop_back();
      merged.push_back(std::move(term));
    } else if (__builtin_add_overflow(merged.back().coefficient, term.coefficient,
                                      &merged.back().coefficient)) {
      return Dim::invalid();
    }
  }
  if (!merged.empty() && merged.back().coefficient == 0) merged.pop_back();
  return make(std::move(merged), *constant);
}

Dim DimBuilder::atom(DimAtomKind kind, std::string name, std::vector<Dim> args) {
  auto atom = std::make_shared<DimAtom>();
  atom->kind = kind;
  atom->hash = hash_combine(hash64(name), static_cast<uint64_t>(kind));
  atom->depth = kind == DimAtomKind::kSymbol ? 0 : 1;
  for (const Dim& arg : args) {
    if (!arg.valid_) return Dim::invalid();
    atom->hash = hash_combine(atom->hash, arg.hash());
    atom->size += size(arg);
    atom->depth = std::max(atom->depth, depth(arg) + 1);
  }
  if (atom->size > Dim::kMaxSize || atom->depth > Dim::kMaxDepth) return Dim::invalid();
  switch (kind) {
    case DimAtomKind::kSymbol:
      atom->bounds.lo = 0;
      break;
    case DimAtomKind::kFloorDiv:
      atom->bounds = internal::floordiv_bounds(bounds(args[0]), bounds(args[1]));
      break;
    case DimAtomKind::kMin:
    case DimAtomKind::kMax:
      atom->bounds = extremum_bounds(kind, args);
      break;
  }
  atom->name = std::move(name);
  atom->args = std::move(args);
  Terms terms;
  terms.push_back({1, {std::move(atom)}});
  return make(std::move(terms), 0);
}

const DimAtom* DimBuilder::single_atom(const Dim& d) {
  const Terms& t = terms(d);
  if (t.size() != 1 || t[0].coefficient != 1 || t[0].factors.size() != 1) return nullptr;
  return t[0].factors[0].get();
}

// --- Dim ----------------------------------------------------------------------------------------

Dim Dim::invalid() {
  Dim d;
  d.valid_ = false;
  return d;
}

int64_t Dim::value() const {
  HONE_CHECK(is_const());
  return constant_;
}

std::optional<int64_t> Dim::const_value() const {
  return is_const() ? std::optional(constant_) : std::nullopt;
}

bool Dim::is_symbol() const {
  const DimAtom* atom = DimBuilder::single_atom(*this);
  return atom != nullptr && atom->kind == DimAtomKind::kSymbol && constant_ == 0;
}

const std::string& Dim::symbol_name() const {
  HONE_CHECK(is_symbol());
  return DimBuilder::single_atom(*this)->name;
}

std::optional<int64_t> Dim::lower_bound() const { return DimBuilder::bounds(*this).lo; }
std::optional<int64_t> Dim::upper_bound() const { return DimBuilder::bounds(*this).hi; }

uint64_t Dim::hash() const {
  if (!valid_) return 1;
  return hash_combine(terms_ ? terms_->hash : 0, static_cast<uint64_t>(constant_));
}

int Dim::compare(const Dim& a, const Dim& b) {
  if (a.valid_ != b.valid_) return a.valid_ ? -1 : 1;
  if (a.terms_ != b.terms_) {
    const auto& x = DimBuilder::terms(a);
    const auto& y = DimBuilder::terms(b);
    for (size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
      if (const int c = internal::compare_monomials(x[i], y[i]); c != 0) return -c;
      if (x[i].coefficient != y[i].coefficient) return x[i].coefficient < y[i].coefficient ? -1 : 1;
    }
    if (x.size() != y.size()) return x.size() > y.size() ? -1 : 1;
  }
  return a.constant_ == b.constant_ ? 0 : a.constant_ < b.constant_ ? -1 : 1;
}

Dim operator+(const Dim& a, const Dim& b) {
  const auto constant = internal::checked_add(a.constant_, b.constant_);
  if (!a.valid_ || !b.valid_ || !constant) return Dim::invalid();
  if (!a.terms_ || !b.terms_) {  // shares the terms
    Dim sum = a.terms_ ? a : b;
    sum.constant_ = *constant;
    return sum;
  }
  DimBuilder::Terms terms = a.terms_->terms;
  terms.insert(terms.end(), b.terms_->terms.begin(), b.terms_->terms.end());
  return DimBuilder::collect(std::move(terms), constant);
}

Dim operator-(const Dim& a, const Dim& b) {
  // Not a + (-1) * b: INT64_MIN has no negative.
  int64_t constant;
  if (!a.valid_ || !b.valid_ || __builtin_sub_overflow(a.constant_, b.constant_, &constant)) {
    return Dim::invalid();
  }
  DimBuilder::Terms terms = DimBuilder::terms(a);
  for (DimTerm term : DimBuilder::terms(b)) {
    if (__builtin_sub_overflow(0, term.coefficient, &term.coefficient)) return Dim::invalid();
    terms.push_back(std::move(term));
  }
  return DimBuilder::collect(std::move(terms), constant);
}

Dim operator*(const Dim& a, const Dim& b) {
  if (!a.valid_ || !b.valid_) return Dim::invalid();
  // Terms with the constant as one more, without factors.
  const auto parts = [](const Dim& d) {
    DimBuilder::Terms terms = DimBuilder::terms(d);
    if (d.constant_ != 0) terms.push_back({d.constant_, {}});
    return terms;
  };
  const auto x = parts(a), y = parts(b);
  if (x.size() * y.size() > size_t{8} * Dim::kMaxSize) return Dim::invalid();
  DimBuilder::Terms products;
  int64_t constant = 0;
  for (const DimTerm& s : x) {
    for (const DimTerm& t : y) {
      int64_t coefficient;
      if (__builtin_mul_overflow(s.coefficient, t.coefficient, &coefficient)) {
        return Dim::invalid();
      }
      if (s.factors.empty() && t.factors.empty()) {
        constant = coefficient;
        continue;
      }
      if (s.factors.size() + t.factors.size() > Dim::kMaxSize) return Dim::invalid();
      DimTerm product{coefficient, {}};
      std::merge(s.factors.begin(), s.factors.end(), t.factors.begin(), t.factors.end(),
                 std::back_inserter(product.factors),
                 [](const auto& p, const auto& q) { return internal::compare_atoms(*p, *q) < 0; });
      products.push_back(std::move(product));
    }
  }
  return DimBuilder::collect(std::move(products), constant);
}

namespace {

// What is never greater than `term`, a term of a sum: replacing the term by it makes the sum
// smaller or leaves it. Several answers where several are possible, none where nothing is known.
std::vector<Dim> lesser_terms(const DimTerm& term) {
  const DimAtom& atom = *term.factors[0];
  if (term.factors.size() != 1) return {};
  const int64_t c = term.coefficient;
  const bool extremum = (atom.kind == DimAtomKind::kMin && c < 0) ||  // min(x, y) <= x
                        (atom.kind == DimAtomKind::kMax && c > 0);    // max(x, y) >= x
  std::vector<Dim> lesser;
  if (extremum) {
    for (const Dim& arg : atom.args) lesser.push_back(Dim(c) * arg);
  } else if (atom.kind == DimAtomKind::kFloorDiv && atom.args[1].is_const()) {
    const int64_t k = atom.args[1].value();  // (x - k + 1) / k <= floordiv(x, k) <= x / k
    if (c % k == 0) lesser.push_back(Dim(c / k) * (atom.args[0] - (c > 0 ? k - 1 : 0)));
  }
  return lesser;
}

// True only if d >= least everywhere. Bounds first; then tries what lesser_terms() offers. `budget`
// limits the number of tries in all.
bool always_at_least(const Dim& d, int64_t least, int* budget) {
  const auto bound = d.lower_bound();
  if (bound && *bound >= least) return true;
  for (const DimTerm& term : DimBuilder::terms(d)) {
    for (const Dim& lesser : lesser_terms(term)) {
      if (--*budget < 0) return false;
      if (always_at_least(d - DimBuilder::make({term}, 0) + lesser, least, budget)) return true;
    }
  }
  return false;
}

}  // namespace

bool always_le(const Dim& a, const Dim& b) {
  int budget = 16;
  return always_at_least(b - a, 0, &budget);
}

bool always_lt(const Dim& a, const Dim& b) {
  int budget = 16;
  return always_at_least(b - a, 1, &budget);
}

}  // namespace hone
