// The contract of a tactic: one way to run one operator (with its epilogue) on one kind of device.
//
// Life of a step: can_run() -> candidates() -> storage() -> pack_weights() when a plan is built
// (and when a plan is lowered again at load), then prepare() when shapes are bound, then run()
// again and again.
//
// Rules that every tactic keeps (checked by the generic tests in tactics/tactic_test.cc):
// - touches no byte outside its tensors; halo bytes of its own inputs and outputs belong to the
// tensor;
// - reads and writes tensors with any strides, as long as the last dimension is contiguous;
// - splits work and orders sums in a way that depends on the problem only: same bits for any number
// of
//   threads;
// - run() does not allocate, lock or make strings.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/cpu.h"
#include "ops/op_def.h"

namespace hone {

inline constexpr int kMaxRank = 8;

// What a plan is made for.
struct Target {
  CpuFeatures features;
  int threads = 1;
};

struct OperandDesc {
  TensorType type;
  // Constants: set while building or lowering, null when only the shape is known (tuned plans leave
  // canonical weights out).
  const Tensor* constant = nullptr;
  bool is_constant = false;
};

// One step, as plain data: the same file serves tuning and execution.
struct StepDesc {
  const OpDef* op = nullptr;
  Attributes attributes;
  Program epilogue;
  std::vector<OperandDesc> inputs;  // of the operator, then the epilogue's other inputs
  std::vector<OperandDesc> outputs;
  bool strict_fp32 = false;  // no Winograd, no reduced-precision products
  // The size of an output depends on values: the step gives it to StepContext::sink.
  bool sizes_outputs = false;

  template <class T>
  const T& attr() const {
    return attributes.get<T>();
  }
  size_t num_root_inputs() const {
    return inputs.size() - (epilogue.empty() ? 0 : static_cast<size_t>(epilogue.num_inputs - 1));
  }
  const Shape& in_shape(size_t i) const { return inputs[i].type.shape; }
  const Shape& out_shape(size_t i = 0) const { return outputs[i].type.shape; }
};

// Yes, or the reason why not, as a phrase for people: "groups = 4 with 6 channels".
class [[nodiscard]] Verdict {
 public:
  static Verdict yes() { return Verdict(""); }
  static Verdict no(std::string reason) { return Verdict(std::move(reason)); }
  bool ok() const { return reason_.empty(); }
  const std::string& reason() const { return reason_; }

 private:
  explicit Verdict(std::string reason) : reason_(std::move(reason)) {}
  std::string reason_;
};

// How a tactic is parametrised (tile, loop order, block sizes): "tile=6x16 order=panel kb=512".
// Empty = no parameters. Stored in plans and timing caches; read back by the same tactic.
using Config = std::string;

// Extra elements around a stored tensor, per dimension; what a convolution needs to read its
// padding without testing borders. The consumer fills it before use. Empty = none.
struct Halo {
  std::vector<int64_t> before, after;
  bool empty() const { return before.empty(); }
  bool operator==(const Halo&) const = default;
};

// What a step would like of its operands. A wish only: run() must work with whatever prepare()
// gets.
struct StorageWish {
  std::vector<Halo> input_halo;  // per input; may be shorter than the inputs
};

// A stored tensor at concrete shapes: where element (i0, i1, ...) lies relative to the pointer to
// element 0. Strides count elements; the last dimension has stride 1 (if its size is > 1). halo_*:
// elements physically present around it.
struct TensorLayout {
  DataType dtype = DataType::f32;
  int rank = 0;
  int64_t shape[kMaxRank] = {};
  int64_t stride[kMaxRank] = {};
  int64_t halo_before[kMaxRank] = {};
  int64_t halo_after[kMaxRank] = {};

  int64_t num_elements() const {
    int64_t n = 1;
    for (int i = 0; i < rank; ++i) n *= shape[i];
    return n;
  }
  // No elements: dense, whatever the strides are.
  // The strides that a dense tensor of this shape has.
  void dense_strides(int64_t* strides) const {
    int64_t next = 1;
    for (int i = rank - 1; i >= 0; --i) {
      strides[i] = next;
      next *= shape[i];
    }
  }
  bool dense() const {
    if (num_elements() == 0) return true;
    int64_t expected = 1;
    for (int i = rank - 1; i >= 0; --i) {
      if (shape[i] != 1 && stride[i] != expected) return false;
      expected *= shape[i];
    }
    return true;
  }
};

struct PrepareArgs {
  const StepDesc* step = nullptr;
  const Target* target = nullptr;
  Config config;
  std::span<const TensorLayout> inputs;
  std::span<const TensorLayout> outputs;  // without sizes where StepDesc::sizes_outputs
  const std::byte* packed = nullptr;      // 64-byte aligned; null when there is nothing packed
  size_t packed_bytes = 0;
  // Data of constant inputs, null for others and for replaced ones. Stays valid.
  std::span<const void* const> constants;
};

// Takes the outputs of a step that finds out their sizes.
class OutputSink {
 public:
  // Memory for output `output`, dense, of the inferred dtype, 64-byte aligned unless it is a
  // caller's. kShape: the shape is none that the plan declares; kOutOfResources. Once per output
  // and run, in any order.
  virtual Status allocate(size_t output, std::span<const int64_t> shape, void** data) = 0;

