// The text form of Dims and shapes, and the helpers for shapes.
#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "base/dim_nodes.h"
#include "base/hash.h"
#include "base/text.h"

namespace hone {

using internal::DimAtom;
using internal::DimAtomKind;
using internal::DimTerm;

namespace {

constexpr size_t kMaxSymbolName = 64;
constexpr int kMaxNesting = 64;  // of the parser; kMaxDepth functions nest in what text() writes
constexpr size_t kMaxRank = 64;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_char(char c) { return is_letter(c) || is_digit(c) || c == '.'; }

const char* function_name(DimAtomKind kind) {
  switch (kind) {
    case DimAtomKind::kFloorDiv:
      return "floordiv";
    case DimAtomKind::kMin:
      return "min";
    case DimAtomKind::kMax:
      return "max";
    case DimAtomKind::kSymbol:
      break;
  }
  return "";
}

void append(const Dim& d, std::string* text);

void append(const DimAtom& atom, std::string* text) {
  if (atom.kind == DimAtomKind::kSymbol) {
    *text += atom.name;
    return;
  }
  *text += function_name(atom.kind);
  for (size_t i = 0; i < atom.args.size(); ++i) {
    *text += i == 0 ? '(' : ',';
    append(atom.args[i], text);
  }
  *text += ')';
}

void append(const Dim& d, std::string* text) {
  if (!d.is_valid()) {
    *text += "!invalid";
    return;
  }
  bool first = true;
  for (const DimTerm& term : DimBuilder::terms(d)) {
    if (term.coefficient > 0 && !first) *text += '+';
    if (term.coefficient == -1) {
      *text += '-';
    } else if (term.coefficient != 1) {
      *text += fmt::format("{}*", term.coefficient);
    }
    for (size_t i = 0; i < term.factors.size(); ++i) {
      if (i > 0) *text += '*';
      append(*term.factors[i], text);
    }
    first = false;
  }
  const int64_t constant = DimBuilder::constant(d);
  if (first) {
    *text += fmt::format("{}", constant);
  } else if (constant != 0) {
    *text += fmt::format("{:+}", constant);
  }
}

// expression = term (("+" | "-") term)*      term = factor (("*" | "//") factor)*
// factor = ("+" | "-") factor | number | name | name "(" expression ("," expression)* ")"
//        | "(" expression ")"
// Recursion is bounded by kMaxNesting. After an error all functions return at once.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Dim> parse_dim() {
    const Dim d = expression();
    return end() ? finish(d) : fail();
  }

  Result<Shape> parse_list() {
    Shape shape;
    if (!accept('[')) return fail().status();
    if (!accept(']')) {
      do {
        if (shape.size() == kMaxRank) return Status(Code::kShape, "more than 64 dimensions");
        HONE_ASSIGN_OR_RETURN(Dim d, finish(expression()));
        shape.push_back(std::move(d));
      } while (accept(','));
      if (!accept(']')) return fail().status();
    }
    if (!end()) return fail().status();
    return shape;
  }

 private:
  char peek() {
    while (position_ < text_.size() && text_[position_] == ' ') ++position_;
    return position_ < text_.size() ? text_[position_] : '\0';
  }
  bool accept(char c) {
    if (failed_ || peek() != c || position_ == text_.size()) return false;
    ++position_;
    return true;
  }
  bool end() {
    peek();
    return !failed_ && position_ == text_.size();
  }
  Dim error() {
    failed_ = true;
    return {};
  }
  Result<Dim> fail() {
    const std::string_view rest = text_.substr(std::min(position_, text_.size()));
    return Status(Code::kShape, rest.empty()
                                    ? fmt::format("'{}' ends too early", printable(text_, 80))
                                    : fmt::format("'{}' is no dimension", printable(text_, 80)))
        .because(
            fmt::format("character {} ('{}') was not expected", position_ + 1, printable(rest, 10)))
        .fix("write numbers, names, + - * // floordiv ceildiv min max, as in 2*N+1");
  }
  Result<Dim> finish(const Dim& d) {
    if (failed_) return fail();
    if (d.is_valid()) return d;
    return Status(Code::kShape,
                  fmt::format("the dimension '{}' overflows, divides by zero or is too complex",
                              printable(text_, 80)));
  }

  Dim expression() {
    Dim sum = term();
    while (!failed_) {
      if (accept('+')) {
        sum += term();
      } else if (accept('-')) {
        // The magnitude of INT64_MIN alone would overflow.
        if (accept_minimum()) {
          sum += term_from(INT64_MIN);
        } else {
          sum -= term();
        }
      } else {
        break;
      }
    }
    return sum;
  }

  Dim term() { return term_from(factor()); }

  Dim term_from(Dim product) {
    while (!failed_) {
      if (accept('*')) {
        product *= factor();
      } else if (accept('/')) {
        if (!accept('/')) return error();
        product = floor_div(product, factor());
      } else {
        break;
      }
    }
    return product;
  }

  bool accept_minimum() {
    constexpr std::string_view kMagnitude = "9223372036854775808";
    peek();
    const std::string_view rest = text_.substr(position_);
    if (!rest.starts_with(kMagnitude)) return false;
    if (rest.size() > kMagnitude.size() && is_digit(rest[kMagnitude.size()])) return false;
    position_ += kMagnitude.size();
    return true;
  }

