// Every tactic against the reference: all configurations, dense and strided tensors, 1 and 2
// threads, guard pages behind (1 thread) or before (2 threads) every tensor.
#include "tactics/tactic.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "kernels/cpu/kernel_test_util.h"
#include "tactics/any_problems_test.h"
#include "tactics/selection_test_util.h"
#include "tactics/spatial_problems_test.h"
#include "tactics/tactic_test_util.h"

namespace hone {
namespace {

// One stored tensor between guard pages, with room between its rows if asked for.
class Stored {
 public:
  Stored(const Tensor& tensor, bool strided, const Halo& halo, bool at_end) {
    layout_.dtype = tensor.dtype();
    layout_.rank = tensor.rank();
    int64_t stride = 1, origin = 0;
    for (int i = layout_.rank - 1; i >= 0; --i) {
      layout_.shape[i] = tensor.dim(i);
      if (!halo.empty()) {
        layout_.halo_before[i] = halo.before[i];
        layout_.halo_after[i] = halo.after[i];
      } else if (strided && i == layout_.rank - 1 && layout_.rank > 1) {
        layout_.halo_after[i] = 3;  // the tensor is a slice of a wider one
      }
      layout_.stride[i] = stride;
      origin += layout_.halo_before[i] * stride;
      stride *=
          std::max<int64_t>(layout_.shape[i] + layout_.halo_before[i] + layout_.halo_after[i], 1);
    }
    size_ = static_cast<int64_t>(dtype_size(layout_.dtype));
    buffer_ = std::make_unique<cpu::GuardedBuffer<char>>(stride * size_, at_end);
    std::memset(buffer_->data(), 0x7f,
                static_cast<size_t>(stride * size_));  // NaN-like: must never be used
    element0_ = buffer_->data() + origin * size_;
    for_each([&](int64_t dense, int64_t stored) {
      std::memcpy(element0_ + stored * size_,
                  static_cast<const char*>(tensor.raw()) + dense * size_,
                  static_cast<size_t>(size_));
    });
  }

  const TensorLayout& layout() const { return layout_; }
  void* element0() const { return element0_; }
  Tensor dense() const {
    Tensor tensor = Tensor::zeros(layout_.dtype, {layout_.shape, layout_.shape + layout_.rank});
    auto* out = static_cast<char*>(tensor.mutable_raw());
    for_each([&](int64_t dense, int64_t stored) {
      std::memcpy(out + dense * size_, element0_ + stored * size_, static_cast<size_t>(size_));
    });
    return tensor;
  }

 private:
  template <class F>
  void for_each(F&& f) const {
    const int64_t count = layout_.num_elements();
    for (int64_t i = 0; i < count; ++i) {
      int64_t rest = i, stored = 0;
      for (int d = layout_.rank - 1; d >= 0; --d) {
        stored += rest % layout_.shape[d] * layout_.stride[d];
        rest /= layout_.shape[d];
      }
      f(i, stored);
    }
  }

  TensorLayout layout_;
  int64_t size_ = 4;
  std::unique_ptr<cpu::GuardedBuffer<char>> buffer_;
  char* element0_ = nullptr;
};

// Takes the outputs of steps that find out their sizes.
class Found final : public OutputSink {
 public:
  explicit Found(const StepDesc& step) : step_(step), tensors_(step.outputs.size()) {}
  Status allocate(size_t output, std::span<const int64_t> shape, void** data) override {
    tensors_[output] =
        Tensor::zeros(step_.outputs[output].type.dtype, {shape.begin(), shape.end()});
    *data = tensors_[output].mutable_raw();
    return ok();
  }
  const std::vector<Tensor>& tensors() const { return tensors_; }