 protected:
  ~OutputSink() = default;
};

// What run() gets. Pointers are to element 0 of each operand.
struct StepContext {
  const void* const* inputs = nullptr;
  void* const* outputs = nullptr;
  OutputSink* sink = nullptr;      // set, and `outputs` null, where StepDesc::sizes_outputs
  std::byte* workspace = nullptr;  // workspace_bytes() bytes, 64-byte aligned, not zeroed
  int threads = 1;                 // ThreadPool::global().parallel_for(threads, ...)
};

// A step whose shapes are known. Immutable after prepare(); run() may be called from several
// contexts.
class PreparedStep {
 public:
  virtual ~PreparedStep() = default;
  virtual size_t workspace_bytes() const { return 0; }
  // Only the reference and steps with data-dependent checks can fail.
  virtual Status run(const StepContext& context) const = 0;
};

class Tactic {
 public:
  virtual ~Tactic() = default;
  virtual const char* name() const = 0;     // "conv_direct_avx2"
  virtual int version() const = 0;          // raised whenever config, packing or results change
  virtual const char* op_name() const = 0;  // operator it runs; "*" = all (the reference)
  // For every value of the symbols in the shapes. Callers ask can_run_step() below.
  virtual Verdict can_run(const StepDesc& step, const Target& target) const = 0;
  // Whether it runs steps with StepDesc::sizes_outputs (and, there, such ones only if can_run says
  // so).
  virtual bool can_size_outputs() const { return false; }
  // Configurations worth timing for these concrete shapes, best guess first; at least one.
  virtual std::vector<Config> candidates(const StepDesc& step, const Target& target) const {
    (void)step, (void)target;
    return {Config()};
  }
  virtual StorageWish storage(const StepDesc& step, const Config& config) const {
    (void)step, (void)config;
    return {};
  }
  // May the output share memory with input `i` (same shape and layout)?
  virtual bool may_overwrite(const StepDesc& step, size_t i) const {
    (void)step, (void)i;
    return false;
  }
  // Writes the weights in the form that run() reads to `packed`: packed_bytes() bytes, 64-byte
  // aligned, all zero before. REQUIRES: constants of `step` are set. Never depends on run-time
  // shapes.
  virtual void pack_weights(const StepDesc& step, const Target& target, const Config& config,
                            std::byte* packed) const {
    (void)step, (void)target, (void)config, (void)packed;
  }
  // What pack_weights() needs; checked when a plan is loaded. 0: nothing to pack.
  virtual size_t packed_bytes(const StepDesc& step, const Target& target,
                              const Config& config) const {
    (void)step, (void)target, (void)config;
    return 0;
  }
  // Constant inputs that run() does not read because they are in the packed weights; checked when a
  // plan is loaded, since these may be without data.
  virtual std::vector<size_t> replaced_inputs(const StepDesc& step) const {
    (void)step;
    return {};
  }
  // The part of `config` that packing depends on: profiles whose configs have equal keys share one
  // packing.
  virtual std::string packing_key(const StepDesc& step, const Config& config) const {
    (void)step;
    return config;
  }
  // True if `config` is one that prepare() understands for this step: plans come from strangers.
  virtual bool valid_config(const StepDesc& step, const Target& target,
                            const Config& config) const {
    (void)step, (void)target;
    return config.empty();
  }
  // Cannot fail: can_run() and valid_config() were asked.
  virtual std::unique_ptr<PreparedStep> prepare(const PrepareArgs& args) const = 0;
};

// All tactics, in order of preference; the reference is last. Made once; thread-safe.
std::span<const Tactic* const> all_tactics();
const Tactic* find_tactic(std::string_view name);
const Tactic& reference_tactic();

// can_run(), and whether the tactic can do without knowing the outputs' sizes.
Verdict can_run_step(const Tactic& tactic, const StepDesc& step, const Target& target);

// Arithmetic work of a step at concrete shapes in GFLOP (multiply-add = 2); 0 where not meaningful.
double step_gflop(const StepDesc& step);

}  // namespace hone
