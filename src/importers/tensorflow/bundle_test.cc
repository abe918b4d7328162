#include "importers/tensorflow/bundle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "importers/tensorflow/bundle_table.h"
#include "importers/tensorflow/bundle_test_util.h"

namespace hone::tf {
namespace {

using testing::HasSubstr;

std::map<std::string, Tensor> sample() {
  return {{"a", Tensor::from<std::string>({2}, {"hello", ""})},  // leaves what follows unaligned
          {"layer/bias", Tensor::from<float>({3}, {1, 2, 3})},
          {"layer/kernel", Tensor::from<BFloat16>({2}, {BFloat16(1.0f), BFloat16(-2.0f)})},
          {"none", Tensor::zeros(DataType::f32, {0, 4})},
          {"step", Tensor::scalar<int64_t>(-9)}};
}

TEST(Bundle, ReadsWhatWasWritten) {
  const TempFolder folder;
  write_bundle(folder.file("v"), sample());
  const auto bundle = Bundle::open(folder.file("v"));
  ASSERT_TRUE(bundle.ok()) << bundle.status().message();
  EXPECT_EQ((*bundle)->entries().size(), sample().size());
  for (const auto& [key, tensor] : sample()) {
    const auto read = (*bundle)->tensor(key);
    ASSERT_TRUE(read.ok()) << read.status().message();
    EXPECT_EQ(*read, tensor) << key;
  }
  EXPECT_EQ((*bundle)->find("absent"), nullptr);
  EXPECT_THAT((*bundle)->tensor("absent").status().message(), HasSubstr("'absent'"));
}

TEST(Bundle, WrongBytesAreNoticed) {
  const TempFolder folder;
  write_bundle(folder.file("v"), {{"w", Tensor::from<float>({2}, {1, 2})}});
  const std::string path = folder.file("v.data-00000-of-00001");
  std::string data = *read_file(path);
  data[5] ^= 1;
  ASSERT_TRUE(write_file_atomically(path, data).ok());
  const auto tensor = (*Bundle::open(folder.file("v")))->tensor("w");
  EXPECT_EQ(tensor.status().code(), Code::kModel);
  EXPECT_THAT(tensor.status().message(), HasSubstr("checksum"));
  // A cut data file is noticed when it is opened.
  ASSERT_TRUE(write_file_atomically(path, data.substr(0, 4)).ok());
  EXPECT_THAT(Bundle::open(folder.file("v")).status().message(), HasSubstr("with 4 bytes"));
  std::filesystem::remove(path);
  EXPECT_EQ(Bundle::open(folder.file("v")).status().code(), Code::kIo);
}

TEST(Table, PrefixCompressionAndOrder) {
  const std::map<std::string, std::string> entries{
      {"", "h"}, {"abc", "1"}, {"abcde", ""}, {"b", "2"}};
  const auto table = read_table(make_table(entries), "t");
  ASSERT_TRUE(table.ok()) << table.status().message();
  EXPECT_EQ(table->size(), 4u);
  EXPECT_EQ(table->at("abcde"), "");
  EXPECT_EQ(read_table(make_table(entries, 1), "t").status().code(), Code::kUnsupported);
}

TEST(Table, EveryFlipAndTruncationIsHandled) {
  const std::string good = make_table({{"", "header"}, {"key1", "value1"}, {"key2", "value2"}});
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(read_table(good.substr(0, size), "t").ok()) << size;
  }
  int accepted = 0;
  for (size_t i = 0; i < good.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ (1 << bit));
      accepted += read_table(bad, "t").ok();
    }
  }
  // Only the unused metaindex block, its handle and the footer's padding are under no checksum that
  // is looked at.
  EXPECT_LE(accepted, 8 * (13 + 40));
}

}  // namespace
}  // namespace hone::tf