 private:
  const StepDesc& step_;
  std::vector<Tensor> tensors_;
};

Target test_target() { return {CpuFeatures::detected(), 2}; }

std::vector<Problem> all_problems(unsigned seed) {
  std::vector<Problem> problems = test_problems(seed);
  for (auto* more : {any_problems, spatial_problems, selection_problems}) {
    for (Problem& problem : more(seed)) problems.push_back(std::move(problem));
  }
  return problems;
}

// Runs a prepared step and returns its outputs as dense tensors.
std::vector<Tensor> run(const Tactic& tactic, const Problem& problem, const Config& config,
                        bool strided, int threads) {
  const StepDesc& step = problem.step;
  const Target target = test_target();
  const StorageWish wish = tactic.storage(step, config);
  std::vector<std::unique_ptr<Stored>> inputs, outputs;
  std::vector<TensorLayout> in_layouts, out_layouts;
  std::vector<const void*> in_pointers, constants;
  std::vector<void*> out_pointers;
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    const bool has_wish = strided && i < wish.input_halo.size();
    const bool can_stride = strided && !step.inputs[i].is_constant && problem.may_stride;
    inputs.push_back(std::make_unique<Stored>(
        problem.tensors[i], can_stride, has_wish ? wish.input_halo[i] : Halo(), threads == 1));
    in_layouts.push_back(inputs.back()->layout());
    in_pointers.push_back(inputs.back()->element0());
    constants.push_back(step.inputs[i].is_constant ? inputs.back()->element0() : nullptr);
  }
  for (const OperandDesc& output : step.outputs) {
    const Tensor blank = Tensor::zeros(output.type.dtype, *to_static(output.type.shape));
    outputs.push_back(
        std::make_unique<Stored>(blank, strided && problem.may_stride, Halo(), threads == 1));
    out_layouts.push_back(outputs.back()->layout());
    out_pointers.push_back(outputs.back()->element0());
  }
  std::vector<std::byte> packed(tactic.packed_bytes(step, target, config));
  tactic.pack_weights(step, target, config, packed.data());
  for (size_t i : tactic.replaced_inputs(step)) in_pointers[i] = nullptr;
  PrepareArgs args;
  args.step = &step;
  args.target = &target;
  args.config = config;
  args.inputs = in_layouts;
  args.outputs = out_layouts;
  args.packed = packed.data();
  args.packed_bytes = packed.size();
  args.constants = constants;
  const auto prepared = tactic.prepare(args);
  cpu::GuardedBuffer<char> workspace(
      static_cast<int64_t>((prepared->workspace_bytes() + 63) / 64 * 64), true);
  StepContext context;
  context.inputs = in_pointers.data();
  context.outputs = out_pointers.data();
  context.workspace = reinterpret_cast<std::byte*>(workspace.data());
  context.threads = threads;
  Found found(step);
  if (step.sizes_outputs) {
    context.outputs = nullptr;
    context.sink = &found;
  }
  for (int repeat = 0; repeat < 2; ++repeat) {  // a second run must not depend on the first
    const Status status = prepared->run(context);
    EXPECT_TRUE(status.ok()) << status.message();
  }
  if (step.sizes_outputs) return found.tensors();
  std::vector<Tensor> results;
  for (const auto& output : outputs) results.push_back(output->dense());
  return results;
}

void expect_close(const Tensor& actual, const Tensor& expected, double bound) {
  ASSERT_EQ(actual.shape(), expected.shape());
  if (actual.dtype() != DataType::f32) {
    EXPECT_TRUE(actual == expected);
    return;
  }
  for (int64_t i = 0; i < actual.num_elements(); ++i) {
    const double a = actual.data<float>()[i], e = expected.data<float>()[i];
    if (std::isnan(e) || std::isinf(e)) {
      ASSERT_TRUE(std::isnan(e) ? std::isnan(a) : a == e) << i;
    } else {
      ASSERT_LE(std::abs(a - e), bound * std::max(1.0, std::abs(e))) << "element " << i;
    }
  }
}

// What a tactic's results may differ by, relative to max(1, |expected|). Winograd needs a bound of
// its own: its largest error is about twice that of direct convolution (kernels/cpu/winograd.h),
// whose worst case is one rounding of the sum of magnitudes for each of its terms. The kernel's own
// test is sharper.
double bound_of(const Problem& problem, const Tactic& tactic) {
  if (!std::string_view(tactic.name()).starts_with("conv_winograd")) return problem.bound;
  std::vector<Tensor> magnitudes;
  for (size_t i = 0; i < problem.step.num_root_inputs(); ++i) {
    magnitudes.push_back(problem.tensors[i].clone());
    auto* values = magnitudes.back().mutable_data<float>();
    for (int64_t k = 0; k < magnitudes.back().num_elements(); ++k) values[k] = std::abs(values[k]);
  }
  const auto sums = evaluate_reference(*problem.step.op, problem.step.attributes, {}, magnitudes);
  const auto all = sums.value()[0].as_doubles();
  double largest = 0;
  for (double sum : *all) largest = std::max(largest, sum);
  const std::vector<int64_t>& weights = problem.tensors[1].shape();  // [O, 3, 3, I]
  const auto terms = static_cast<double>(weights[1] * weights[2] * weights[3]);
  return 2 * terms * 0x1p-24 * largest;
}

TEST(Tactics, MatchTheReference) {
  std::set<std::string> ran;
  const std::vector<Problem> problems = all_problems(cpu::test_seed());
  for (const Problem& problem : problems) {
    SCOPED_TRACE(problem.name);
    auto expected = evaluate_reference(*problem.step.op, problem.step.attributes,
                                       problem.step.epilogue, problem.tensors);
    ASSERT_TRUE(expected.ok()) << expected.status().message();
    for (const Tactic* tactic : all_tactics()) {
      if (tactic == &reference_tactic() ||
          std::string_view(tactic->op_name()) != problem.step.op->name)
        continue;
      if (!can_run_step(*tactic, problem.step, test_target()).ok()) continue;
      ran.insert(tactic->name());
      const auto configs = tactic->candidates(problem.step, test_target());
      ASSERT_FALSE(configs.empty());
      for (const Config& config : configs) {
        SCOPED_TRACE(fmt::format("{} '{}'", tactic->name(), config));
        ASSERT_TRUE(tactic->valid_config(problem.step, test_target(), config));
        for (const bool strided : {false, true}) {
          SCOPED_TRACE(strided ? "strided" : "dense");
          const auto one = run(*tactic, problem, config, strided, 1);
          const auto two = run(*tactic, problem, config, strided, 2);
          for (size_t i = 0; i < one.size(); ++i) {
            expect_close(one[i], (*expected)[i], bound_of(problem, *tactic));
            EXPECT_TRUE(one[i] == two[i]) << "1 and 2 threads differ";
          }
          if (HasFatalFailure()) return;
        }
      }
    }
  }
  for (const Tactic* tactic : all_tactics()) {
    if (tactic == &reference_tactic() || ran.count(tactic->name())) continue;
    const std::string name = tactic->name();
    if (name.find("avx512") != std::string::npos &&
        !test_target().features.contains(features_of("avx512")))
      continue;
    if (name.find("avx2") != std::string::npos &&
        !test_target().features.contains(features_of("avx2")))
      continue;
    ADD_FAILURE() << "no test problem runs " << name;
  }
  if (!test_target().features.contains(features_of("avx512"))) {
    fmt::print("[ SKIPPED  ] avx512 tactics: this CPU has no AVX-512\n");
  }
}

TEST(Tactics, NamesAreUniqueAndReferenceIsLast) {
  std::set<std::string> names;
  for (const Tactic* tactic : all_tactics()) {
    EXPECT_TRUE(names.insert(tactic->name()).second) << tactic->name();
    EXPECT_EQ(find_tactic(tactic->name()), tactic);
  }
  EXPECT_EQ(all_tactics().back(), &reference_tactic());
}

TEST(Tactics, RefuseForeignConfigurations) {
  const auto problems = all_problems(1);
  for (const Tactic* tactic : all_tactics()) {
    for (const Problem& problem : problems) {
      if (std::string_view(tactic->op_name()) != problem.step.op->name) continue;
      if (!can_run_step(*tactic, problem.step, test_target()).ok()) continue;
      for (const char* config : {"rows=0", "rows=99 vectors=2", "rows=6 vectors=9", "x", "rows=-1",
                                 "tile=3 rows=6", "rows=999999999999999999999", "=", " "}) {
        EXPECT_FALSE(tactic->valid_config(problem.step, test_target(), config))
            << tactic->name() << config;
      }
    }
  }
}

}  // namespace
}  // namespace hone
