// Attention in blocks of queries and keys (kernels/cpu/attention.h).
#include "kernels/cpu/attention.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/thread_pool.h"
#include "ops/attention.h"
#include "tactics/cpu/common.h"
#include "tactics/cpu/cpu_tactics.h"

namespace hone {
namespace {

using cpu::Isa;

enum Operand { kQuery, kKey, kValue, kMask, kOutput, kOperands };

// Heads and batches: everything but tokens and sizes.
struct Heads {
  std::vector<int64_t> sizes;
  std::vector<std::array<int64_t, kOperands>> strides;
  int64_t count = 1;

  std::array<int64_t, kOperands> offsets(int64_t index) const {
    std::array<int64_t, kOperands> at{};
    for (size_t d = sizes.size(); d-- > 0;) {
      const int64_t i = index % sizes[d];
      index /= sizes[d];
      for (size_t k = 0; k < kOperands; ++k) at[k] += i * strides[d][k];
    }
    return at;
  }
};

// As [..., heads, tokens, size].
TensorLayout heads_first(TensorLayout layout, bool tokens_first) {
  if (!tokens_first) return layout;
  std::swap(layout.shape[layout.rank - 2], layout.shape[layout.rank - 3]);
  std::swap(layout.stride[layout.rank - 2], layout.stride[layout.rank - 3]);
  return layout;
}

class PreparedAttention final : public PreparedStep {
 public:
  PreparedAttention(const PrepareArgs& args, Isa isa)
      : threads_(std::max(args.target->threads, 1)) {
    const auto& attributes = args.step->attr<AttentionAttributes>();
    const TensorLayout query = heads_first(args.inputs[0], attributes.query_tokens_first);
    const TensorLayout key = heads_first(args.inputs[1], attributes.key_tokens_first);
    const TensorLayout value = heads_first(args.inputs[2], attributes.value_tokens_first);
    const TensorLayout output = heads_first(args.outputs[0], attributes.output_tokens_first);
    const int rank = query.rank;
    cpu::AttentionProblem p;
    p.query_tokens = query.shape[rank - 2];
    p.key_tokens = key.shape[rank - 2];
    p.size = query.shape[rank - 1];
    p.value_size = value.shape[rank - 1];
    p.query_stride = query.stride[rank - 2];
    p.key_stride = key.stride[rank - 2];
    p.value_stride = value.stride[rank - 2];
    p.output_stride = output.stride[rank - 2];
    p.scale = static_cast<float>(attributes.scale);
    p.masked_value = static_cast<float>(attributes.masked_value);
    p.zero_masked = attributes.zero_masked;
    int64_t mask[kMaxRank] = {};
    has_mask_ = args.inputs.size() > 3;
    if (has_mask_) {
      int64_t scores[kMaxRank];
      std::copy(query.shape, query.shape + rank, scores);
      scores[rank - 1] = p.key_tokens;
      broadcast_strides(args.inputs[3], rank, scores, mask);
      p.mask = args.inputs[3].dtype == DataType::f32 ? cpu::AttentionMask::kAdd
                                                     : cpu::AttentionMask::kSelect;
      p.mask_row_stride = mask[rank - 2];
      p.mask_column_stride = mask[rank - 1];
      mask_bytes_ = static_cast<int64_t>(dtype_size(args.inputs[3].dtype));
    }
    for (int i = 0; i + 2 < rank; ++i) {
      heads_.sizes.push_back(query.shape[i]);
      heads_.strides.push_back(
          {query.stride[i], key.stride[i], value.stride[i], mask[i], output.stride[i]});
      heads_.count *= query.shape[i];
    }
    attention_ = cpu::prepare_attention(p, isa);
    empty_ = args.outputs[0].num_elements() == 0;
    packed_bytes_ = round_up_to_line(static_cast<size_t>(attention_.packed_floats) * sizeof(float));
    scratch_bytes_ =
        round_up_to_line(static_cast<size_t>(attention_.scratch_floats) * sizeof(float));
    // Whole heads per thread where they divide well: what is packed stays in the thread's L2.
    by_head_ = heads_.count % threads_ == 0 || heads_.count >= 4 * threads_;
  }

