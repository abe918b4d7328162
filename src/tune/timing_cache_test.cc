#include "tune/timing_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "base/file.h"

namespace hone {
namespace {

using ::testing::HasSubstr;

class TimingCacheTest : public testing::Test {
 protected:
  TimingCacheTest()
      : path_(testing::TempDir() + "hone_cache_" + std::to_string(getpid()) + ".json") {
    clean();
  }
  ~TimingCacheTest() override { clean(); }
  void clean() { std::filesystem::remove(path_); }
  std::string path_;
};

TEST_F(TimingCacheTest, RoundTrip) {
  const double odd = 0.1 + 0.2;
  TimingCache cache;
  ASSERT_TRUE(cache.open(path_).ok());
  EXPECT_EQ(cache.size(), 0u);
  EXPECT_TRUE(cache.save().ok());
  EXPECT_FALSE(file_exists(path_));  // nothing to save
  cache.put("a|b \"c\"", odd);
  cache.put("zero", 0);
  ASSERT_TRUE(cache.save().ok());
  TimingCache again;
  ASSERT_TRUE(again.open(path_).ok());
  EXPECT_EQ(again.size(), 2u);
  EXPECT_EQ(again.find("a|b \"c\""), odd);  // to the last bit
  EXPECT_EQ(again.find("zero"), 0.0);
  EXPECT_EQ(again.find("other"), std::nullopt);
}

TEST_F(TimingCacheTest, InMemory) {
  TimingCache cache;
  ASSERT_TRUE(cache.open("").ok());
  cache.put("a", 1);
  EXPECT_TRUE(cache.save().ok());
  EXPECT_EQ(cache.find("a"), 1.0);
}

TEST_F(TimingCacheTest, SaversMerge) {
  TimingCache first, second;
  ASSERT_TRUE(first.open(path_).ok());
  ASSERT_TRUE(second.open(path_).ok());
  first.put("one", 1);
  second.put("two", 2);
  ASSERT_TRUE(first.save().ok());
  ASSERT_TRUE(second.save().ok());
  TimingCache both;
  ASSERT_TRUE(both.open(path_).ok());
  EXPECT_EQ(both.find("one"), 1.0);
  EXPECT_EQ(both.find("two"), 2.0);
}

TEST_F(TimingCacheTest, ConcurrentSavers) {
  constexpr int kSavers = 8, kRounds = 5;
  std::vector<std::thread> threads;
  for (int t = 0; t < kSavers; ++t) {
    threads.emplace_back([this, t] {
      TimingCache cache;
      if (!cache.open(path_).ok()) return;
      for (int i = 0; i < kRounds; ++i) {
        cache.put(std::to_string(t) + "/" + std::to_string(i), t + i);
        if (!cache.save().ok()) return;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  TimingCache all;
  ASSERT_TRUE(all.open(path_).ok());
  EXPECT_EQ(all.size(), static_cast<size_t>(kSavers * kRounds));
}

TEST_F(TimingCacheTest, DamagedFiles) {
  for (const char* text :
       {"", "{", "[1]", "{\"format\": \"other\"}", "{\"format\": \"hone-timing\", \"version\": 2}",
        "{\"format\": \"hone-timing\", \"version\": 1}",
        "{\"format\": \"hone-timing\", \"version\": 1, \"entries\": {\"a\": -1}}",
        "{\"format\": \"hone-timing\", \"version\": 1, \"entries\": {\"a\": \"b\"}}",
        "{\"format\": \"hone-timing\", \"version\": 1, \"entries\": [1]}"}) {
    ASSERT_TRUE(write_file_atomically(path_, text).ok());
    TimingCache cache;
    const Status status = cache.open(path_);
    ASSERT_FALSE(status.ok()) << text;
    EXPECT_EQ(status.code(), Code::kModel);
    EXPECT_THAT(status.message(), HasSubstr(path_));
    EXPECT_THAT(status.fix_hint(), HasSubstr("delete the file"));
  }
}

TEST_F(TimingCacheTest, UnwritableFolder) {
  TimingCache cache;
  ASSERT_TRUE(cache.open("/nonexistent/folder/cache.json").ok());
  cache.put("a", 1);
  EXPECT_EQ(cache.save().code(), Code::kIo);
}

}  // namespace
}  // namespace hone
