#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "base/text.h"

namespace hone {
namespace {

// Closes on destruction.
class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() { reset(); }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int get() const { return fd_; }
  int reset() {
    const int result = fd_ >= 0 ? ::close(fd_) : 0;
    fd_ = -1;
    return result;
  }

 private:
  int fd_;
};

const char* hint(int error) {
  switch (error) {
    case ENOENT:
      return "check the path";
    case EACCES:
    case EPERM:
      return "check the permissions";
    case ENOSPC:
    case EDQUOT:
      return "free space on the disk or choose another folder";
    case EROFS:
      return "choose a folder that can be written";
    case EMFILE:
    case ENFILE:
      return "close files or raise the limit (ulimit -n)";
    case EISDIR:
      return "give the path of a file, not of a directory";
    default:
      return "check the path, the permissions and the disk";
  }
}

// `doing`: "open", "write" ...
Status io_error(const std::string& path, const char* doing, int error) {
  return Status(Code::kIo, fmt::format("cannot {} the file", doing))
      .at(printable(path, 4096))
      .because(std::generic_category().message(error))
      .fix(hint(error));
}

int open_retry(const char* path, int flags, mode_t mode = 0) {
  int fd;
  do {
    fd = ::open(path, flags, mode);
  } while (fd < 0 && errno == EINTR);
  return fd;
}

// Opens a regular file and finds its size.
Status open_regular(const std::string& path, int* fd, uint64_t* size) {
  // O_NONBLOCK: opening a pipe must not hang; it means nothing for a regular file.
  *fd = open_retry(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (*fd < 0) return io_error(path, "open", errno);
  struct stat info;
  if (::fstat(*fd, &info) != 0) return io_error(path, "examine", errno);
  if (S_ISDIR(info.st_mode)) return io_error(path, "read", EISDIR);
  if (!S_ISREG(info.st_mode)) {
    return Status(Code::kIo, "this is not a regular file")
        .at(printable(path, 4096))
        .fix("give the path of a file");
  }
  *size = static_cast<uint64_t>(info.st_size);
  return ok();
}

// Reads up to `bytes`; *got is less only at the end of the file.
Status read_fully(const std::string& path, int fd, void* data, size_t bytes, size_t* got) {
  auto* out = static_cast<char*>(data);
  *got = 0;
  while (*got < bytes) {
    const ssize_t n = ::read(fd, out + *got, std::min<size_t>(bytes - *got, 1 << 30));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io_error(path, "read", errno);
    if (n == 0) break;
    *got += static_cast<size_t>(n);
  }
  return ok();
}

Status write_fully(const std::string& path, int fd, std::string_view data) {
  while (!data.empty()) {
    const ssize_t n = ::write(fd, data.data(), std::min<size_t>(data.size(), 1 << 30));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io_error(path, "write", errno);
    data.remove_prefix(static_cast<size_t>(n));
  }
  return ok();
}

}  // namespace

Result<std::shared_ptr<const MappedFile>> MappedFile::open(const std::string& path, Mode mode) {
  int raw_fd = -1;
  uint64_t size = 0;
  const Status opened = open_regular(path, &raw_fd, &size);
  Fd fd(raw_fd);
  HONE_RETURN_IF_ERROR(opened);
  if (size == 0) {
    return Status(Code::kIo, "the file is empty")
        .at(printable(path, 4096))
        .fix("write or download it again");
  }
  std::shared_ptr<MappedFile> file(new MappedFile);
  file->path_ = path;
  file->mode_ = mode;
  const bool copy = mode == Mode::kCopy;
  void* data = ::mmap(nullptr, size, copy ? PROT_READ | PROT_WRITE : PROT_READ,
                      copy ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_PRIVATE, copy ? -1 : fd.get(), 0);
  if (data == MAP_FAILED) return io_error(path, "map", errno);
  file->data_ = static_cast<const uint8_t*>(data);
  file->size_ = size;
  if (copy) {
    size_t got = 0;
    HONE_RETURN_IF_ERROR(read_fully(path, fd.get(), data, size, &got));
    if (got != size) {
      return Status(Code::kIo, "the file became shorter while it was read")
          .at(printable(path, 4096))
          .fix("write files aside, then rename them");
    }
    ::mprotect(data, size, PROT_READ);  // best effort: finds our own stray writes
  }
  return std::shared_ptr<const MappedFile>(std::move(file));
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<uint8_t*>(data_), size_);
}

void MappedFile::forget(std::string_view part) const {
  if (mode_ == Mode::kCopy) return;
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<uintptr_t>(part.data());
  const uintptr_t first = (begin + page - 1) / page * page,
                  end = (begin + part.size()) / page * page;
  if (first < end) ::madvise(reinterpret_cast<void*>(first), end - first, MADV_DONTNEED);
}

