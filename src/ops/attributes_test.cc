#include "ops/attributes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ops/ops.h"

namespace hone {
namespace {

struct Everything {
  int64_t integer = 1;
  double number = 0.5;
  bool flag = false;
  std::string text = "a";
  std::vector<int64_t> integers;
  std::vector<double> numbers;
  DataType dtype = DataType::f32;
  Program program;
  bool operator==(const Everything&) const = default;
  template <class V>
  void fields(V&& visit) {
    visit("integer", integer);
    visit("number", number);
    visit("flag", flag);
    visit("text", text);
    visit("integers", integers);
    visit("numbers", numbers);
    visit("dtype", dtype);
    visit("program", program);
  }
};

Everything sample() {
  Everything value;
  value.integer = INT64_MIN;
  value.number = 0.1;
  value.flag = true;
  value.text = "say \"hi\"\\\n{}, \x01";
  value.integers = {1, -2, INT64_MAX};
  value.numbers = {1e300, -0.0, 5e-324, INFINITY};
  value.dtype = DataType::bf16;
  value.program.num_inputs = 2;
  const int half = value.program.add_constant(0.5);
  value.program.add(&op("Mul"), {1, half});
  return value;
}

TEST(Attributes, TextRoundTrip) {
  const Attributes attributes = sample();
  const std::string text = attributes_text(attributes);
  const auto parsed = parse_attributes(text, Everything());
  ASSERT_TRUE(parsed.ok()) << parsed.status().message();
  EXPECT_EQ(*parsed, attributes) << text;
}

TEST(Attributes, TextLeavesDefaultsOut) {
  ConvAttributes conv;
  conv.groups = 3;
  const Attributes defaults = ConvAttributes();
  EXPECT_EQ(attributes_text(conv, &defaults), "{groups=3}");
  EXPECT_EQ(attributes_text(defaults, &defaults), "{}");
  EXPECT_EQ(attributes_text(Attributes()), "{}");
}

TEST(Attributes, ParsesWithSpacesInAnyOrder) {
  const auto parsed = parse_attributes("{ groups=2, strides=[1, 2] }", ConvAttributes());
  ASSERT_TRUE(parsed.ok()) << parsed.status().message();
  EXPECT_EQ(parsed->get<ConvAttributes>().groups, 2);
  EXPECT_THAT(parsed->get<ConvAttributes>().strides, testing::ElementsAre(1, 2));
}

TEST(Attributes, RefusesBadText) {
  for (const char* text :
       {"", "{", "groups=1", "{groups=}", "{groups=x}", "{groups=1", "{groups=1,}", "{groups=1} x",
        "{group=1}", "{groups=1, groups=1}", "{groups=99999999999999999999}", "{groups 1}",
        "{auto_pad=\"}", "{auto_pad=\"\\q\"}", "{auto_pad=\"\\x0\"}", "{strides=[1,]}",
        "{strides=[1", "{strides=1}", "{groups=1 auto_pad=\"x\"}"}) {
    const auto parsed = parse_attributes(text, ConvAttributes());
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.status().code(), Code::kModel) << text;
  }
  EXPECT_FALSE(parse_attributes("{a=1}", Attributes()).ok());
  EXPECT_FALSE(parse_attributes("{program=\"Add\"}", PointwiseAttributes()).ok());
  EXPECT_FALSE(parse_attributes("{to=f99}", CastAttributes()).ok());
}

// Every prefix and every one-byte change of a valid text: an error or a value, never a crash.
TEST(Attributes, SurvivesDamage) {
  const std::string text = attributes_text(sample());
  for (size_t i = 0; i < text.size(); ++i) {
    EXPECT_FALSE(parse_attributes(text.substr(0, i), Everything()).ok());
    for (char c : {'\0', '"', '{', '}', '[', ',', '9', '\xff'}) {
      std::string damaged = text;
      damaged[i] = c;
      (void)parse_attributes(damaged, Everything());
    }
  }
}

}  // namespace
}  // namespace hone
