// Status, data types, 16-bit floats, text helpers, hashes, CRC32C, log.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "base/crc32c.h"
#include "base/float16.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/text.h"
#include "hone/status.h"
#include "hone/types.h"

namespace hone {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Status, Message) {
  EXPECT_TRUE(ok().ok());
  const Status s = Status(Code::kIo, "cannot open the file")
                       .at("node 'x'")
                       .at("a.onnx")
                       .because("no such file")
                       .fix("check the path");
  EXPECT_EQ(s.message(),
            "a.onnx: node 'x': cannot open the file (because no such file). Fix: check the path");
  EXPECT_THROW(Result<int>(s).value(), Error);
  EXPECT_EQ(Result<int>(3).value(), 3);
}

TEST(DataTypes, NamesAndSizes) {
  for (int i = 1; i <= 14; ++i) {
    const auto dtype = static_cast<DataType>(i);
    DataType parsed{};
    EXPECT_TRUE(parse_dtype(dtype_name(dtype), &parsed));
    EXPECT_EQ(parsed, dtype);
  }
  EXPECT_STREQ(dtype_name(DataType::boolean), "bool");
  EXPECT_EQ(dtype_size(DataType::f16), 2u);
  EXPECT_EQ(dtype_size(DataType::string), 0u);
  EXPECT_STREQ(dtype_name(static_cast<DataType>(0)), "invalid");
  EXPECT_EQ(dtype_size(static_cast<DataType>(255)), 0u);
  DataType unused;
  EXPECT_FALSE(parse_dtype("float", &unused));
}

// The nearest half to `x` (|x| < 65520) by arithmetic in double, ties to even.
double nearest_half(double x) {
  if (x == 0) return 0;
  const int exponent = std::max(std::ilogb(x), -14);
  return std::ldexp(std::nearbyint(std::ldexp(x, 10 - exponent)), exponent - 10);
}

TEST(Float16, AllHalvesRoundTrip) {
  for (uint32_t h = 0; h < 0x10000; ++h) {
    const float f = f16_to_f32(static_cast<uint16_t>(h));
    if (std::isnan(f)) {
      EXPECT_EQ(f32_to_f16(f), h | 0x200) << h;
    } else {
      ASSERT_EQ(f32_to_f16(f), h);
    }
  }
  EXPECT_EQ(f16_to_f32(0x3c00), 1.0f);
  EXPECT_EQ(f16_to_f32(0x0001), 0x1p-24f);
  EXPECT_EQ(f16_to_f32(0x7bff), 65504.0f);
  EXPECT_EQ(f16_to_f32(0xfc00), -INFINITY);
}

TEST(Float16, RoundsToNearestEven) {
  for (uint32_t h = 0; h < 0x7bff; ++h) {  // all midpoints, and their neighbours
    const double a = f16_to_f32(static_cast<uint16_t>(h));
    const double b = f16_to_f32(static_cast<uint16_t>(h + 1));
    const float middle = static_cast<float>((a + b) / 2);
    ASSERT_EQ(f32_to_f16(middle), h + (h & 1)) << h;
    ASSERT_EQ(f32_to_f16(std::nextafterf(middle, 1e9f)), h + 1) << h;
    ASSERT_EQ(f32_to_f16(std::nextafterf(middle, -1e9f)), h) << h;
    ASSERT_EQ(f32_to_f16(-middle), 0x8000 | (h + (h & 1))) << h;
  }
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 200000; ++i) {
    const float f = std::bit_cast<float>(static_cast<uint32_t>(random()));
    if (!(std::fabs(f) < 65520)) continue;
    ASSERT_EQ(f16_to_f32(f32_to_f16(f)), nearest_half(f)) << f;
  }
  EXPECT_EQ(f32_to_f16(65519.996f), 0x7bff);
  EXPECT_EQ(f32_to_f16(65520.0f), 0x7c00);
  EXPECT_EQ(f32_to_f16(-1e30f), 0xfc00);
  EXPECT_EQ(f32_to_f16(std::numeric_limits<float>::infinity()), 0x7c00);
  EXPECT_TRUE(std::isnan(f16_to_f32(f32_to_f16(NAN))));
  EXPECT_TRUE(std::isnan(f16_to_f32(f32_to_f16(std::bit_cast<float>(0x7f800001u)))));
}

TEST(BFloat16, RoundsToNearestEven) {
  for (uint32_t b = 0; b < 0x10000; ++b) {
    const float f = bf16_to_f32(static_cast<uint16_t>(b));
    if (!std::isnan(f)) {
      ASSERT_EQ(f32_to_bf16(f), b);
    }
  }
  for (uint32_t b = 0; b < 0x7f80; ++b) {
    const uint32_t middle = (b << 16) | 0x8000;
    ASSERT_EQ(f32_to_bf16(std::bit_cast<float>(middle)), b + (b & 1));
    ASSERT_EQ(f32_to_bf16(std::bit_cast<float>(middle + 1)), b + 1);
    ASSERT_EQ(f32_to_bf16(std::bit_cast<float>(middle - 1)), b);
  }
  EXPECT_EQ(f32_to_bf16(std::numeric_limits<float>::max()), 0x7f80);
  EXPECT_TRUE(std::isnan(bf16_to_f32(f32_to_bf16(std::bit_cast<float>(0x7f800001u)))));
  EXPECT_TRUE(std::isnan(bf16_to_f32(f32_to_bf16(std::bit_cast<float>(0xffffffffu)))));
}

