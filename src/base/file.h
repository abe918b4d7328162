// Files: reading whole or mapped, writing so that a reader never sees half a file.
// All errors are kIo with the path, the system's reason and what to do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hone/status.h"

namespace hone {

// The bytes of a whole regular file, read-only, at a fixed address until the last owner goes.
// Immutable, so any thread may read.
class MappedFile {
 public:
  enum class Mode {
    // Private memory, safe whatever happens to the file later.
    kCopy,
    // Pages of the file. Fast, and shared between processes, but if someone truncates the file
    // while it is mapped, reading past its end is a SIGBUS: for files replaced by rename only.
    kMap,
  };
  // A missing or unreadable file, a directory or other special file, and an empty file are errors.
  static Result<std::shared_ptr<const MappedFile>> open(const std::string& path,
                                                        Mode mode = Mode::kMap);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const uint8_t* data() const { return data_; }
  size_t size() const { return size_; }
  std::string_view view() const { return {reinterpret_cast<const char*>(data_), size_}; }
  const std::string& path() const { return path_; }
  // `part` of view() has been copied and is hardly needed again: its whole pages leave this
  // process's memory. Reading it again brings them back. Does nothing in mode kCopy.
  void forget(std::string_view part) const;

 private:
  MappedFile() = default;
  Mode mode_ = Mode::kMap;
  std::string path_;
  const uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

// The contents of a regular file; may be empty. An error if it is longer than `max_bytes`.
Result<std::string> read_file(const std::string& path, uint64_t max_bytes = uint64_t{1} << 30);

// Writes the pieces one after another to a temporary file in the same directory, flushes it to the
// disk and renames it over `path`. On failure `path` is as before and nothing is left behind.
// Keeps the permissions of an existing file; else 0666 less umask.
Status write_file_atomically(const std::string& path, std::span<const std::string_view> pieces);
Status write_file_atomically(const std::string& path, std::string_view contents);

bool file_exists(const std::string& path);  // something of any kind is there
bool is_directory(const std::string& path);
// join_path("a", "b") == "a/b"; an absolute `name` stays as it is.
std::string join_path(std::string_view directory, std::string_view name);
std::string base_name(std::string_view path);    // "a/b.onnx" -> "b.onnx"
std::string parent_path(std::string_view path);  // "a/b.onnx" -> "a", "b" -> "."
std::string extension(std::string_view path);    // ".onnx", lower case; "" if none
// Names of the entries of a directory, sorted. kIo.
Result<std::vector<std::string>> list_directory(const std::string& path);

}  // namespace hone
