#include "engine_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace hone::tf_op {
namespace {

hn_engine_options options_for(int threads) {
  return {.struct_size = sizeof(hn_engine_options), .threads = threads, .copy_weights = 0};
}

// A file descriptor that closes itself.
class File {
 public:
  explicit File(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

// Hash of `bytes` bytes at `offset`, or false when they cannot be read.
bool hash_range(int fd, uint64_t offset, size_t bytes, uint64_t* hash) {
  std::vector<char> buffer(bytes);
  size_t done = 0;
  while (done < bytes) {
    const ssize_t n = ::pread(fd, buffer.data() + done, bytes - done, offset + done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    done += static_cast<size_t>(n);
  }
  *hash = XXH3_64bits(buffer.data(), bytes);
  return true;
}

}  // namespace

Error Engine::load_file(const std::string& path, int threads, std::shared_ptr<Engine>* engine) {
  const hn_engine_options options = options_for(threads);
  hn_engine* raw = nullptr;
  if (Error error = from_hone(hn_engine_load(path.c_str(), &options, &raw))) return error;
  return adopt(raw, engine);
}

Error Engine::load_bytes(std::string_view plan, int threads, std::shared_ptr<Engine>* engine) {
  const hn_engine_options options = options_for(threads);
  hn_engine* raw = nullptr;
  if (Error error = from_hone(hn_engine_load_bytes(plan.data(), plan.size(), &options, &raw))) {
    return error;
  }
  return adopt(raw, engine);
}

Error Engine::adopt(hn_engine* raw, std::shared_ptr<Engine>* engine) {
  std::shared_ptr<Engine> adopted(new Engine(raw));
  hn_tensor_info info{};
  info.struct_size = sizeof(info);
  for (size_t i = 0; i < hn_engine_num_inputs(raw); ++i) {
    if (Error error = from_hone(hn_engine_input(raw, i, &info))) return error;
    adopted->input_types_.push_back(info.dtype);
  }
  for (size_t i = 0; i < hn_engine_num_outputs(raw); ++i) {
    if (Error error = from_hone(hn_engine_output(raw, i, &info))) return error;
    adopted->output_types_.push_back(info.dtype);
  }
  *engine = std::move(adopted);
  return {};
}

Engine::~Engine() { hn_engine_free(engine_); }  // contexts keep what they need alive

EngineCache& EngineCache::instance() {
  static EngineCache* cache = new EngineCache;
  return *cache;
}

Error EngineCache::fingerprint_of(const std::string& path, Fingerprint* fingerprint) {
  File file(path);
  struct stat info {};
  if (file.fd() < 0 || ::fstat(file.fd(), &info) != 0) {
    return {kTfNotFound, "cannot open the plan file '" + path + "': " + std::strerror(errno) +
                             "; was the SavedModel copied without its assets folder?"};
  }
  // Plans carry their checksums in the part at the head, so 64 KiB at both ends tell plans apart.
  constexpr uint64_t kEnd = 64 << 10;
  fingerprint->size = static_cast<uint64_t>(info.st_size);
  const size_t bytes = static_cast<size_t>(std::min(fingerprint->size, kEnd));
  if (!S_ISREG(info.st_mode) || !hash_range(file.fd(), 0, bytes, &fingerprint->head) ||
      !hash_range(file.fd(), fingerprint->size - bytes, bytes, &fingerprint->tail)) {
    return {kTfDataLoss, "cannot read the plan file '" + path + "'"};
  }
  return {};
}

std::shared_ptr<EngineCache::Plan> EngineCache::plan_of(const std::string& key, bool create) {
  std::lock_guard<std::mutex> lock(mutex_);
  auto found = plans_.find(key);
  if (found != plans_.end()) return found->second;
  return create ? plans_.emplace(key, std::make_shared<Plan>()).first->second : nullptr;
}

Error EngineCache::load(const std::string& key, const std::string& path, int threads) {
  Fingerprint fingerprint;
  if (Error error = fingerprint_of(path, &fingerprint)) return error;
  const std::shared_ptr<Plan> plan = plan_of(key, /*create=*/true);
  std::lock_guard<std::mutex> lock(plan->loading);
  if (!plan->engines.empty()) {
    if (plan->fingerprint == fingerprint) return {};
    return {kTfInvalidArgument, "the key '" + key + "' belongs to another plan, loaded from '" +
                                    plan->path + "', than the file '" + path +
                                    "': the SavedModel was changed by hand; convert it again"};
  }
  std::shared_ptr<Engine> engine;
  if (Error error = Engine::load_file(path, threads, &engine)) return error;
  plan->path = path;
  plan->fingerprint = fingerprint;
  plan->engines.emplace(threads, std::move(engine));
  return {};
}

Error EngineCache::find(const std::string& key, int threads, std::shared_ptr<Engine>* engine) {
  const std::shared_ptr<Plan> plan = plan_of(key, /*create=*/false);
  std::unique_lock<std::mutex> lock;
  if (plan != nullptr) lock = std::unique_lock<std::mutex>(plan->loading);
  if (plan == nullptr || plan->engines.empty()) {
    return {kTfFailedPrecondition,
            "the plan '" + key +
                "' is not loaded: load the SavedModel with tf.saved_model.load (or "
                "TF_LoadSessionFromSavedModel) so that its init op runs, which reads the plan from "
                "the assets folder"};
  }
  auto found = plan->engines.find(threads);
  if (found == plan->engines.end()) {
    // Another thread count than the init op took: the file is mapped a second time.
    std::shared_ptr<Engine> fresh;
    if (Error error = Engine::load_file(plan->path, threads, &fresh)) return error;
    found = plan->engines.emplace(threads, std::move(fresh)).first;
  }
  *engine = found->second;
  return {};
}

Error EngineCache::find_inline(std::string_view plan, int threads,
                               std::shared_ptr<Engine>* engine) {
  const XXH128_hash_t hash = XXH3_128bits(plan.data(), plan.size());
  const InlineKey key{hash.high64, hash.low64, plan.size(), threads};
  std::lock_guard<std::mutex> lock(inline_mutex_);
  if ((*engine = inline_[key].lock()) != nullptr) return {};
  // Engines nobody holds any more leave an entry behind; drop those while we are here.
  std::erase_if(inline_, [](const auto& entry) { return entry.second.expired(); });
  if (Error error = Engine::load_bytes(plan, threads, engine)) return error;
  inline_[key] = *engine;
  return {};
}

}  // namespace hone::tf_op
