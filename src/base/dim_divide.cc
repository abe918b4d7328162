// Quotients, minimum and maximum of Dims; evaluation and substitution.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/check.h"
#include "base/dim_nodes.h"

namespace hone {

using internal::DimAtom;
using internal::DimAtomKind;
using internal::DimTerm;

namespace {

constexpr size_t kMaxExtremumArgs = 16;  // simplifying compares all pairs
constexpr int kMaxDivisionSteps = 256;

// a / b where b's factors are all among a's and the coefficient divides; nothing otherwise.
std::optional<DimTerm> divide_term(const DimTerm& a, const DimTerm& b) {
  if (a.coefficient == INT64_MIN || a.coefficient % b.coefficient != 0) return std::nullopt;
  DimTerm quotient{a.coefficient / b.coefficient, {}};
  size_t i = 0;
  for (const auto& factor : b.factors) {
    for (;; ++i) {
      if (i == a.factors.size()) return std::nullopt;
      const int c = internal::compare_atoms(*a.factors[i], *factor);
      if (c == 0) break;
      if (c > 0) return std::nullopt;
      quotient.factors.push_back(a.factors[i]);
    }
    ++i;
  }
  quotient.factors.insert(quotient.factors.end(), a.factors.begin() + i, a.factors.end());
  return quotient;
}

Dim term_dim(DimTerm term) {
  if (term.factors.empty()) return term.coefficient;
  DimBuilder::Terms terms;
  terms.push_back(std::move(term));
  return DimBuilder::make(std::move(terms), 0);
}

struct Division {
  Dim quotient, remainder;  // a = quotient * b + remainder
};

// Polynomial long division by the leading term of b, which is no constant. What cannot be divided
// stays in the remainder, so the identity holds whatever happens (invalid included).
Division divide_polynomial(const Dim& a, const Dim& b) {
  const DimTerm& lead = DimBuilder::terms(b)[0];
  Division result;
  Dim rest = a;
  for (int step = 0; step < kMaxDivisionSteps && rest.is_valid() && !rest.is_const(); ++step) {
    const DimTerm first = DimBuilder::terms(rest)[0];
    if (const auto factor = divide_term(first, lead)) {
      const Dim q = term_dim(*factor);
      result.quotient += q;
      rest -= q * b;
    } else {
      const Dim moved = term_dim(first);
      result.remainder += moved;
      rest -= moved;
    }
  }
  result.remainder += rest;
  return result;
}

// Greatest common divisor of all coefficients (as magnitudes), and the constant unless told not to.
// 0 for the zero polynomial. INT64_MIN counts as 1, that is, as nothing in common.
int64_t content(const Dim& d, bool with_constant) {
  int64_t g = 0;
  const auto add = [&g](int64_t c) { g = c == INT64_MIN ? 1 : std::gcd(g, c); };
  for (const DimTerm& term : DimBuilder::terms(d)) add(term.coefficient);
  if (with_constant) add(DimBuilder::constant(d));
  return g;
}

// d with all coefficients divided, rounding down: exact where they are multiples of `divisor`.
Dim divide_coefficients(const Dim& d, int64_t divisor) {
  DimBuilder::Terms terms;
  for (DimTerm term : DimBuilder::terms(d)) {
    term.coefficient = internal::floor_div_int(term.coefficient, divisor);
    if (term.coefficient != 0) terms.push_back(std::move(term));
  }
  return DimBuilder::make(std::move(terms),
                          internal::floor_div_int(DimBuilder::constant(d), divisor));
}

Dim floor_div_by_constant(const Dim& a, int64_t b) {
  // Each term c*m = (b*q + r)*m with 0 <= r < b: q*m comes out of the quotient exactly.
  const Dim whole = divide_coefficients(a, b);
  Dim rest = a - whole * Dim(b);
  if (!rest.is_valid() || rest.is_const()) return rest.is_valid() ? whole : rest;
  // floordiv(g*X + c, g*b) = floordiv(X + floordiv(c, g), b)
  const int64_t g = std::gcd(content(rest, false), b);
  if (g > 1) {
    rest = divide_coefficients(rest, g);
    b /= g;
    if (b == 1) return whole + rest;
  }
  const auto lo = rest.lower_bound(), hi = rest.upper_bound();
  if (lo && hi && internal::floor_div_int(*lo, b) == internal::floor_div_int(*hi, b)) {
    return whole + internal::floor_div_int(*lo, b);
  }
  // floordiv(floordiv(X, d) + c, b) = floordiv(X + c*d, d*b)
  const DimAtom* inner = DimBuilder::single_atom(rest);
  if (inner != nullptr && inner->kind == DimAtomKind::kFloorDiv && inner->args[1].is_const()) {
    const int64_t d = inner->args[1].value();
    int64_t product;
    if (!__builtin_mul_overflow(d, b, &product)) {
      const Dim numerator = inner->args[0] + Dim(DimBuilder::constant(rest)) * Dim(d);
      if (numerator.is_valid()) return whole + floor_div_by_constant(numerator, product);
    }
  }
  return whole + DimBuilder::atom(DimAtomKind::kFloorDiv, "", {rest, Dim(b)});
}

Dim extremum(DimAtomKind kind, const Dim& a, const Dim& b) {
  if (!a.is_valid() || !b.is_valid()) return Dim::invalid();
  std::vector<Dim> args;
  for (const Dim* d : {&a, &b}) {  // min(min(x, y) + c, z) = min(x + c, y + c, z)
    const DimAtom* inner = DimBuilder::single_atom(*d);
    if (inner == nullptr || inner->kind != kind) {
      args.push_back(*d);
      continue;
    }
    for (const Dim& arg : inner->args) args.push_back(arg + Dim(DimBuilder::constant(*d)));
  }
  if (args.size() > kMaxExtremumArgs) return Dim::invalid();
  std::vector<Dim> kept;
  for (const Dim& arg : args) {
    if (!arg.is_valid()) return Dim::invalid();
    const auto beats = [kind](const Dim& x, const Dim& y) {
      return kind == DimAtomKind::kMin ? always_le(x, y) : always_le(y, x);
    };
    if (std::any_of(kept.begin(), kept.end(), [&](const Dim& k) { return beats(k, arg); })) {
      continue;
    }
    std::erase_if(kept, [&](const Dim& k) { return beats(arg, k); });
    kept.push_back(arg);
  }
  if (kept.size() == 1) return kept[0];
  // min(x + c, y + c) = min(x, y) + c with the least constant part 0.
  int64_t least = INT64_MAX;
  for (const Dim& d : kept) least = std::min(least, DimBuilder::constant(d));
  for (Dim& d : kept) d -= Dim(least);
  std::sort(kept.begin(), kept.end());
  return DimBuilder::atom(kind, "", std::move(kept)) + Dim(least);
}

}  // namespace

Dim floor_div(const Dim& a, const Dim& b) {
  if (!a.is_valid() || !b.is_valid() || b == 0) return Dim::invalid();
  if (b.is_const()) {
    if (b.value() < 0) return b.value() == INT64_MIN ? Dim::invalid() : floor_div(-a, -b);
    return floor_div_by_constant(a, b.value());
  }
  if (DimBuilder::terms(b)[0].coefficient < 0) return floor_div(-a, -b);
  Division division = divide_polynomial(a, b);
  Dim rest = division.remainder;
  if (!rest.is_valid() || !division.quotient.is_valid()) return Dim::invalid();
  if (rest == 0) return division.quotient;
  if (always_le(0, rest) && always_lt(rest, b)) return division.quotient;
  Dim divisor = b;
  if (const int64_t g = std::gcd(content(rest, true), content(b, true)); g > 1) {
    rest = divide_coefficients(rest, g);
    divisor = divide_coefficients(b, g);
  }
  return division.quotient + DimBuilder::atom(DimAtomKind::kFloorDiv, "", {rest, divisor});
}

Dim ceil_div(const Dim& a, const Dim& b) {
  if (b.is_const() && b.value() > 0) return floor_div(a + Dim(b.value() - 1), b);
  return -floor_div(-a, b);
}

Dim floor_mod(const Dim& a, const Dim& b) { return a - b * floor_div(a, b); }

Dim min(const Dim& a, const Dim& b) { return extremum(DimAtomKind::kMin, a, b); }
Dim max(const Dim& a, const Dim& b) { return extremum(DimAtomKind::kMax, a, b); }

std::optional<Dim> divide_exact(const Dim& a, const Dim& b) {
  if (!a.is_valid() || !b.is_valid() || b == 0) return std::nullopt;
  Dim quotient;
  if (b.is_const()) {
    const int64_t divisor = b.value();
    if (divisor == INT64_MIN) return std::nullopt;
    quotient = divide_coefficients(divisor < 0 ? -a : a, divisor < 0 ? -divisor : divisor);
  } else {
    quotient = divide_polynomial(a, b).quotient;
  }
  if (!quotient.is_valid() || quotient * b != a) return std::nullopt;
  return quotient;
}

// --- evaluation ---------------------------------------------------------------------------------

namespace {

Status overflow(const Dim& d) {
  return Status(Code::kShape, fmt::format("the dimension {} overflows", d.text()));
}

Result<int64_t> eval_atom(const DimAtom& atom, const SymbolValues& values) {
  if (atom.kind == DimAtomKind::kSymbol) {
    const auto found = values.find(atom.name);
    if (found != values.end()) return found->second;
    return Status(Code::kShape, fmt::format("no value for the dimension '{}'", atom.name));
  }
  HONE_ASSIGN_OR_RETURN(int64_t result, atom.args[0].eval(values));
  for (size_t i = 1; i < atom.args.size(); ++i) {
    HONE_ASSIGN_OR_RETURN(int64_t next, atom.args[i].eval(values));
    if (atom.kind == DimAtomKind::kMin) result = std::min(result, next);
    if (atom.kind == DimAtomKind::kMax) result = std::max(result, next);
    if (atom.kind != DimAtomKind::kFloorDiv) continue;
    if (next == 0) {
      return Status(Code::kShape,
                    fmt::format("division by {}, which is zero", atom.args[i].text()));
    }
    if (next < 0 && (result == INT64_MIN || next == INT64_MIN)) return overflow(atom.args[0]);
    if (next < 0) {
      result = -result;
      next = -next;
    }
    result = internal::floor_div_int(result, next);
  }
  return result;
}

}  // namespace

Result<int64_t> Dim::eval(const SymbolValues& values) const {
  if (!valid_) return Status(Code::kShape, "the dimension overflowed or is too complex");
  int64_t sum = constant_;
  for (const DimTerm& term : DimBuilder::terms(*this)) {
    int64_t product = term.coefficient;
    bool zero = false, overflowed = false;
    for (const auto& factor : term.factors) {
      HONE_ASSIGN_OR_RETURN(const int64_t value, eval_atom(*factor, values));
      zero = zero || value == 0;
      overflowed = overflowed || __builtin_mul_overflow(product, value, &product);
    }
    if (zero) continue;  // whatever the other factors are
    if (overflowed || __builtin_add_overflow(sum, product, &sum)) return overflow(*this);
  }
  return sum;
}

Dim Dim::substitute(const std::map<std::string, Dim>& values) const {
  if (!valid_ || terms_ == nullptr) return *this;
  Dim sum = constant_;
  for (const DimTerm& term : DimBuilder::terms(*this)) {
    Dim product = term.coefficient;
    for (const auto& factor : term.factors) {
      const auto arg = [&](size_t i) { return factor->args[i].substitute(values); };
      Dim value;
      if (factor->kind == DimAtomKind::kSymbol) {
        const auto found = values.find(factor->name);
        value = found != values.end() ? found->second : Dim::symbol(factor->name);
      } else if (factor->kind == DimAtomKind::kFloorDiv) {
        value = floor_div(arg(0), arg(1));
      } else {
        value = arg(0);
        for (size_t i = 1; i < factor->args.size(); ++i) {
          value = extremum(factor->kind, value, arg(i));
        }
      }
      product *= value;
    }
    sum += product;
  }
  return sum;
}

void Dim::collect_symbols(std::set<std::string>* symbols) const {
  for (const DimTerm& term : DimBuilder::terms(*this)) {
    for (const auto& factor : term.factors) {
      if (factor->kind == DimAtomKind::kSymbol) symbols->insert(factor->name);
      for (const Dim& arg : factor->args) arg.collect_symbols(symbols);
    }
  }
}

}  // namespace hone
