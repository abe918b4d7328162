// MatMul by the register tiles of the convolution kernels (kernels/cpu/gemm.h): with constant
// weights packed once, or with both matrices made at run time (then with vectors and a transposed
// first matrix, too).
#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "base/thread_pool.h"
#include "kernels/cpu/copy.h"
#include "kernels/cpu/gemm.h"
#include "ops/linear.h"
#include "tactics/cpu/conv_config_text.h"
#include "tactics/cpu/conv_problem.h"
#include "tactics/cpu/cpu_tactics.h"
#include "tactics/cpu/matmul_operands.h"

namespace hone {
namespace {

using cpu::ConvConfig;
using cpu::Isa;

Verdict matmul_basics(const StepDesc& step) {
  if (const Verdict verdict = all_f32(step); !verdict.ok()) return verdict;
  return can_fuse_epilogue(step);
}

// One matrix product per index of the leading dimensions; as many of them as possible become rows.
struct Batches {
  int64_t count = 1;                            // products
  int64_t rows = 1;                             // of each
  int64_t row_stride[3] = {0, 0, 0};            // a, output, addend
  std::vector<int64_t> sizes;                   // leading dimensions that stay
  std::vector<std::array<int64_t, 4>> strides;  // of each: a, output, addend, b

  // Offsets of product `index`.
  void offsets(int64_t index, int64_t* out) const {
    std::fill(out, out + 4, 0);
    for (size_t d = sizes.size(); d-- > 0;) {
      const int64_t i = index % sizes[d];
      index /= sizes[d];
      for (int k = 0; k < 4; ++k) out[k] += i * strides[d][static_cast<size_t>(k)];
    }
  }
};

Batches make_batches(const PrepareArgs& args, int addend, bool b_is_shared) {
  const TensorLayout& out = args.outputs[0];
  const int leading = out.rank - 2;
  int64_t a[kMaxRank], b[kMaxRank], extra[kMaxRank] = {};
  // Leading dimensions of both operands broadcast to the output's.
  const auto leading_strides = [&](const TensorLayout& layout, int64_t* strides) {
    TensorLayout head = layout;
    head.rank = layout.rank - 2;
    broadcast_strides(head, leading, out.shape, strides);
  };
  leading_strides(args.inputs[0], a);
  leading_strides(args.inputs[1], b);
  if (addend >= 0) leading_strides(args.inputs[static_cast<size_t>(addend)], extra);
  const TensorLayout* addend_layout =
      addend >= 0 ? &args.inputs[static_cast<size_t>(addend)] : nullptr;
  Batches batches;
  batches.rows = out.shape[out.rank - 2];
  batches.row_stride[0] = args.inputs[0].stride[args.inputs[0].rank - 2];
  batches.row_stride[1] = out.stride[out.rank - 2];
  batches.row_stride[2] = addend_layout ? addend_layout->stride[addend_layout->rank - 2] : 0;
  int d = leading - 1;
  for (; d >= 0 && b_is_shared; --d) {
    const bool collapses = a[d] == batches.rows * batches.row_stride[0] &&
                           out.stride[d] == batches.rows * batches.row_stride[1] &&
                           (!addend_layout || extra[d] == batches.rows * batches.row_stride[2]);
    if (!collapses && out.shape[d] != 1) break;
    batches.rows *= out.shape[d];
  }
  for (int i = 0; i <= d; ++i) {
    batches.sizes.push_back(out.shape[i]);
    batches.strides.push_back({a[i], out.stride[i], extra[i], b[i]});
    batches.count *= out.shape[i];
  }
  return batches;
}

// The shared half of both prepared steps.
class PreparedMatMul : public PreparedStep {
 public:
  PreparedMatMul(const PrepareArgs& args, const ConvConfig& config, Isa isa, bool b_is_shared)
      : epilogue_(split_epilogue(*args.step)), operands_(as_matrices(args, epilogue_.addend)) {
    batches_ = make_batches(operands_.args, epilogue_.addend, b_is_shared);
    const TensorLayout &a = operands_.inputs[0], &out = operands_.outputs[0];
    problem_.m = batches_.rows;
    problem_.n = out.shape[out.rank - 1];
    problem_.k = a.shape[a.rank - 1];
    problem_.lda = operands_.flipped_a ? problem_.k : batches_.row_stride[0];
    problem_.ldc = batches_.row_stride[1];
    problem_.has_addend = epilogue_.addend >= 0;
    problem_.ld_addend = batches_.row_stride[2];
    gemm_ = cpu::prepare_gemm(problem_, config, isa);
    rest_.prepare(epilogue_, args, isa);
  }

 protected:
  // Pointers of product `index`; `call` must live as long as they are used.
  cpu::ConvPointers pointers(const StepContext& context, int64_t index, const float* packed,
                             EpilogueRest::Call* call) const {
    int64_t offset[4];
    batches_.offsets(index, offset);
    cpu::ConvPointers p;
    p.input = static_cast<const float*>(context.inputs[0]) + offset[0];
    p.packed = packed;
    p.output = static_cast<float*>(context.outputs[0]) + offset[1];
    set_epilogue(epilogue_, context, &p);
    if (p.addend) p.addend += offset[2];
    call->first_pixel = index * batches_.rows;
    rest_.attach(context, call, &p);
    return p;
  }

