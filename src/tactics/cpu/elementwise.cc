// Cast, and pointwise operators and programs of any dtypes: blocks of elements are converted to
// double or int64, computed operation by operation (ops/pointwise_blocks.h) and
// converted back, with one rounding as in the reference. About 1 ns per element and operation.
#include <fmt/core.h>

#include <array>
#include <atomic>

#include "base/check.h"
#include "base/thread_pool.h"
#include "ops/cast_element.h"
#include "ops/movement.h"
#include "ops/pointwise.h"
#include "ops/pointwise_blocks.h"
#include "tactics/cpu/common.h"
#include "tactics/cpu/cpu_tactics.h"
#include "tactics/cpu/program.h"
#include "tactics/cpu/strided_loops.h"

namespace hone {
namespace {

constexpr int64_t kBlock = StridedLoops::kBlock;

// The loops of a step: the output, then the inputs, broadcast to it.
StridedLoops make_loops(const PrepareArgs& args) {
  const TensorLayout& out = args.outputs[0];
  const auto rank = static_cast<size_t>(out.rank);
  std::vector<std::vector<int64_t>> strides = {{out.stride, out.stride + rank}};
  for (const TensorLayout& in : args.inputs) {
    strides.emplace_back(rank);
    broadcast_strides(in, out.rank, out.shape, strides.back().data());
  }
  return StridedLoops({out.shape, out.shape + rank}, strides);
}

// `step` elements apart in memory to dense numbers and back.
template <class W>
using Load = void (*)(const void* from, int64_t step, int64_t n, W* to);
template <class W>
using Store = void (*)(const W* from, int64_t n, void* to, int64_t step);

template <class W>
Load<W> loader(DataType dtype) {
  Load<W> load = nullptr;
  const Status status = with_type(dtype, [&load](auto type) {
    using T = typename decltype(type)::type;
    load = [](const void* from, int64_t step, int64_t n, W* to) {
      const auto* x = static_cast<const T*>(from);
      if (step == 0) return static_cast<void>(std::fill_n(to, n, static_cast<W>(widen(*x))));
      for (int64_t i = 0; i < n; ++i) to[i] = static_cast<W>(widen(x[i * step]));
    };
    return ok();
  });
  HONE_CHECK(status.ok());
  return load;
}

template <class W>
Store<W> storer(DataType dtype) {
  Store<W> store = nullptr;
  const Status status = with_type(dtype, [&store](auto type) {
    using T = typename decltype(type)::type;
    store = [](const W* from, int64_t n, void* to, int64_t step) {
      auto* y = static_cast<T*>(to);
      for (int64_t i = 0; i < n; ++i) {
        if constexpr (std::is_same_v<T, bool>) {
          y[i * step] = from[i] != 0;
        } else {
          y[i * step] = narrow<T>(static_cast<Wide<T>>(from[i]));
        }
      }
    };
    return ok();
  });
  HONE_CHECK(status.ok());
  return store;
}

bool computes_in_float(const StepDesc& step) {
  bool any = is_float(step.outputs[0].type.dtype);
  for (const OperandDesc& input : step.inputs) any = any || is_float(input.type.dtype);
  return any || step.attributes.is<PointwiseAttributes>();
}

// Operands of a program that have a buffer each, in blocks of 256 numbers of 8 bytes: 96 KiB.
constexpr size_t kMaxOperands = 48;

template <class W>
class PreparedProgram final : public PreparedStep {
 public:
  explicit PreparedProgram(const PrepareArgs& args)
      : loops_(make_loops(args)), program_(step_program(*args.step)) {
    for (const TensorLayout& in : args.inputs) {
      loads_.push_back(loader<W>(in.dtype));
      sizes_.push_back(static_cast<int64_t>(dtype_size(in.dtype)));
    }
    for (const Instruction& instruction : program_.instructions) {
      blocks_.push_back(&pointwise_blocks(*instruction.op));
    }
    store_ = storer<W>(args.outputs[0].dtype);
    out_size_ = static_cast<int64_t>(dtype_size(args.outputs[0].dtype));
    empty_ = args.outputs[0].num_elements() == 0;
  }

  Status run(const StepContext& context) const override {
    if (empty_) return ok();
    std::atomic<bool> by_zero = false;
    ThreadPool::global().parallel_for(
        context.threads, loops_.blocks(), [&](int64_t begin, int64_t end, int) {
          alignas(64) W buffers[kMaxOperands][kBlock];
          fill_constants(buffers);
          loops_.run(begin, end, [&](const int64_t* offsets, int64_t n) {
            if (!run_block(context, offsets, n, buffers)) by_zero = true;
          });
        });
    if (by_zero) return Status(Code::kShape, "an integer is divided by zero");
    return ok();
  }

 private:
  void fill_constants(W (*buffers)[kBlock]) const {
    for (size_t c = 0; c < program_.constants.size(); ++c) {
      std::fill_n(buffers[static_cast<size_t>(program_.num_inputs) + c], kBlock,
                  static_cast<W>(program_.constants[c]));
    }
  }

