// Activations of register tiles against the elementwise kernels, which math_test.cc checks: the
// same bits, over all widths, and nothing else is written.
#include "kernels/cpu/activation.h"

#include <cstring>

#include "kernels/cpu/gemm.h"
#include "kernels/cpu/kernel_test_util.h"

namespace hone::cpu {
namespace {

PointwiseProgram unary(PointwiseFn fn) {
  PointwiseProgram program;
  program.num_inputs = 1;
  program.add(fn, 0);
  return program;
}

PointwiseProgram silu() {
  PointwiseProgram program;
  program.num_inputs = 1;
  const int sigmoid = program.add(PointwiseFn::kSigmoid, 0);
  program.add(PointwiseFn::kMul, 0, sigmoid);
  return program;
}

std::vector<PointwiseProgram> known_programs() {
  return {unary(PointwiseFn::kGelu),
          unary(PointwiseFn::kGeluTanh),
          unary(PointwiseFn::kSigmoid),
          unary(PointwiseFn::kTanh),
          unary(PointwiseFn::kMish),
          unary(PointwiseFn::kHardSwish),
          silu()};
}

TEST(ActivationTest, SameBitsAsPointwise) {
  std::mt19937 rng(1);
  std::uniform_real_distribution<float> value(-8, 8);
  for (Isa isa : testable_isas()) {
    for (const PointwiseProgram& program : known_programs()) {
      const TileActivation activation = tile_activation(program, isa);
      ASSERT_NE(activation, nullptr) << pointwise_name(program.instrs[0].fn);
      for (int64_t channels = 1; channels <= 48; ++channels) {
        constexpr int kRows = 5;
        const int64_t stride = channels + 3;
        const int64_t size = kRows * stride - 3;
        GuardedBuffer<float> data(size, true);
        for (int64_t i = 0; i < size; ++i) data.data()[i] = value(rng);
        data.data()[0] = NAN;
        std::vector<float> want(data.data(), data.data() + size);
        const int64_t rows[kRows] = {3 * stride, stride, 0, 4 * stride, 2 * stride};
        const PointwiseOperand operand{want.data(), stride, 1};
        pointwise_kernel(isa)(program, kRows, channels, want.data(), stride, &operand);
        activation(data.data(), rows, kRows, channels);
        EXPECT_EQ(std::memcmp(data.data(), want.data(), want.size() * sizeof(float)), 0)
            << pointwise_name(program.instrs[0].fn) << " " << channels;
      }
    }
  }
}

// Runs a product in which every tile is there: whole and last, one and several k blocks.
std::vector<float> product(const ConvConfig& config, Isa isa, const std::vector<float>& a,
                           const std::vector<float>& b, TileActivation activation) {
  GemmProblem p;
  p.m = 29, p.n = 57, p.k = 70;
  p.lda = p.k, p.ldc = p.n;
  std::vector<float> packed(static_cast<size_t>(packed_b_bytes(p, config, isa)) / 4);
  pack_b(p, config, isa, b.data(), {p.n, false}, packed.data());
  std::vector<float> c(static_cast<size_t>(p.m * p.n));
  ConvPointers at;
  at.input = a.data(), at.packed = packed.data(), at.output = c.data();
  at.activation = activation;
  const Conv conv = prepare_gemm(p, config, isa);
  run_conv(conv, at, 0, conv.items);
  return c;
}

TEST(ActivationTest, AppliedOnceToEveryOutput) {
  std::mt19937 rng(2);
  std::uniform_real_distribution<float> value(-1, 1);
  std::vector<float> a(29 * 70), b(70 * 57);
  for (float& x : a) x = value(rng);
  for (float& x : b) x = value(rng);
  for (Isa isa : testable_isas()) {
    const TileActivation activation = tile_activation(unary(PointwiseFn::kGelu), isa);
    for (LoopOrder order : {LoopOrder::kTilesOutside, LoopOrder::kPanelsOutside}) {
      for (int64_t k_block : {0, 32}) {
        const ConvConfig config{4, 3, order, k_block, 4, false};
        std::vector<float> want = product(config, isa, a, b, nullptr);
        const int64_t row = 0;
        activation(want.data(), &row, 1, static_cast<int64_t>(want.size()));
        const std::vector<float> got = product(config, isa, a, b, activation);
        EXPECT_EQ(std::memcmp(got.data(), want.data(), want.size() * sizeof(float)), 0);
      }
    }
  }
}

TEST(ActivationTest, OtherProgramsHaveNone) {
  PointwiseProgram scaled = unary(PointwiseFn::kGelu);
  scaled.num_inputs = 2;
  EXPECT_NE(tile_activation(scaled, Isa::kPortable), nullptr);  // the other input is not read
  PointwiseProgram of_other;
  of_other.num_inputs = 2;
  of_other.add(PointwiseFn::kGelu, 1);
  EXPECT_EQ(tile_activation(of_other, Isa::kPortable), nullptr);
  PointwiseProgram two = unary(PointwiseFn::kGelu);
  two.add(PointwiseFn::kTanh, 1);
  EXPECT_EQ(tile_activation(two, Isa::kPortable), nullptr);
  EXPECT_EQ(tile_activation(unary(PointwiseFn::kExp), Isa::kPortable), nullptr);
  EXPECT_EQ(tile_activation(PointwiseProgram(), Isa::kPortable), nullptr);
}

}  // namespace
}  // namespace hone::cpu