Result<std::string> read_file(const std::string& path, uint64_t max_bytes) {
  int raw_fd = -1;
  uint64_t size = 0;
  const Status opened = open_regular(path, &raw_fd, &size);
  Fd fd(raw_fd);
  HONE_RETURN_IF_ERROR(opened);
  const auto too_long = [&] {
    return Status(Code::kIo, fmt::format("the file is longer than {}", human_bytes(max_bytes)))
        .at(printable(path, 4096))
        .fix("check that it is the right file");
  };
  if (size > max_bytes) return too_long();
  // Files of /proc and /sys say size 0: read until the end comes.
  std::string text;
  for (size_t step = size + 1;; step = 64 << 10) {
    const size_t before = text.size();
    text.resize(before + step);
    size_t got = 0;
    HONE_RETURN_IF_ERROR(read_fully(path, fd.get(), text.data() + before, step, &got));
    text.resize(before + got);
    if (text.size() > max_bytes) return too_long();
    if (got < step) return text;
  }
}

namespace {

// The temporary file while it is written; removed unless it was renamed.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& target) {
    static std::atomic<uint32_t> counter{0};
    path_ = fmt::format("{}.tmp.{}.{}", target, ::getpid(), counter.fetch_add(1));
  }
  ~TemporaryFile() {
    if (exists_) ::unlink(path_.c_str());
  }
  int create(mode_t mode) {
    int fd = open_retry(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0 && errno == EEXIST) {  // left by a killed process that had our id
      ::unlink(path_.c_str());
      fd = open_retry(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    }
    exists_ = fd >= 0;
    return fd;
  }
  bool rename_to(const std::string& target) {
    if (::rename(path_.c_str(), target.c_str()) != 0) return false;
    exists_ = false;
    return true;
  }

 private:
  std::string path_;
  bool exists_ = false;
};

}  // namespace

Status write_file_atomically(const std::string& path, std::span<const std::string_view> pieces) {
  struct stat existing;
  const bool replaces = ::stat(path.c_str(), &existing) == 0;
  if (replaces && S_ISDIR(existing.st_mode)) return io_error(path, "write", EISDIR);
  // A link stays a link: the file it points to is replaced.
  std::string target = path;
  if (char* real = replaces ? ::realpath(path.c_str(), nullptr) : nullptr) {
    target = real;
    std::free(real);
  }
  if (replaces && !S_ISREG(existing.st_mode)) {  // /dev/null, /dev/stdout: nothing to rename over
    Fd fd(open_retry(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (fd.get() < 0) return io_error(path, "open", errno);
    for (const auto piece : pieces) HONE_RETURN_IF_ERROR(write_fully(path, fd.get(), piece));
    return ok();
  }
  TemporaryFile temporary(target);
  Fd fd(temporary.create(0666));
  if (fd.get() < 0) return io_error(path, "create", errno);
  if (replaces) (void)!::fchmod(fd.get(), existing.st_mode & 07777);
  for (const auto piece : pieces) HONE_RETURN_IF_ERROR(write_fully(path, fd.get(), piece));
  if (::fsync(fd.get()) != 0) return io_error(path, "write", errno);
  if (fd.reset() != 0) return io_error(path, "write", errno);
  if (!temporary.rename_to(target)) return io_error(path, "write", errno);
  // The new name is on the disk only once its directory is. Some file systems cannot do this; the
  // file is complete in either case.
  Fd directory(open_retry(parent_path(target).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() >= 0) (void)!::fsync(directory.get());
  return ok();
}

Status write_file_atomically(const std::string& path, std::string_view contents) {
  return write_file_atomically(path, std::span<const std::string_view>(&contents, 1));
}

bool file_exists(const std::string& path) {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0;
}

bool is_directory(const std::string& path) {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

std::string join_path(std::string_view directory, std::string_view name) {
  return (std::filesystem::path(directory) / std::filesystem::path(name)).string();
}

std::string base_name(std::string_view path) {
  return std::filesystem::path(path).filename().string();
}

std::string parent_path(std::string_view path) {
  std::string parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

std::string extension(std::string_view path) {
  return to_lower(std::filesystem::path(path).extension().string());
}

Result<std::vector<std::string>> list_directory(const std::string& path) {
  std::error_code error;
  std::vector<std::string> names;
  std::filesystem::directory_iterator it(path, error), end;
  for (; !error && it != end; it.increment(error)) names.push_back(it->path().filename().string());
  if (error) {
    return Status(Code::kIo, "cannot list the directory")
        .at(printable(path, 4096))
        .because(error.message())
        .fix(hint(error.value()));
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace hone
