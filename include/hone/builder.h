// Model -> Plan. Needs libhone (the runtime-only library has no builder).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "hone/types.h"

namespace hone {

enum class Precision { kFp32, kBf16, kFp16, kInt8, kBest };

// Shapes of one input: smallest, the one to tune for, largest.
struct ShapeRange {
  std::vector<int64_t> min, opt, max;
};
// One optimization profile: a range per input name. Inputs left out keep the model's own shape.
using Profile = std::map<std::string, ShapeRange>;

struct BuildOptions {
  Precision precision = Precision::kFp32;
  bool strict_fp32 = false;       // FP32 arithmetic without Winograd or bf16x3
  std::vector<Profile> profiles;  // empty: dimension 0 tuned at 1, other unknowns at 128
  int threads = 0;                // tuned for this many; 0 = all CPUs this process may use
  int64_t memory_bytes = 0;       // arena + workspace + packed weights; 0 = no limit
  bool tune = true;               // false: first tactic of the list, no timing
  bool retune = false;            // time again what the cache already has
  double tune_seconds = 0;        // 0 = no limit
  std::string timing_cache;       // file; empty = a cache of this process only
  std::string target = "native";  // CPU feature set the plan is for: native, avx2, avx512 ...
  bool portable = false;    // keep canonical weights, so that the plan can be lowered elsewhere
  std::string dump_graphs;  // directory for the graph after each stage, as text
  Progress progress;
};

// A trained network, read and ready to be optimized. Cheap to copy (shared).
class HONE_API Model {
 public:
  // ONNX file, SavedModel directory, frozen GraphDef or Hone text graph: recognised by content.
  // `signature`: of a SavedModel; empty = "serving_default", or the only one.
  static Result<Model> from_file(const std::string& path, const std::string& signature = "");

  const std::vector<TensorInfo>& inputs() const;
  const std::vector<TensorInfo>& outputs() const;
  const std::string& source() const;  // path it came from
  const std::string& format() const;  // "onnx", "saved_model", "graphdef", "hone"
  // The graph in Hone's text form (large constants by hash).
  std::string text() const;

  struct Impl;
  explicit Model(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  const std::shared_ptr<const Impl>& impl() const { return impl_; }

 private:
  std::shared_ptr<const Impl> impl_;
};

// A plan in memory. Cheap to copy (shared); thread-safe.
class HONE_API Plan {
 public:
  size_t size() const;  // of the plan file, in bytes
  // Writes aside, then renames: a failed save leaves no half-written file. Needs no memory.
  Status save(const std::string& path) const;
  // The bytes of the file; made, as large as the weights, by the first call.
  const std::string& bytes() const;

  struct Impl;
  explicit Plan(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

 private:
  std::shared_ptr<const Impl> impl_;
};

HONE_API Result<Plan> build(const Model& model, const BuildOptions& options = {});

}  // namespace hone
