// The engines of the process. The same plan is loaded once, however many nodes, signatures,
// sessions and SavedModels hold it.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "context_pool.h"
#include "error.h"
#include "hone/c.h"

namespace hone::tf_op {

// A loaded plan with the run states of its callers. Any thread may use it. Shared by the kernels
// that run it, whose calls therefore also share the contexts' memory.
class Engine {
 public:
  static Error load_file(const std::string& path, int threads, std::shared_ptr<Engine>* engine);
  static Error load_bytes(std::string_view plan, int threads, std::shared_ptr<Engine>* engine);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  const std::vector<hn_dtype>& input_types() const { return input_types_; }
  const std::vector<hn_dtype>& output_types() const { return output_types_; }
  ContextPool& contexts() { return contexts_; }

 private:
  explicit Engine(hn_engine* engine) : engine_(engine), contexts_(engine) {}
  static Error adopt(hn_engine* raw, std::shared_ptr<Engine>* engine);

  hn_engine* engine_;  // owned; declared before the pool, so the contexts go first
  std::vector<hn_dtype> input_types_, output_types_;
  ContextPool contexts_;
};

// Any thread may use it. `threads` is hn_engine_options.threads; a plan wanted with two thread
// counts is two engines.
class EngineCache {
 public:
  // The one of the process. Never destroyed: kernels may outlive static destructors.
  static EngineCache& instance();

  // Loads the plan file at `path` under `key`. A key that is there already is left as it is when
  // the file has the same content; other content is kTfInvalidArgument (keys are content hashes).
  // Engines loaded here stay until the process ends.
  Error load(const std::string& key, const std::string& path, int threads);

  // The engine of a key that load() has seen; kTfFailedPrecondition when it has not.
  Error find(const std::string& key, int threads, std::shared_ptr<Engine>* engine);

  // The engine of a plan held in memory; lives as long as someone holds it.
  Error find_inline(std::string_view plan, int threads, std::shared_ptr<Engine>* engine);

 private:
  // Tells two plan files apart without reading all of a large one.
  struct Fingerprint {
    uint64_t size = 0, head = 0, tail = 0;
    bool operator==(const Fingerprint&) const = default;
  };
  struct Plan {
    std::mutex loading;  // one load at a time per plan; others wait for its result
    std::string path;
    Fingerprint fingerprint;
    std::map<int, std::shared_ptr<Engine>> engines;  // by thread count
  };
  // Content hash (two halves), size, threads.
  using InlineKey = std::tuple<uint64_t, uint64_t, size_t, int>;

  static Error fingerprint_of(const std::string& path, Fingerprint* fingerprint);
  std::shared_ptr<Plan> plan_of(const std::string& key, bool create);

  std::mutex mutex_;  // guards the maps, not the loads
  std::map<std::string, std::shared_ptr<Plan>> plans_;
  std::mutex inline_mutex_;  // also held while an inline plan loads: they are small
  std::map<InlineKey, std::weak_ptr<Engine>> inline_;
};

}  // namespace hone::tf_op
