#include "base/dim.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <unordered_set>

namespace hone {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Dim sym(const char* name) { return Dim::symbol(name); }
const Dim N = sym("N"), M = sym("M"), C = sym("C");

std::string normal(std::string_view text) {
  const auto d = Dim::parse(text);
  return d.ok() ? d->text() : "error: " + d.status().message();
}

TEST(Dim, Constants) {
  EXPECT_EQ(Dim(), 0);
  EXPECT_EQ(Dim(2) * 3 + 4 - 1, 9);
  EXPECT_EQ(Dim(7).value(), 7);
  EXPECT_EQ(N.const_value(), std::nullopt);
  EXPECT_EQ(floor_div(-7, 2), -4);
  EXPECT_EQ(ceil_div(-7, 2), -3);
  EXPECT_EQ(ceil_div(7, 2), 4);
  EXPECT_EQ(floor_div(7, -2), -4);
  EXPECT_EQ(floor_mod(-7, 2), 1);
  EXPECT_EQ(min(3, 5), 3);
  EXPECT_EQ(max(3, 5), 5);
}

TEST(Dim, NormalForm) {
  EXPECT_EQ(N + N, 2 * N);
  EXPECT_EQ(N - N, 0);
  EXPECT_EQ(N * 0, 0);
  EXPECT_EQ((N + 1) * (N - 1), N * N - 1);
  EXPECT_EQ((N + M) * C, C * M + N * C);
  EXPECT_NE(N, M);
  EXPECT_NE(N, N + 1);
  EXPECT_EQ(normal("1+N*2"), "2*N+1");
  EXPECT_EQ(normal("N*M-1"), "M*N-1");
  EXPECT_EQ(normal("3-N"), "-N+3");
  EXPECT_EQ(normal("N + M + N*M"), "M*N+M+N");
  EXPECT_EQ(normal("-(N-1)*-2"), "2*N-2");
}

TEST(Dim, Quotients) {
  EXPECT_EQ(floor_div(2 * N, 2), N);
  EXPECT_EQ(floor_div(4 * N + 8, 4), N + 2);
  EXPECT_EQ(floor_div(4 * N + 3, 4), N);
  EXPECT_EQ(floor_div(6 * N + 4, 4), N + 1 + floor_div(N, 2));
  EXPECT_EQ(floor_div(6 * N * M, 2 * M), 3 * N);
  EXPECT_EQ(floor_div((N + 1) * (M + 2), M + 2), N + 1);
  EXPECT_EQ(floor_div(N * C + 1, C).text(), "N+floordiv(1,C)");
  EXPECT_EQ(floor_div(floor_div(N, 2), 2), floor_div(N, 4));
  EXPECT_EQ(floor_div(floor_div(N + 1, 2) + 1, 2), floor_div(N + 3, 4));
  EXPECT_EQ(ceil_div(ceil_div(N, 2), 2), ceil_div(N, 4));
  EXPECT_EQ(floor_div(N, N), 1);
  EXPECT_EQ(floor_div(2 * N, 2 * M), floor_div(N, M));
  EXPECT_EQ(floor_div(floor_mod(N, 4), 4), 0);
  EXPECT_EQ(floor_div(N + 1, 2).text(), "floordiv(N+1,2)");
  EXPECT_EQ(normal("ceildiv(N, 2)"), "floordiv(N+1,2)");
  EXPECT_EQ(normal("(N+3)//2"), "floordiv(N+1,2)+1");
  EXPECT_EQ(divide_exact(6 * N * C, 2 * N), 3 * C);
  EXPECT_EQ(divide_exact(N * N - 1, N + 1), N - 1);
  EXPECT_EQ(divide_exact(4 * N + 2, 2), 2 * N + 1);
  EXPECT_EQ(divide_exact(4 * N + 2, 4), std::nullopt);
  EXPECT_EQ(divide_exact(N * M + 1, M), std::nullopt);
  EXPECT_EQ(divide_exact(N, 0), std::nullopt);
}

TEST(Dim, MinMax) {
  EXPECT_EQ(min(N, N + 3), N);
  EXPECT_EQ(max(N, 0), N);
  EXPECT_EQ(max(N, M), max(M, N));
  EXPECT_EQ(min(min(N, M), C), min(N, min(C, M)));
  EXPECT_EQ(max(N + 1, M + 1), max(N, M) + 1);
  EXPECT_EQ(min(min(N, M) + 2, M), min(N + 2, M));
  EXPECT_EQ(max(N - 1, 0).text(), "max(N,1)-1");
  EXPECT_EQ(max(N, min(M, N)), N);
  EXPECT_EQ(normal("Max(1, N, M)"), normal("max(max(M,1),N)"));
}

TEST(Dim, Bounds) {
  EXPECT_EQ(N.lower_bound(), 0);
  EXPECT_EQ(N.upper_bound(), std::nullopt);
  EXPECT_EQ((2 * N + 3).lower_bound(), 3);
  EXPECT_EQ((5 - N).upper_bound(), 5);
  EXPECT_EQ(min(N, 5).upper_bound(), 5);
  EXPECT_EQ(floor_div(N + 9, 4).lower_bound(), 2);
  EXPECT_TRUE(always_le(N, N + M));
  EXPECT_FALSE(always_le(N + M, N));
  EXPECT_FALSE(always_le(N, M));
  EXPECT_TRUE(always_lt(N, N + 1));
  EXPECT_FALSE(always_lt(N, N + M));
  EXPECT_TRUE(always_le(2 * floor_div(N, 2), N));
  EXPECT_TRUE(always_le(N, 4 * ceil_div(N, 4)));
  EXPECT_TRUE(always_lt(N - 4, 4 * floor_div(N, 4)));
  EXPECT_FALSE(always_le(N, 4 * floor_div(N, 4)));
  EXPECT_TRUE(always_le(min(N, M) + C, max(M, 1) + C));
  EXPECT_FALSE(always_le(max(N, M), N));
  EXPECT_EQ(floor_div(floor_mod(N, M) * 2, 2), floor_mod(N, M));
}

TEST(Dim, OverflowIsInvalidNotUndefined) {
  const Dim big = INT64_MAX;
  EXPECT_FALSE((big + 1).is_valid());
  EXPECT_FALSE((big * 2).is_valid());
  EXPECT_FALSE((big * N + N).is_valid());
  EXPECT_FALSE((Dim(INT64_MIN) - 1).is_valid());
  EXPECT_FALSE((-Dim(INT64_MIN)).is_valid());
  EXPECT_FALSE((0 - Dim(INT64_MIN) * N).is_valid());
  EXPECT_FALSE(floor_div(INT64_MIN, -1).is_valid());
  EXPECT_FALSE(floor_div(N, 0).is_valid());
  EXPECT_FALSE((Dim::invalid() - Dim::invalid()).is_valid());
  EXPECT_FALSE((Dim::invalid() * 0).is_valid());
  EXPECT_EQ(Dim::invalid().eval({}).status().code(), Code::kShape);
  EXPECT_EQ(Dim::invalid().text(), "!invalid");
  EXPECT_EQ(Dim(INT64_MIN).text(), "-9223372036854775808");
  EXPECT_EQ(normal("-9223372036854775808"), "-9223372036854775808");
  EXPECT_EQ(normal("N-9223372036854775808"), "N-9223372036854775808");
  EXPECT_EQ(normal("N*M-9223372036854775808*N"), "M*N-9223372036854775808*N");
}

TEST(Dim, GrowthIsBounded) {
  Dim sum = 1;
  for (int i = 0; i < 40; ++i) sum += Dim::symbol("s" + std::to_string(i));
  Dim power = sum;
  for (int i = 0; i < 10; ++i) power *= sum;
  EXPECT_FALSE(power.is_valid());
  Dim nested = N;
  for (int i = 0; i < 100; ++i) nested = floor_div(nested * nested + M, C + i);
  EXPECT_FALSE(nested.is_valid());
  Dim extremum = N;
  for (int i = 0; i < 100; ++i) extremum = min(extremum, Dim::symbol("s" + std::to_string(i)));
  EXPECT_FALSE(extremum.is_valid());
}

TEST(Dim, Eval) {
  const Dim d = floor_div(N * M + 1, 2) + max(N, C);
  EXPECT_EQ(d.eval({{"N", 3}, {"M", 4}, {"C", 7}}).value(), 13);
  const auto missing = d.eval({{"N", 3}, {"M", 4}});
  ASSERT_FALSE(missing.ok());
  EXPECT_THAT(missing.status().message(), HasSubstr("'C'"));
  EXPECT_EQ((N * N).eval({{"N", INT64_MAX}}).status().code(), Code::kShape);
  EXPECT_EQ((N + M).eval({{"N", INT64_MAX}, {"M", 1}}).status().code(), Code::kShape);
  EXPECT_THAT(floor_div(N, M).eval({{"N", 3}, {"M", 0}}).status().message(), HasSubstr("zero"));
}

TEST(Dim, SubstituteAndSymbols) {
  const Dim d = floor_div(N + 1, 2) * M + min(C, N);
  EXPECT_EQ(d.substitute({{"N", 2 * M + 1}, {"C", 0}}), M * M + M);
  EXPECT_EQ(d.substitute({}), d);
  std::set<std::string> symbols;
  d.collect_symbols(&symbols);
  EXPECT_THAT(symbols, ElementsAre("C", "M", "N"));
}

TEST(Dim, SymbolsOfAnyName) {
  EXPECT_EQ(sym("batch_size.1").text(), "batch_size.1");
  EXPECT_NE(sym("a b"), sym("a-b"));
  EXPECT_EQ(sym("a b"), sym("a b"));
  const std::string kLong(1000, 'x');
  for (const std::string& name : {std::string(""), std::string("7"), std::string("past + 1"), kLong,
                                  kLong + "y", std::string("\0\xff", 2)}) {
    const Dim d = Dim::symbol(name);
    EXPECT_TRUE(d.is_symbol());
    EXPECT_LE(d.symbol_name().size(), 64u);
    EXPECT_EQ(Dim::parse(d.text()).value(), d) << d.text();
  }
  EXPECT_NE(Dim::symbol(kLong), Dim::symbol(kLong + "y"));
  EXPECT_EQ(normal("min"), "min");  // no function without a parenthesis
}

TEST(Dim, ParseRejects) {
  for (const char* text : {"",
                           " ",
                           "+",
                           "N+",
                           "*N",
                           "N N",
                           "N/2",
                           "2N",
                           "(N",
                           "N)",
                           "f(N)",
                           "min(N)",
                           "floordiv(N)",
                           "floordiv(N,1,2)",
                           "min()",
                           "N,M",
                           "?",
                           "-1-",
                           "N//0",
                           "9223372036854775808",
                           "99999999999999999999*N",
                           "!invalid",
                           "N$",
                           "min(N,M",
                           "1.5"}) {
    EXPECT_EQ(Dim::parse(text).status().code(), Code::kShape) << text;
  }
  EXPECT_FALSE(Dim::parse(std::string_view("N\0", 2)).ok());
  // Nesting must not exhaust the stack.
  EXPECT_FALSE(Dim::parse(std::string(60000, '(')).ok());
  EXPECT_TRUE(Dim::parse(std::string(60000, '-') + "N").ok());
  std::string deep;
  for (int i = 0; i < 5000; ++i) deep += "floordiv(";
  EXPECT_FALSE(Dim::parse(deep).ok());
  EXPECT_FALSE(Dim::parse(std::string(Dim::kMaxText + 1, '1')).ok());
}

TEST(Dim, HashAndOrder) {
  EXPECT_EQ((N + M).hash(), (M + N).hash());
  EXPECT_NE((N + M).hash(), (M + N + 1).hash());
  std::unordered_set<Dim> set = {N, M, N + 0, 2 * N, N + N};
  EXPECT_EQ(set.size(), 3u);
  std::set<Dim> ordered = {N, M, 3, 2, N * M, N, Dim::invalid()};
  EXPECT_EQ(ordered.size(), 6u);
}

// Random expressions, computed both as Dims and directly at random symbol values.
class RandomExpression {
 public:
  explicit RandomExpression(uint32_t seed) : random_(seed) {
    for (const char* name : {"a", "b", "c"}) values[name] = pick(0, 9);
  }

