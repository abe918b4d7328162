#include "values.h"

#include <gmock/gmock.h>

namespace hone::tools {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(Shapes, NamesAndSizes) {
  const auto shapes = parse_shapes("x:1x224x224x3,serving_default_ids:0:1x128,s:").value();
  ASSERT_EQ(shapes.size(), 3u);
  EXPECT_THAT(shapes.at("x"), ElementsAre(1, 224, 224, 3));
  EXPECT_THAT(shapes.at("serving_default_ids:0"), ElementsAre(1, 128));
  EXPECT_THAT(shapes.at("s"), IsEmpty());
}

TEST(Shapes, WhatIsWrongIsSaid) {
  for (const char* text :
       {"", "x", ":1", "x:1x", "x:-1", "x:1y2", "x:1,x:2", "x:1,,y:2", "x:99999999999999999999"}) {
    const auto shapes = parse_shapes(text);
    ASSERT_FALSE(shapes.ok()) << text;
    EXPECT_EQ(shapes.status().code(), Code::kInvalidArgument) << text;
    EXPECT_THAT(shapes.status().message(), HasSubstr("write NAME:1x224x224x3")) << text;
  }
}

TEST(Profiles, OneEach) {
  const auto profiles =
      parse_profiles({"x:1x8", "x:2x8"}, {"x:4x8", "x:5x8"}, {"x:6x8", "x:7x8"}).value();
  ASSERT_EQ(profiles.size(), 2u);
  EXPECT_THAT(profiles[1].at("x").min, ElementsAre(2, 8));
  EXPECT_THAT(profiles[1].at("x").opt, ElementsAre(5, 8));
  EXPECT_THAT(profiles[1].at("x").max, ElementsAre(7, 8));
}

TEST(Profiles, MissingOnesAreFilled) {
  const auto only_opt = parse_profiles({}, {"x:4"}, {}).value();
  EXPECT_THAT(only_opt[0].at("x").min, ElementsAre(4));
  EXPECT_THAT(only_opt[0].at("x").max, ElementsAre(4));
  const auto no_opt = parse_profiles({"x:1"}, {}, {"x:8"}).value();
  EXPECT_THAT(no_opt[0].at("x").opt, ElementsAre(8));
  const auto partly = parse_profiles({"x:1"}, {"x:4,y:2"}, {"x:8"}).value();
  EXPECT_THAT(partly[0].at("y").max, ElementsAre(2));
  EXPECT_TRUE(parse_profiles({}, {}, {}).value().empty());
}

TEST(Profiles, CountsMustAgree) {
  EXPECT_EQ(parse_profiles({"x:1"}, {"x:1", "x:2"}, {}).status().code(), Code::kInvalidArgument);
}

TEST(Duration, Units) {
  EXPECT_DOUBLE_EQ(parse_duration("5s").value(), 5);
  EXPECT_DOUBLE_EQ(parse_duration("500ms").value(), 0.5);
  EXPECT_DOUBLE_EQ(parse_duration("2m").value(), 120);
  EXPECT_DOUBLE_EQ(parse_duration("0.25").value(), 0.25);
  for (const char* text : {"", "s", "5h", "-1s", "inf", "nan"})
    EXPECT_FALSE(parse_duration(text).ok()) << text;
}

TEST(Memory, Units) {
  EXPECT_EQ(parse_memory("").value(), 0);
  EXPECT_EQ(parse_memory("1GiB").value(), int64_t{1} << 30);
  EXPECT_FALSE(parse_memory("much").ok());
}

TEST(PrecisionName, ThisVersionHasFp32) {
  EXPECT_EQ(parse_precision("fp32").value(), Precision::kFp32);
  EXPECT_EQ(parse_precision("TF32").value(), Precision::kFp32);
  EXPECT_EQ(parse_precision("int8").status().code(), Code::kUnsupported);
  EXPECT_EQ(parse_precision("best").status().code(), Code::kUnsupported);
  EXPECT_EQ(parse_precision("fp7").status().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace hone::tools