  Dim factor() {
    bool negative = false;
    while (!failed_ && (peek() == '-' || peek() == '+')) {
      if (text_[position_++] == '-') negative = !negative;
    }
    if (negative && accept_minimum()) return INT64_MIN;
    const Dim value = primary();
    return negative ? -value : value;
  }

  Dim primary() {
    const char c = peek();
    if (failed_ || c == '\0') return error();
    if (is_digit(c)) return number();
    if (is_letter(c)) return name();
    if (c != '(' || nesting_ == kMaxNesting) return error();
    ++position_;
    ++nesting_;
    const Dim inside = expression();
    --nesting_;
    return accept(')') ? inside : error();
  }

  std::string_view word(bool (*belongs)(char)) {
    const size_t begin = position_;
    while (position_ < text_.size() && belongs(text_[position_])) ++position_;
    return text_.substr(begin, position_ - begin);
  }

  Dim number() {
    const auto value = parse_int64(word(is_digit));
    return value ? Dim(*value) : Dim::invalid();
  }

  Dim name() {
    const size_t begin = position_;
    const std::string_view name = word(is_name_char);
    if (peek() != '(') {
      if (name.size() <= kMaxSymbolName) return Dim::symbol(name);
    } else if (nesting_ < kMaxNesting) {
      ++position_;
      ++nesting_;
      const Dim value = call(to_lower(name), begin);
      --nesting_;
      return accept(')') ? value : error();
    }
    position_ = begin;
    return error();
  }

  // The arguments of a function, up to the closing parenthesis.
  Dim call(const std::string& function, size_t begin) {
    Dim value = expression();
    int count = 1;
    for (; accept(','); ++count) {
      const Dim next = expression();
      if (function == "min") value = min(value, next);
      if (function == "max") value = max(value, next);
      if (function == "floordiv" && count == 1) value = floor_div(value, next);
      if (function == "ceildiv" && count == 1) value = ceil_div(value, next);
    }
    const bool quotient = (function == "floordiv" || function == "ceildiv") && count == 2;
    const bool extremum = (function == "min" || function == "max") && count >= 2;
    if (!failed_ && !quotient && !extremum) {
      position_ = begin;
      return error();
    }
    return value;
  }

  std::string_view text_;
  size_t position_ = 0;
  int nesting_ = 0;
  bool failed_ = false;
};

}  // namespace

Dim Dim::symbol(std::string_view name) {
  const bool fits = !name.empty() && name.size() <= kMaxSymbolName && is_letter(name[0]) &&
                    std::all_of(name.begin(), name.end(), is_name_char);
  std::string valid(name.substr(0, kMaxSymbolName - 18));
  if (fits) {
    valid = name;
  } else {
    for (char& c : valid) c = is_name_char(c) ? c : '_';
    if (valid.empty() || !is_letter(valid[0])) valid.insert(0, 1, '_');
    valid += fmt::format("_{:016x}", hash64(name));  // keeps "a b" and "a-b" apart
  }
  return DimBuilder::atom(DimAtomKind::kSymbol, std::move(valid), {});
}

Result<Dim> Dim::parse(std::string_view text) {
  if (text.size() > kMaxText) return Status(Code::kShape, "the text of a dimension is too long");
  return Parser(text).parse_dim();
}

std::string Dim::text() const {
  std::string text;
  append(*this, &text);
  return text;
}

// --- shapes -------------------------------------------------------------------------------------

std::string shape_text(const Shape& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) text += ',';
    append(shape[i], &text);
  }
  return text + "]";
}

std::string shape_text(const std::vector<int64_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ","));
}

Result<Shape> parse_shape(std::string_view text) {
  if (text.size() > Dim::kMaxText * 4) return Status(Code::kShape, "the text is too long");
  return Parser(text).parse_list();
}

Shape to_shape(const std::vector<int64_t>& shape) { return Shape(shape.begin(), shape.end()); }

Dim num_elements(const Shape& shape) {
  Dim product = 1;
  for (const Dim& d : shape) product *= d;
  return product;
}

bool is_static(const Shape& shape) {
  return std::all_of(shape.begin(), shape.end(), [](const Dim& d) { return d.is_const(); });
}

std::optional<std::vector<int64_t>> to_static(const Shape& shape) {
  if (!is_static(shape)) return std::nullopt;
  std::vector<int64_t> values;
  for (const Dim& d : shape) values.push_back(d.value());
  return values;
}

Result<std::vector<int64_t>> eval_shape(const Shape& shape, const SymbolValues& values) {
  std::vector<int64_t> result;
  for (const Dim& d : shape) {
    HONE_ASSIGN_OR_RETURN(const int64_t value, d.eval(values));
    if (value < 0) {
      return Status(Code::kShape, fmt::format("the dimension {} of shape {} comes out as {}",
                                              d.text(), shape_text(shape), value));
    }
    result.push_back(value);
  }
  return result;
}

void collect_symbols(const Shape& shape, std::set<std::string>* symbols) {
  for (const Dim& d : shape) d.collect_symbols(symbols);
}

Shape substitute(const Shape& shape, const std::map<std::string, Dim>& values) {
  Shape result;
  for (const Dim& d : shape) result.push_back(d.substitute(values));
  return result;
}

}  // namespace hone