  // The Dim; *value is its value, nothing after a division by zero.
  Dim make(int depth, std::optional<int64_t>* value) {
    if (depth == 0 || pick(0, 5) == 0) {
      if (pick(0, 1) == 0) {
        *value = pick(-6, 6);
        return **value;
      }
      const std::string name(1, "abc"[pick(0, 2)]);
      *value = values.at(name);
      return Dim::symbol(name);
    }
    std::optional<int64_t> x, y;
    const Dim a = make(depth - 1, &x), b = make(depth - 1, &y);
    const int kind = pick(0, 6);
    if (kind >= 3 && kind <= 4 && y == 0) y.reset();
    value->reset();
    const bool known = x && y;
    switch (kind) {
      case 0:
        if (known) *value = *x + *y;
        return a + b;
      case 1:
        if (known) *value = *x - *y;
        return a - b;
      case 2:
        if (known) *value = *x * *y;
        return a * b;
      case 3:
        if (known) *value = floor(*x, *y);
        return floor_div(a, b);
      case 4:
        if (known) *value = -floor(-*x, *y);
        return ceil_div(a, b);
      case 5:
        if (known) *value = std::min(*x, *y);
        return min(a, b);
      default:
        if (known) *value = std::max(*x, *y);
        return max(a, b);
    }
  }