TEST(Text, Helpers) {
  EXPECT_THAT(split("a,,b", ','), ElementsAre("a", "", "b"));
  EXPECT_THAT(split("", ','), ElementsAre(""));
  EXPECT_EQ(trim(" \t a b\r\n"), "a b");
  EXPECT_EQ(trim("  "), "");
  EXPECT_EQ(join(std::vector<std::string>{"a", "b"}, ", "), "a, b");
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(1536), "1.5 KiB");
  EXPECT_EQ(human_bytes((1 << 20) - 1), "1.0 MiB");
  EXPECT_EQ(human_bytes(UINT64_MAX), "16.0 EiB");
  EXPECT_EQ(parse_int64("-9223372036854775808"), INT64_MIN);
  for (const char* bad : {"", " 1", "1 ", "9223372036854775808", "1x", "+1", "0x1", "-"})
    EXPECT_EQ(parse_int64(bad), std::nullopt) << bad;
  EXPECT_EQ(parse_double("1e-3"), 1e-3);
  EXPECT_EQ(parse_double("1,5"), std::nullopt);
  EXPECT_EQ(parse_bytes("1.5GiB"), uint64_t{3} << 29);
  EXPECT_EQ(parse_bytes("2 kb"), 2000u);
  for (const char* bad : {"", "GiB", "1XB", "-1", "1e30TB", "99999999TiB", "1.2.3", "nan"})
    EXPECT_EQ(parse_bytes(bad), std::nullopt) << bad;
  EXPECT_EQ(printable("a\n\xff", 2), "a\\x0a...");
}

TEST(Hash, KnownValuesAndPieces) {
  // From the reference implementation (xxhsum): stored files depend on them.
  EXPECT_EQ(hash64(""), 0x2d06800538d394c2u);
  EXPECT_EQ(hash128("").hex(), "99aa06d3014798d86001c324468d497f");
  std::string text(1000, 'x');
  for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 7);
  for (const size_t cut : {0, 1, 255, 256, 999, 1000}) {
    Hasher hasher;
    hasher.update(std::string_view(text).substr(0, cut));
    hasher.update(std::string_view(text).substr(cut));
    EXPECT_EQ(hasher.digest(), hash128(text));
  }
  EXPECT_NE(hash64("a"), hash64("b"));
  EXPECT_NE(hash64("a", 1, 0), hash64("a", 1, 1));
}

TEST(Crc32c, KnownValues) {
  EXPECT_EQ(crc32c("123456789", 9), 0xe3069283u);
  const std::string zeros(32, '\0'), ones(32, '\xff');  // RFC 3720 B.4
  EXPECT_EQ(crc32c(zeros.data(), 32), 0x8a9136aau);
  EXPECT_EQ(crc32c(ones.data(), 32), 0x62a8ab43u);
  EXPECT_EQ(crc32c(nullptr, 0), 0u);
  const uint32_t crc = crc32c("foo", 3);
  EXPECT_NE(crc32c_mask(crc), crc);
  EXPECT_EQ(crc32c_unmask(crc32c_mask(crc)), crc);
}

TEST(Crc32c, PortableAgrees) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += static_cast<char>(i * 31 + (i >> 3));
  for (size_t begin = 0; begin < 9; ++begin) {
    for (size_t size = 0; size < 280; size += 3) {
      const uint32_t whole = crc32c(text.data() + begin, size);
      ASSERT_EQ(crc32c_portable(text.data() + begin, size), whole);
      const size_t cut = size / 3;
      ASSERT_EQ(crc32c(text.data() + begin + cut, size - cut, crc32c(text.data() + begin, cut)),
                whole);
    }
  }
}

TEST(Log, LevelDecides) {
  testing::internal::CaptureStderr();
  set_log_level(LogLevel::kInfo);
  log_debug("hidden {}", 1);
  log_info("shown {} {{}}", 2);
  log_message(LogLevel::kWarning, "no {format} here");
  set_log_level(LogLevel::kOff);
  log_warning("hidden too");
  set_log_level(LogLevel::kWarning);
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_THAT(text, HasSubstr("hone: info: shown 2 {}"));
  EXPECT_THAT(text, HasSubstr("no {format} here"));
  EXPECT_THAT(text, testing::Not(HasSubstr("hidden")));
}

}  // namespace
}  // namespace hone
