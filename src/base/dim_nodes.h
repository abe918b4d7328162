// The inside of Dim, shared by dim.cc, dim_divide.cc and dim_text.cc only.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/dim.h"

namespace hone {
namespace internal {

// lo <= x <= hi for all symbol values; nothing: no bound.
struct DimBounds {
  std::optional<int64_t> lo, hi;
};

enum class DimAtomKind : uint8_t { kSymbol, kFloorDiv, kMin, kMax };

// Immutable. Two atoms are the same iff compare_atoms() == 0.
struct DimAtom {
  DimAtomKind kind;
  std::string name;       // symbol
  std::vector<Dim> args;  // floordiv: numerator, denominator; min, max: sorted, two or more
  DimBounds bounds;
  uint64_t hash = 0;
  int size = 1, depth = 0;
};
using DimAtomPtr = std::shared_ptr<const DimAtom>;

// coefficient * product of factors. coefficient != 0, factors sorted and not empty.
struct DimTerm {
  int64_t coefficient;
  std::vector<DimAtomPtr> factors;
};

// Terms in descending monomial order (total degree, then the factors), all monomials different.
struct DimTerms {
  std::vector<DimTerm> terms;
  DimBounds bounds;  // of the sum of the terms
  uint64_t hash = 0;
  int size = 0, depth = 0;
};

int compare_atoms(const DimAtom& a, const DimAtom& b);
// > 0: a comes first (is the greater monomial). A monomial order: it is kept by multiplication.
int compare_monomials(const DimTerm& a, const DimTerm& b);

// Interval arithmetic; a result that overflows is no bound.
DimBounds add_bounds(const DimBounds& a, const DimBounds& b);
DimBounds scale_bounds(const DimBounds& a, int64_t factor);
DimBounds multiply_bounds(const DimBounds& a, const DimBounds& b);
DimBounds floordiv_bounds(const DimBounds& a, const DimBounds& b);

// Rounds to minus infinity. REQUIRES: b > 0.
int64_t floor_div_int(int64_t a, int64_t b);

}  // namespace internal

// Access to the private parts of Dim.
struct DimBuilder {
  using Terms = std::vector<internal::DimTerm>;

  static const Terms& terms(const Dim& d);
  static int64_t constant(const Dim& d) { return d.constant_; }
  static internal::DimBounds bounds(const Dim& d);
  static int size(const Dim& d) { return d.terms_ ? d.terms_->size : 1; }
  static int depth(const Dim& d) { return d.terms_ ? d.terms_->depth : 0; }
  static int compare(const Dim& a, const Dim& b) { return Dim::compare(a, b); }

  // The sum of terms (sorted, no zeros, no duplicates) and a constant; invalid if too large.
  static Dim make(Terms terms, int64_t constant);
  // The sum of terms in any order. `constant` may have overflowed: nullopt gives invalid.
  static Dim collect(Terms terms, std::optional<int64_t> constant);
  // The atom alone; computes bounds, hash, size.
  static Dim atom(internal::DimAtomKind kind, std::string name, std::vector<Dim> args);
  // The atom, if `d` is 1 * atom + constant.
  static const internal::DimAtom* single_atom(const Dim& d);
};

}  // namespace hone