  SymbolValues values;

 private:
  int pick(int low, int high) { return std::uniform_int_distribution<>(low, high)(random_); }
  static int64_t floor(int64_t x, int64_t y) {
    return x / y - ((x % y != 0) && (x < 0) != (y < 0));
  }
  std::mt19937 random_;
};

TEST(Dim, RandomExpressionsKeepTheirValue) {
  const uint32_t first_seed = std::random_device()();
  SCOPED_TRACE("first seed " + std::to_string(first_seed));
  int checked = 0;
  for (uint32_t i = 0; i < 20000; ++i) {
    SCOPED_TRACE("seed " + std::to_string(first_seed + i));
    RandomExpression random(first_seed + i);
    std::optional<int64_t> expected;
    const Dim d = random.make(4, &expected);
    if (!d.is_valid()) continue;
    ASSERT_LE(d.text().size(), Dim::kMaxText);
    ASSERT_EQ(Dim::parse(d.text()).value(), d) << d.text();
    ASSERT_EQ(Dim::parse(d.text())->hash(), d.hash());
    if (!expected) continue;
    ++checked;
    const auto value = d.eval(random.values);
    ASSERT_TRUE(value.ok()) << d.text() << ": " << value.status().message();
    ASSERT_EQ(*value, *expected) << d.text();
    const Dim other = random.make(2, &expected);
    if (always_le(d, other) && expected) {
      ASSERT_LE(*value, *expected) << d.text() << " <= " << other.text();
    }
    if (d.lower_bound()) {
      ASSERT_LE(*d.lower_bound(), *value) << d.text();
    }
    if (d.upper_bound()) {
      ASSERT_GE(*d.upper_bound(), *value) << d.text();
    }
    std::map<std::string, Dim> constants(random.values.begin(), random.values.end());
    ASSERT_EQ(d.substitute(constants), *value) << d.text();
  }
  EXPECT_GT(checked, 5000);
}

TEST(Shape, TextAndParse) {
  const Shape shape = {N, 224, floor_div(N + 1, 2), 3};
  EXPECT_EQ(shape_text(shape), "[N,224,floordiv(N+1,2),3]");
  EXPECT_EQ(parse_shape(shape_text(shape)).value(), shape);
  EXPECT_EQ(parse_shape(" [ ] ").value(), Shape{});
  EXPECT_EQ(shape_text(Shape{}), "[]");
  EXPECT_EQ(shape_text(std::vector<int64_t>{2, 3}), "[2,3]");
  for (const char* text : {"", "[", "[1", "[1,]", "[,1]", "1,2", "[1]2", "[1 2]", "[!invalid]"}) {
    EXPECT_EQ(parse_shape(text).status().code(), Code::kShape) << text;
  }
  std::string many = "[1";
  for (int i = 0; i < 64; ++i) many += ",1";
  EXPECT_FALSE(parse_shape(many + "]").ok());
}

TEST(Shape, Helpers) {
  const Shape shape = {N, 2, M};
  EXPECT_EQ(num_elements(shape), 2 * N * M);
  EXPECT_EQ(num_elements({}), 1);
  EXPECT_FALSE(is_static(shape));
  EXPECT_EQ(to_static(shape), std::nullopt);
  EXPECT_THAT(*to_static(Shape{1, 2}), ElementsAre(1, 2));
  EXPECT_EQ(to_shape({1, 2}), (Shape{1, 2}));
  EXPECT_THAT(eval_shape(shape, {{"N", 5}, {"M", 1}}).value(), ElementsAre(5, 2, 1));
  EXPECT_THAT(eval_shape({N - 3}, {{"N", 1}}).status().message(), HasSubstr("-2"));
  EXPECT_EQ(substitute(shape, {{"N", 4}}), (Shape{4, 2, M}));
}

}  // namespace
}  // namespace hone