  // False if an integer is divided by zero; the block is not written then.
  bool run_block(const StepContext& context, const int64_t* offsets, int64_t n,
                 W (*buffers)[kBlock]) const {
    for (size_t k = 0; k < loads_.size(); ++k) {
      const auto* from =
          static_cast<const std::byte*>(context.inputs[k]) + offsets[1 + k] * sizes_[k];
      loads_[k](from, loops_.step(1 + k), n, buffers[k]);
    }
    size_t next = static_cast<size_t>(program_.num_inputs) + program_.constants.size();
    size_t i = 0;
    for (const Instruction& instruction : program_.instructions) {
      const W* args[3] = {};
      for (size_t k = 0; k < instruction.args.size(); ++k) args[k] = buffers[instruction.args[k]];
      const PointwiseBlocks& blocks = *blocks_[i++];
      if constexpr (std::is_same_v<W, double>) {
        blocks.f64(args, buffers[next++], n);
      } else {
        if (blocks.divides && std::find(args[1], args[1] + n, 0) != args[1] + n) return false;
        blocks.i64(args, buffers[next++], n);
      }
    }
    auto* to = static_cast<std::byte*>(context.outputs[0]) + offsets[0] * out_size_;
    store_(buffers[next - 1], n, to, loops_.step(0));
    return true;
  }

  StridedLoops loops_;
  Program program_;
  std::vector<const PointwiseBlocks*> blocks_;  // of the instructions
  std::vector<Load<W>> loads_;
  std::vector<int64_t> sizes_;
  Store<W> store_;
  int64_t out_size_;
  bool empty_;
};

class AnyPointwise final : public Tactic {
 public:
  explicit AnyPointwise(const OpDef& op) : op_(op), name_(fmt::format("elementwise_{}", op.name)) {}
  const char* name() const override { return name_.c_str(); }
  int version() const override { return 1; }
  const char* op_name() const override { return op_.name; }

  Verdict can_run(const StepDesc& step, const Target& target) const override {
    if (step.out_shape().size() > kMaxRank) return Verdict::no("rank over 8");
    if (step.inputs.size() + 1 > StridedLoops::kMaxOperands) return Verdict::no("too many inputs");
    const Program program = step_program(step);
    if (static_cast<size_t>(program.result()) >= kMaxOperands) {
      return Verdict::no("the program is too long");
    }
    // Its arithmetic is in int64; the reference refuses larger values one by one.
    const bool moves = std::string_view(op_.name) == "Where" && step.epilogue.empty();
    for (const OperandDesc& input : step.inputs) {
      if (input.type.dtype == DataType::string) return Verdict::no("strings");
      if (input.type.dtype == DataType::u64 && !moves) return Verdict::no("u64");
    }
    for (const Instruction& instruction : program.instructions) {
      if (!computes_in_float(step) && !pointwise_blocks(*instruction.op).i64) {
        return Verdict::no("an operation without an integer form");
      }
    }
    return unless_done_before(*this, step, target);
  }
  bool may_overwrite(const StepDesc& step, size_t i) const override {
    return step.inputs[i].type == step.outputs[0].type;
  }
  std::unique_ptr<PreparedStep> prepare(const PrepareArgs& args) const override {
    if (computes_in_float(*args.step)) return std::make_unique<PreparedProgram<double>>(args);
    return std::make_unique<PreparedProgram<int64_t>>(args);
  }

 private:
  const OpDef& op_;
  std::string name_;
};

using CastBlock = void (*)(const void* from, int64_t in_step, int64_t n, void* to,
                           int64_t out_step);

CastBlock cast_block(DataType from, DataType to) {
  CastBlock block = nullptr;
  const Status status = with_type(from, [&](auto from_type) {
    using From = typename decltype(from_type)::type;
    return with_type(to, [&](auto to_type) {
      using To = typename decltype(to_type)::type;
      block = [](const void* x, int64_t in_step, int64_t n, void* y, int64_t out_step) {
        for (int64_t i = 0; i < n; ++i) {
          static_cast<To*>(y)[i * out_step] =
              cast_element<To>(static_cast<const From*>(x)[i * in_step]);
        }
      };
      return ok();
    });
  });
  HONE_CHECK(status.ok());
  return block;
}

class PreparedCast final : public PreparedStep {
 public:
  explicit PreparedCast(const PrepareArgs& args)
      : loops_(make_loops(args)),
        block_(cast_block(args.inputs[0].dtype, args.outputs[0].dtype)),
        in_size_(static_cast<int64_t>(dtype_size(args.inputs[0].dtype))),
        out_size_(static_cast<int64_t>(dtype_size(args.outputs[0].dtype))),
        empty_(args.outputs[0].num_elements() == 0) {}

  Status run(const StepContext& context) const override {
    if (empty_) return ok();
    const auto* in = static_cast<const std::byte*>(context.inputs[0]);
    auto* out = static_cast<std::byte*>(context.outputs[0]);
    ThreadPool::global().parallel_for(
        context.threads, loops_.blocks(), [&](int64_t begin, int64_t end, int) {
          loops_.run(begin, end, [&](const int64_t* offsets, int64_t n) {
            block_(in + offsets[1] * in_size_, loops_.step(1), n, out + offsets[0] * out_size_,
                   loops_.step(0));
          });
        });
    return ok();
  }

 private:
  StridedLoops loops_;
  CastBlock block_;
  int64_t in_size_, out_size_;
  bool empty_;
};

class CastTactic final : public Tactic {
 public:
  const char* name() const override { return "cast"; }
  int version() const override { return 1; }
  const char* op_name() const override { return "Cast"; }
  Verdict can_run(const StepDesc& step, const Target&) const override {
    if (step.out_shape().size() > kMaxRank) return Verdict::no("rank over 8");
    if (!step.epilogue.empty()) return Verdict::no("an epilogue");
    return Verdict::yes();
  }
  std::unique_ptr<PreparedStep> prepare(const PrepareArgs& args) const override {
    return std::make_unique<PreparedCast>(args);
  }
};

}  // namespace

std::unique_ptr<Tactic> make_any_pointwise(const OpDef& op) {
  return std::make_unique<AnyPointwise>(op);
}
std::unique_ptr<Tactic> make_cast() { return std::make_unique<CastTactic>(); }

}  // namespace hone