  FusedEpilogue epilogue_;
  MatrixArgs operands_;
  Batches batches_;
  cpu::GemmProblem problem_;
  cpu::Conv gemm_;
  EpilogueRest rest_;
};

class PreparedPacked final : public PreparedMatMul {
 public:
  PreparedPacked(const PrepareArgs& args, const ConvConfig& config, Isa isa)
      : PreparedMatMul(args, config, isa, true),
        packed_(reinterpret_cast<const float*>(args.packed)) {}

  Status run(const StepContext& context) const override {
    for (int64_t i = 0; i < batches_.count; ++i) {
      EpilogueRest::Call call;
      const cpu::ConvPointers p = pointers(context, i, packed_, &call);
      ThreadPool::global().parallel_for(
          context.threads, gemm_.items,
          [&](int64_t begin, int64_t end, int) { cpu::run_conv(gemm_, p, begin, end); });
    }
    return ok();
  }

 private:
  const float* packed_;
};

class MatMulPacked final : public Tactic {
 public:
  explicit MatMulPacked(Isa isa)
      : isa_(isa), name_(fmt::format("matmul_packed_{}", isa_name(isa))) {}

  const char* name() const override { return name_.c_str(); }
  int version() const override { return 2; }
  const char* op_name() const override { return "MatMul"; }

  Verdict can_run(const StepDesc& step, const Target& target) const override {
    if (const Verdict verdict = target_has(target, isa_); !verdict.ok()) return verdict;
    if (const Verdict verdict = matmul_basics(step); !verdict.ok()) return verdict;
    if (step.attr<MatMulAttributes>().transpose_a)
      return Verdict::no("the first matrix is transposed");
    if (const Verdict verdict = can_be_matrices(step); !verdict.ok()) return verdict;
    if (!step.inputs[1].is_constant) return Verdict::no("the second matrix is not constant");
    if (step.in_shape(1).size() != 2 || !is_static(step.in_shape(1))) {
      return Verdict::no("the second operand is not one matrix");
    }
    for (const Dim& dim : step.in_shape(1)) {
      if (dim.value() == 0) return Verdict::no("empty weights");
    }
    return Verdict::yes();
  }
  std::vector<Config> candidates(const StepDesc& step, const Target&) const override {
    cpu::GemmProblem problem = gemm_problem(step);
    // Rows of all leading dimensions, which collapse where the input is dense.
    for (size_t i = 0; i + 2 < step.in_shape(0).size(); ++i) {
      if (step.in_shape(0)[i].is_const())
        problem.m *= std::max<int64_t>(step.in_shape(0)[i].value(), 1);
    }
    std::vector<Config> configs;
    for (const ConvConfig& config : cpu::candidates(problem, isa_, cpu_info().l2_bytes)) {
      configs.push_back(conv_config_text(config));
    }
    return configs;
  }
  bool may_overwrite(const StepDesc& step, size_t i) const override {
    return output_may_replace_addend(step, i);
  }
  std::string packing_key(const StepDesc&, const Config& config) const override {
    return conv_packing_key(config);
  }
  size_t packed_bytes(const StepDesc& step, const Target&, const Config& config) const override {
    return static_cast<size_t>(
        cpu::packed_b_bytes(gemm_problem(step), *parse_conv_config(config), isa_));
  }
  std::vector<size_t> replaced_inputs(const StepDesc&) const override { return {1}; }
  void pack_weights(const StepDesc& step, const Target&, const Config& config,
                    std::byte* packed) const override {
    const cpu::GemmProblem problem = gemm_problem(step);
    const bool transposed = step.attr<MatMulAttributes>().transpose_b;
    cpu::pack_b(problem, *parse_conv_config(config), isa_, step.inputs[1].constant->data<float>(),
                {transposed ? problem.k : problem.n, transposed}, reinterpret_cast<float*>(packed));
  }
  bool valid_config(const StepDesc&, const Target&, const Config& config) const override {
    return valid_conv_config(config, isa_);
  }
  std::unique_ptr<PreparedStep> prepare(const PrepareArgs& args) const override {
    return std::make_unique<PreparedPacked>(args, *parse_conv_config(args.config), isa_);
  }

 private:
  Isa isa_;
  std::string name_;
};

// Packs the second matrix of each product in every run, and turns a transposed first one round.
class PreparedDynamic final : public PreparedMatMul {
 public:
  PreparedDynamic(const PrepareArgs& args, const ConvConfig& config, Isa isa)
      : PreparedMatMul(args, config, isa, false),
        threads_(args.target->threads),
        config_(config),
        isa_(isa) {
    const TensorLayout& b = operands_.inputs[1];
    layout_ = {b.stride[b.rank - 2], operands_.transpose_b};
    packed_bytes_ =
        round_up_to_line(static_cast<size_t>(cpu::packed_b_bytes(problem_, config, isa)));
    slot_bytes_ = packed_bytes_;
    if (operands_.flipped_a) {
      slot_bytes_ += round_up_to_line(static_cast<size_t>(problem_.m * problem_.k) * sizeof(float));
    }
  }
  size_t workspace_bytes() const override { return slot_bytes_ * static_cast<size_t>(threads_); }