  size_t workspace_bytes() const override {
    if (empty_) return 0;
    const auto packed = static_cast<size_t>(by_head_ ? threads_ : heads_.count);
    return packed * packed_bytes_ + static_cast<size_t>(threads_) * scratch_bytes_;
  }

  Status run(const StepContext& context) const override {
    if (empty_) return ok();
    ThreadPool& pool = ThreadPool::global();
    const int threads = std::min(context.threads, threads_);
    if (by_head_) {
      pool.parallel_for(threads, heads_.count, [&](int64_t begin, int64_t end, int worker) {
        for (int64_t head = begin; head < end; ++head) {
          pack(context, head, worker);
          attend(context, head, worker, worker, 0, attention_.blocks);
        }
      });
      return ok();
    }
    pool.parallel_for(threads, heads_.count, [&](int64_t begin, int64_t end, int) {
      for (int64_t head = begin; head < end; ++head) pack(context, head, head);
    });
    const int64_t blocks = attention_.blocks;
    pool.parallel_for(threads, heads_.count * blocks, [&](int64_t begin, int64_t end, int worker) {
      for (int64_t i = begin; i < end; ++i) {
        attend(context, i / blocks, i / blocks, worker, i % blocks, i % blocks + 1);
      }
    });
    return ok();
  }

 private:
  float* packed(const StepContext& context, int64_t slot) const {
    return reinterpret_cast<float*>(context.workspace + static_cast<size_t>(slot) * packed_bytes_);
  }
  void pack(const StepContext& context, int64_t head, int64_t slot) const {
    const auto at = heads_.offsets(head);
    cpu::pack_attention(attention_, static_cast<const float*>(context.inputs[kKey]) + at[kKey],
                        static_cast<const float*>(context.inputs[kValue]) + at[kValue],
                        packed(context, slot));
  }
  void attend(const StepContext& context, int64_t head, int64_t slot, int worker, int64_t first,
              int64_t last) const {
    const auto at = heads_.offsets(head);
    const auto* mask =
        has_mask_ ? static_cast<const char*>(context.inputs[kMask]) + at[kMask] * mask_bytes_
                  : nullptr;
    const auto slots = static_cast<size_t>(by_head_ ? threads_ : heads_.count);
    auto* scratch = reinterpret_cast<float*>(context.workspace + slots * packed_bytes_ +
                                             static_cast<size_t>(worker) * scratch_bytes_);
    cpu::attend(attention_, static_cast<const float*>(context.inputs[kQuery]) + at[kQuery],
                packed(context, slot), mask, static_cast<float*>(context.outputs[0]) + at[kOutput],
                scratch, first, last);
  }

  cpu::Attention attention_;
  Heads heads_;
  int threads_;
  int64_t mask_bytes_ = 0;
  bool has_mask_ = false, by_head_ = false, empty_ = false;
  size_t packed_bytes_ = 0, scratch_bytes_ = 0;
};

class AttentionTactic final : public Tactic {
 public:
  explicit AttentionTactic(Isa isa)
      : isa_(isa), name_(fmt::format("attention_{}", isa_name(isa))) {}
  const char* name() const override { return name_.c_str(); }
  int version() const override { return 2; }
  const char* op_name() const override { return "Attention"; }
  Verdict can_run(const StepDesc& step, const Target& target) const override {
    if (const Verdict verdict = target_has(target, isa_); !verdict.ok()) return verdict;
    if (!step.epilogue.empty()) return Verdict::no("an epilogue");
    if (step.in_shape(0).size() > kMaxRank) return Verdict::no("rank over 8");
    for (size_t i = 0; i < step.inputs.size(); ++i) {
      const DataType dtype = step.inputs[i].type.dtype;
      if (dtype == DataType::f32 || (i == kMask && dtype == DataType::boolean)) continue;
      return Verdict::no(fmt::format("input {} is {}", i, dtype_name(dtype)));
    }
    return Verdict::yes();
  }
  std::unique_ptr<PreparedStep> prepare(const PrepareArgs& args) const override {
    return std::make_unique<PreparedAttention>(args, isa_);
  }

 private:
  Isa isa_;
  std::string name_;
};

}  // namespace

std::unique_ptr<Tactic> make_attention(cpu::Isa isa) {
  return std::make_unique<AttentionTactic>(isa);
}

}  // namespace hone
