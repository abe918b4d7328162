// Dimensions and shapes that may depend on run-time symbols.
//
// A Dim is an integer expression over named symbols, kept in a normal form: a polynomial with
// int64 coefficients over atoms, where an atom is a symbol, floordiv(a,b), min(...) or max(...) of
// normal forms. Two Dims are == exactly when their normal forms are the same; then they are equal
// for all values of the symbols (not the other way round: some equal expressions differ in form).
// Symbols stand for integers >= 0. Expressions themselves may be negative.
//
// Arithmetic never traps and never grows without bound: overflow of a coefficient, division by a
// constant zero, or an expression of more than kMaxSize parts gives the *invalid* Dim, which
// absorbs everything and whose eval() is an error. Callers who want to go on put a fresh symbol in
// its place.
//
// Value type: copying costs one reference count; shared parts are immutable, so any thread may
// read.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "hone/status.h"

namespace hone {

using SymbolValues = std::map<std::string, int64_t, std::less<>>;

namespace internal {
struct DimTerms;
struct DimAtom;
}  // namespace internal

class Dim {
 public:
  static constexpr int kMaxSize = 512;  // terms and atoms of one expression, nested included
  static constexpr int kMaxDepth = 32;  // nesting of floordiv, min, max
  static constexpr size_t kMaxText = 64 << 10;  // bytes parse() accepts; text() is always shorter

  Dim() = default;                          // 0
  Dim(int64_t value) : constant_(value) {}  // NOLINT(google-explicit-constructor)

  // A symbol. Any name is taken; one that is no identifier ([A-Za-z_][A-Za-z0-9_.]*, at most 64
  // bytes) is turned into one, different names into different ones.
  static Dim symbol(std::string_view name);
  // The Dim that stands for "no value" (see above).
  static Dim invalid();
  // Reads what text() writes, and also spaces, parentheses, "a // b", ceildiv(a,b), min and max of
  // any number of arguments. kShape on anything else. Safe and fast on hostile input.
  static Result<Dim> parse(std::string_view text);

  bool is_valid() const { return valid_; }
  bool is_const() const { return valid_ && terms_ == nullptr; }
  int64_t value() const;                       // REQUIRES: is_const()
  std::optional<int64_t> const_value() const;  // the value if is_const()
  bool is_symbol() const;                      // just one symbol
  const std::string& symbol_name() const;      // REQUIRES: is_symbol()

  // "0", "N", "2*N+1", "N*M-1", "floordiv(N+1,2)", "max(M,N)"; "!invalid".
  std::string text() const;

  // The value under `values`. kShape: a symbol is missing, overflow, division by zero, invalid.
  Result<int64_t> eval(const SymbolValues& values) const;
  // Puts expressions in place of symbols; symbols without an entry stay.
  Dim substitute(const std::map<std::string, Dim>& values) const;
  void collect_symbols(std::set<std::string>* symbols) const;

  // Bounds that hold for all symbol values >= 0; nothing where there is none.
  std::optional<int64_t> lower_bound() const;
  std::optional<int64_t> upper_bound() const;

  uint64_t hash() const;  // equal for equal Dims; stable across processes

  friend Dim operator+(const Dim& a, const Dim& b);
  friend Dim operator-(const Dim& a, const Dim& b);
  friend Dim operator*(const Dim& a, const Dim& b);
  friend Dim operator-(const Dim& a) { return Dim(0) - a; }
  Dim& operator+=(const Dim& b) { return *this = *this + b; }
  Dim& operator-=(const Dim& b) { return *this = *this - b; }
  Dim& operator*=(const Dim& b) { return *this = *this * b; }

  // Same normal form. (invalid == invalid, so that containers work; is_valid() tells.)
  friend bool operator==(const Dim& a, const Dim& b) { return compare(a, b) == 0; }
  // A total order of forms for containers and printing; it says nothing about values.
  friend std::strong_ordering operator<=>(const Dim& a, const Dim& b) {
    return compare(a, b) <=> 0;
  }

  // For GoogleTest's messages, without including <ostream> here.
  template <class Stream>
  requires requires(Stream& s) { s.rdbuf(); }
  friend Stream& operator<<(Stream& stream, const Dim& d) {
    stream << d.text();
    return stream;
  }

 private:
  friend struct DimBuilder;  // dim_nodes.h
  static int compare(const Dim& a, const Dim& b);

  bool valid_ = true;
  int64_t constant_ = 0;                             // the constant part of the polynomial
  std::shared_ptr<const internal::DimTerms> terms_;  // the others; null: none
};

// Quotients rounded towards minus / plus infinity. A divisor that is zero at run time makes eval()
// an error, except where the form was simplified (N*C / C is N for every C).
Dim floor_div(const Dim& a, const Dim& b);
Dim ceil_div(const Dim& a, const Dim& b);
Dim floor_mod(const Dim& a, const Dim& b);  // a - b * floor_div(a, b)
Dim min(const Dim& a, const Dim& b);
Dim max(const Dim& a, const Dim& b);
// a / b where b divides a as a polynomial (6*N*C by 2*N, also by 2 or N+1); nothing otherwise.
std::optional<Dim> divide_exact(const Dim& a, const Dim& b);
// True only if a <= b (a < b) for all symbol values >= 0.
bool always_le(const Dim& a, const Dim& b);
bool always_lt(const Dim& a, const Dim& b);

using Shape = std::vector<Dim>;

// "[N,224,224,3]", "[]".
std::string shape_text(const Shape& shape);
std::string shape_text(const std::vector<int64_t>& shape);
// Reads what shape_text writes; rank <= 64. kShape otherwise.
Result<Shape> parse_shape(std::string_view text);
Shape to_shape(const std::vector<int64_t>& shape);
Dim num_elements(const Shape& shape);                               // 1 for rank 0
bool is_static(const Shape& shape);                                 // all dimensions are constants
std::optional<std::vector<int64_t>> to_static(const Shape& shape);  // if is_static
// The shape under `values`. kShape as Dim::eval, and where a dimension comes out negative.
Result<std::vector<int64_t>> eval_shape(const Shape& shape, const SymbolValues& values);
void collect_symbols(const Shape& shape, std::set<std::string>* symbols);
Shape substitute(const Shape& shape, const std::map<std::string, Dim>& values);

}  // namespace hone

template <>
struct std::hash<hone::Dim> {
  size_t operator()(const hone::Dim& d) const noexcept { return d.hash(); }
};