  Status run(const StepContext& context) const override {
    if (gemm_.items == 0) return ok();
    const int threads = std::min(context.threads, threads_);
    if (batches_.count >= threads) {
      ThreadPool::global().parallel_for(threads, batches_.count,
                                        [&](int64_t begin, int64_t end, int worker) {
                                          for (int64_t i = begin; i < end; ++i)
                                            multiply(context, i, worker);
                                        });
      return ok();
    }
    for (int64_t i = 0; i < batches_.count; ++i) {
      EpilogueRest::Call call;
      float* packed = slot(context, 0);
      const cpu::ConvPointers p = operands(context, i, 0, &call);
      cpu::pack_b(problem_, config_, isa_, b_matrix(context, i), layout_, packed);
      ThreadPool::global().parallel_for(threads, gemm_.items, [&](int64_t begin, int64_t end, int) {
        cpu::run_conv(gemm_, p, begin, end);
      });
    }
    return ok();
  }

 private:
  float* slot(const StepContext& context, int worker) const {
    return reinterpret_cast<float*>(context.workspace + slot_bytes_ * static_cast<size_t>(worker));
  }
  const float* b_matrix(const StepContext& context, int64_t index) const {
    int64_t offset[4];
    batches_.offsets(index, offset);
    return static_cast<const float*>(context.inputs[1]) + offset[3];
  }
  cpu::ConvPointers operands(const StepContext& context, int64_t index, int worker,
                             EpilogueRest::Call* call) const {
    float* packed = slot(context, worker);
    cpu::ConvPointers p = pointers(context, index, packed, call);
    if (operands_.flipped_a) {
      const TensorLayout& a = operands_.inputs[0];
      float* turned = packed + packed_bytes_ / sizeof(float);
      const int64_t shape[] = {problem_.m, problem_.k}, dense[] = {problem_.k, 1};
      cpu::copy_strided(sizeof(float), 2, shape, turned, dense, p.input, a.stride + a.rank - 2);
      p.input = turned;
    }
    return p;
  }
  void multiply(const StepContext& context, int64_t index, int worker) const {
    EpilogueRest::Call call;
    cpu::multiply(gemm_, operands(context, index, worker, &call), b_matrix(context, index), layout_,
                  slot(context, worker));
  }

  cpu::MatrixLayout layout_;
  int threads_;
  size_t packed_bytes_, slot_bytes_;
  ConvConfig config_;
  Isa isa_;
};

class MatMulDynamic final : public Tactic {
 public:
  explicit MatMulDynamic(Isa isa)
      : isa_(isa), name_(fmt::format("matmul_dynamic_{}", isa_name(isa))) {}

  const char* name() const override { return name_.c_str(); }
  int version() const override { return 2; }
  const char* op_name() const override { return "MatMul"; }

  Verdict can_run(const StepDesc& step, const Target& target) const override {
    if (const Verdict verdict = target_has(target, isa_); !verdict.ok()) return verdict;
    if (const Verdict verdict = matmul_basics(step); !verdict.ok()) return verdict;
    if (const Verdict verdict = can_be_matrices(step); !verdict.ok()) return verdict;
    // Packing in every run never pays where it can be done before; timed beside the other, it was
    // taken when the machine was busy.
    return unless_done_before(*this, step, target);
  }
  std::vector<Config> candidates(const StepDesc& step, const Target&) const override {
    std::vector<Config> configs;
    for (const ConvConfig& config :
         cpu::candidates(gemm_problem(step), isa_, cpu_info().l2_bytes)) {
      configs.push_back(conv_config_text(config));
    }
    if (configs.size() > 3) configs.resize(3);
    return configs;
  }
  bool may_overwrite(const StepDesc& step, size_t i) const override {
    return output_may_replace_addend(step, i);
  }
  std::string packing_key(const StepDesc&, const Config&) const override { return ""; }
  bool valid_config(const StepDesc&, const Target&, const Config& config) const override {
    return valid_conv_config(config, isa_);
  }
  std::unique_ptr<PreparedStep> prepare(const PrepareArgs& args) const override {
    return std::make_unique<PreparedDynamic>(args, *parse_conv_config(args.config), isa_);
  }

 private:
  Isa isa_;
  std::string name_;
};

}  // namespace

std::unique_ptr<Tactic> make_matmul_packed(cpu::Isa isa) {
  return std::make_unique<MatMulPacked>(isa);
}
std::unique_ptr<Tactic> make_matmul_dynamic(cpu::Isa isa) {
  return std::make_unique<MatMulDynamic>(isa);
}

}  // namespace hone
