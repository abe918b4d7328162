#include "tune/timing_cache.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/file.h"

namespace hone {
namespace {

using Json = nlohmann::json;
constexpr const char* kFormat = "hone-timing";
constexpr int kVersion = 1;

Status damaged(const std::string& path, const char* cause) {
  return Status(Code::kModel, "not a usable timing cache")
      .at(path)
      .because(cause)
      .fix("delete the file; it is made again by the next build");
}

Result<std::map<std::string, double>> read_entries(const std::string& path) {
  std::map<std::string, double> entries;
  if (!file_exists(path)) return entries;
  HONE_ASSIGN_OR_RETURN(const std::string text, read_file(path, size_t{1} << 28));
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || json.value("format", Json()) != kFormat)
    return damaged(path, "wrong format");
  if (json.value("version", Json()) != kVersion)
    return damaged(path, "another version of the format");
  const auto it = json.find("entries");
  if (it == json.end() || !it->is_object()) return damaged(path, "no entries");
  for (const auto& [key, value] : it->items()) {
    if (!value.is_number() || value.get<double>() < 0)
      return damaged(path, "an entry is not a time");
    entries[key] = value.get<double>();
  }
  return entries;
}

// Exclusive advisory lock on the folder of PATH for the life of the object; best effort. Not on the
// file, which is replaced; not on one beside it, which would stay.
class FileLock {
 public:
  explicit FileLock(const std::string& path)
      : fd_(::open(parent_path(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (fd_ >= 0) ::flock(fd_, LOCK_EX);
  }
  ~FileLock() {
    if (fd_ >= 0) ::close(fd_);
  }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int fd_;
};

}  // namespace

Status TimingCache::open(const std::string& path) {
  std::lock_guard lock(mutex_);
  path_ = path;
  if (path.empty()) return ok();
  HONE_ASSIGN_OR_RETURN(entries_, read_entries(path));
  return ok();
}

std::optional<double> TimingCache::find(const std::string& key) const {
  std::lock_guard lock(mutex_);
  const auto it = entries_.find(key);
  if (it == entries_.end()) return std::nullopt;
  return it->second;
}

void TimingCache::put(const std::string& key, double milliseconds) {
  std::lock_guard lock(mutex_);
  entries_[key] = milliseconds;
  added_[key] = milliseconds;
}

Status TimingCache::save() {
  std::lock_guard lock(mutex_);
  if (path_.empty() || added_.empty()) return ok();
  FileLock file_lock(path_);
  auto merged = read_entries(path_);
  std::map<std::string, double> entries = merged.ok() ? std::move(*merged) : entries_;
  for (const auto& [key, value] : added_) entries[key] = value;
  const Json json = {{"format", kFormat}, {"version", kVersion}, {"entries", entries}};
  HONE_RETURN_IF_ERROR(write_file_atomically(path_, json.dump(1) + "\n"));
  added_.clear();
  return ok();
}

size_t TimingCache::size() const {
  std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace hone
