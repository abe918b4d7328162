// The plan as plain data. A *portable* part (what to compute: fused steps with symbolic shapes) and
// zero or more *tuned* parts (how, on one kind of machine). docs/plan-format.md has the file
// layout.
#pragma once

#include <array>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/dim.h"
#include "base/tensor.h"
#include "hone/status.h"
#include "ops/op_def.h"

namespace hone {

inline constexpr uint32_t kPlanVersion = 1;

enum class ValueKind : uint8_t { kInput = 0, kConstant = 1, kComputed = 2 };

struct PlanValue {
  std::string name;
  std::string source;  // tensor name in the source model
  TensorType type;
  ValueKind kind = ValueKind::kComputed;
  // Constants only. The data may be absent (rank-known, data empty) when every step that reads it
  // has it packed and the plan is not portable.
  Tensor constant;
  bool has_data = false;
};

struct PlanStep {
  std::string name;
  std::vector<std::string> sources;
  const OpDef* op = nullptr;
  Attributes attributes;
  Program epilogue;
  std::vector<int> inputs, outputs;  // indices into Portable::values
  int group = 0;                     // steps of one group may run side by side; groups ascend
  std::string device = "cpu";
  // Not stored, see find_stages() in plan/stages.h. A step that ends its stage has outputs whose
  // size is known only when it has run.
  int stage = 0;
  bool ends_stage = false;
};

struct PlanProfile {
  // One range per graph input, in order; every vector has the input's rank.
  struct Range {
    std::vector<int64_t> min, opt, max;
    bool operator==(const Range&) const = default;
  };
  std::vector<Range> inputs;
};

struct Portable {
  std::string model_name;
  std::vector<PlanValue> values;
  std::vector<PlanStep> steps;       // in execution order
  std::vector<int> inputs, outputs;  // value indices
  std::vector<std::string> input_names, output_names;
  std::vector<PlanProfile> profiles;
  std::vector<std::pair<Dim, Dim>> must_be_equal;  // checked when shapes are bound
  bool strict_fp32 = false;
  // Not stored, see find_stages().
  int num_stages = 1;
  std::vector<int> check_stages;  // when each of must_be_equal can be checked; empty = 0 for all
};

// Where the bytes of a value live when it is not in a slot of its own. Not stored in the file:
// decided by lower/storage.cc when a plan is built and again when it is loaded.
enum class AliasKind : uint8_t {
  kNone = 0,   // own slot (or caller buffer, for graph inputs and outputs)
  kSame = 1,   // same bytes as the parent: in place, or reshaped (both dense)
  kSlice = 2,  // part of the parent along `axis`, starting at `start`
};

struct TunedValue {
  AliasKind alias = AliasKind::kNone;
  int parent = -1;                               // value index; never forms a cycle
  int axis = 0;                                  // kSlice
  Dim start;                                     // kSlice, in elements along axis
  std::vector<int64_t> halo_before, halo_after;  // empty = none
};

struct RejectedTactic {
  std::string tactic, reason;
};

struct TunedStep {
  bool is_view = false;  // outputs are aliases of inputs: nothing to run (not stored)
  std::string tactic;    // empty for views
  int version = 0;
  std::vector<std::string> configs;            // one per profile, or a single one for all
  std::string packed_key;                      // config part that packing depends on
  size_t packed_offset = 0, packed_bytes = 0;  // into Tuned::packed
  std::vector<size_t> replaced_inputs;
  double milliseconds = -1;  // from the timing cache; < 0 = not timed
  std::vector<RejectedTactic> rejected;
  std::string copies;  // what a step that only moves bytes, or pads its input, copies, and why (not
                       // stored)
};

struct Tuned {
  std::string features;  // CpuFeatures::text()
  std::string cpu;       // model name, for people
  int threads = 1;
  std::vector<TunedStep> steps;    // as many as Portable::steps
  std::vector<TunedValue> values;  // as many as Portable::values (not stored)
  // Packed weights, each 64-byte aligned; points into the mapped file or into `owner`.
  const std::byte* packed = nullptr;
  size_t packed_bytes = 0;
  std::shared_ptr<const void> owner;
};

struct PlanData {
  Portable portable;
  std::vector<Tuned> tuned;
};

// Bytes of a plan file. Deterministic: equal data gives equal bytes. Constants with has_data are
// stored.
Result<std::string> write_plan(const PlanData& plan);
// The same bytes as pieces to be written one after another, without a copy of the weights. Owned by
// `keep`, and valid while the plan's tensors and packed weights live.
struct PlanPieces {
  std::shared_ptr<const void> keep;
  std::vector<std::string_view> pieces;
  uint64_t size = 0;
};
Result<PlanPieces> lay_out_plan(const PlanData& plan);

// Reads and verifies everything: format, version, checksums, sizes, every index and meaning (see
// verify_plan). Tensors and packed weights point into `bytes`, which `owner` keeps alive.
// Errors: kPlan with `name` (file name) in front.
Result<PlanData> read_plan(std::string_view bytes, std::shared_ptr<const void> owner,
                           const std::string& name);

// Meaning: indices in range, steps in order, types equal to re-inferred types, programs valid,
// profiles within the inputs' shapes. Part of read_plan; also run on plans before they are written.
Status verify_plan(const PlanData& plan);

}  // namespace hone
