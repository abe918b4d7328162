#include "base/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

namespace hone {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class FileTest : public testing::Test {
 protected:
  FileTest() {
    std::string name = testing::TempDir() + "/hone_file_XXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  ~FileTest() override { std::filesystem::remove_all(folder_); }
  std::string path(const char* name) const { return join_path(folder_, name); }
  std::string folder_;
};

TEST_F(FileTest, WritesAndReads) {
  const std::string file = path("a.bin");
  const std::string_view pieces[] = {"one", "", std::string_view("\0two", 4)};
  ASSERT_TRUE(write_file_atomically(file, pieces).ok());
  EXPECT_EQ(read_file(file).value(), std::string_view("one\0two", 7));
  for (const auto mode : {MappedFile::Mode::kMap, MappedFile::Mode::kCopy}) {
    const auto mapped = MappedFile::open(file, mode).value();
    EXPECT_EQ(mapped->view(), std::string_view("one\0two", 7));
  }
  EXPECT_THAT(list_directory(folder_).value(), ElementsAre("a.bin"));
}

TEST_F(FileTest, CopyIsIndependentOfTheFile) {
  ASSERT_TRUE(write_file_atomically(path("a"), "before").ok());
  const auto copy = MappedFile::open(path("a"), MappedFile::Mode::kCopy).value();
  const auto map = MappedFile::open(path("a")).value();
  ASSERT_TRUE(write_file_atomically(path("a"), "after!").ok());
  EXPECT_EQ(copy->view(), "before");
  EXPECT_EQ(map->view(), "before");  // replaced by rename: the old file lives on
  ASSERT_EQ(::truncate(path("a").c_str(), 0), 0);
  EXPECT_EQ(copy->view(), "before");
}

TEST_F(FileTest, BadFilesAreClearErrors) {
  const auto missing = MappedFile::open(path("missing")).status();
  EXPECT_EQ(missing.code(), Code::kIo);
  EXPECT_THAT(missing.message(), HasSubstr("No such file"));
  EXPECT_THAT(missing.message(), HasSubstr(path("missing")));
  EXPECT_FALSE(missing.fix_hint().empty());
  EXPECT_THAT(MappedFile::open(folder_).status().message(), HasSubstr("directory"));
  ASSERT_TRUE(write_file_atomically(path("empty"), "").ok());
  EXPECT_THAT(MappedFile::open(path("empty")).status().message(), HasSubstr("empty"));
  EXPECT_EQ(read_file(path("empty")).value(), "");
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  EXPECT_THAT(MappedFile::open(path("pipe")).status().message(), HasSubstr("regular"));
  EXPECT_FALSE(read_file(path("pipe")).ok());
  ASSERT_TRUE(write_file_atomically(path("long"), std::string(100, 'x')).ok());
  EXPECT_THAT(read_file(path("long"), 99).status().message(), HasSubstr("longer than 99 B"));
  EXPECT_TRUE(read_file(path("long"), 100).ok());
  EXPECT_FALSE(read_file("/proc/self/maps", 10).ok());  // says size 0
  EXPECT_GT(read_file("/proc/self/maps")->size(), 100u);
  EXPECT_EQ(list_directory(path("missing")).status().code(), Code::kIo);
}

TEST_F(FileTest, AFailedWriteLeavesNothing) {
  ASSERT_TRUE(write_file_atomically(path("a"), "old").ok());
  // A file size limit stands for a full disk.
  rlimit before;
  getrlimit(RLIMIT_FSIZE, &before);
  auto* handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small = {1000, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const Status failed = write_file_atomically(path("a"), std::string(5000, 'x'));
  const Status failed_new = write_file_atomically(path("b"), std::string(5000, 'x'));
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(failed.code(), Code::kIo);
  EXPECT_EQ(failed_new.code(), Code::kIo);
  EXPECT_EQ(read_file(path("a")).value(), "old");
  EXPECT_THAT(list_directory(folder_).value(), ElementsAre("a"));
  EXPECT_EQ(write_file_atomically(path("no/such/a"), "x").code(), Code::kIo);
  EXPECT_EQ(write_file_atomically(folder_, "x").code(), Code::kIo);
  EXPECT_EQ(write_file_atomically("", "x").code(), Code::kIo);
}

TEST_F(FileTest, KeepsPermissionsAndLinks) {
  ASSERT_TRUE(write_file_atomically(path("a"), "1").ok());
  ASSERT_EQ(::chmod(path("a").c_str(), 0640), 0);
  ASSERT_EQ(::symlink("a", path("link").c_str()), 0);
  ASSERT_TRUE(write_file_atomically(path("link"), "2").ok());
  EXPECT_EQ(read_file(path("a")).value(), "2");
  EXPECT_TRUE(std::filesystem::is_symlink(path("link")));
  struct stat info;
  ASSERT_EQ(::stat(path("a").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640u);
  EXPECT_TRUE(write_file_atomically("/dev/null", "x").ok());
}

TEST(Paths, Parts) {
  EXPECT_EQ(join_path("a", "b"), "a/b");
  EXPECT_EQ(join_path("a", "/b"), "/b");
  EXPECT_EQ(base_name("a/b.onnx"), "b.onnx");
  EXPECT_EQ(parent_path("a/b.onnx"), "a");
  EXPECT_EQ(parent_path("b.onnx"), ".");
  EXPECT_EQ(extension("a/B.ONNX"), ".onnx");
  EXPECT_EQ(extension("a"), "");
}

}  // namespace
}  // namespace hone
