#include "kernels/cpu/pointwise.h"

#include <cmath>
#include <memory>
#include <string>

#include "kernels/cpu/kernel_test_util.h"

namespace hone::cpu {
namespace {

using Random = std::mt19937;

int below(Random& random, int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); }

float cube_sum(const float* args) { return args[0] * args[0] * args[0] + args[1]; }

const float kNan = std::nanf("");

float random_value(Random& random) {
  switch (below(random, 24)) {
    case 0:
      return 0.0f;
    case 1:
      return -0.0f;
    case 2:
      return INFINITY;
    case 3:
      return kNan;
    case 4:
      return -1.0f;
    default:
      return std::normal_distribution<float>(0, 2)(random);
  }
}

bool same(float a, float b) {
  return std::isnan(a) ? std::isnan(b) : std::memcmp(&a, &b, sizeof(a)) == 0;
}

PointwiseProgram random_program(Random& random) {
  static const float kConstants[] = {0, 1, 2, 0.5f, 6, -1, kNan};
  PointwiseProgram program;
  program.num_inputs = static_cast<uint8_t>(1 + below(random, 4));
  const int constants = 1 + below(random, 4);
  for (int i = 0; i < constants; ++i) program.add_constant(kConstants[below(random, 7)]);
  const int instrs = 1 + below(random, random() % 4 ? 6 : kMaxPointwiseInstrs);
  for (int i = 0; i < instrs; ++i) {
    const int regs = program.num_inputs + program.num_constants + i;
    const auto arg = [&] { return random() % 2 && i > 0 ? regs - 1 : below(random, regs); };
    // Half of the time from what the joined steps are made of.
    static const PointwiseFn kCommon[] = {PointwiseFn::kMul,  PointwiseFn::kAdd,
                                          PointwiseFn::kMax,  PointwiseFn::kMin,
                                          PointwiseFn::kRelu, PointwiseFn::kSigmoid};
    const auto fn =
        random() % 2
            ? kCommon[below(random, 6)]
            : static_cast<PointwiseFn>(below(random, static_cast<int>(PointwiseFn::kCall) + 1));
    if (fn == PointwiseFn::kCall) {
      program.add_call(cube_sum, arg(), arg());
      continue;
    }
    const int arity = pointwise_arity(fn);
    program.add(fn, arg(), arity > 1 ? arg() : -1, arity > 2 ? arg() : -1);
  }
  return program;
}

std::string text_of(const PointwiseProgram& program) {
  std::string text;
  for (int i = 0; i < program.num_instrs; ++i) {
    text += std::string(pointwise_name(program.instrs[i].fn)) + "(";
    for (int k = 0; k < program.instrs[i].arity; ++k) {
      text += std::to_string(program.instrs[i].args[k]) + " ";
    }
    text += ") ";
  }
  return text;
}

// One element, one instruction at a time, through the same kernels: what the program means.
float run_element(PointwiseRun run, const PointwiseProgram& program, const float* inputs) {
  std::vector<float> registers(inputs, inputs + program.num_inputs);
  registers.insert(registers.end(), program.constants, program.constants + program.num_constants);
  for (int i = 0; i < program.num_instrs; ++i) {
    const PointwiseInstr& instr = program.instrs[i];
    PointwiseProgram single;
    PointwiseOperand operands[3];
    const auto is_constant = [&](int reg) {
      return reg >= program.num_inputs && reg < program.num_inputs + program.num_constants;
    };
    for (int k = 0; k < instr.arity; ++k) {
      if (!is_constant(instr.args[k])) {
        operands[single.num_inputs++] = {&registers[instr.args[k]], 0, 1};
      }
    }
    single.num_instrs = 1;
    single.instrs[0] = instr;
    int inputs_seen = 0;
    for (int k = 0; k < instr.arity; ++k) {
      const int reg = instr.args[k];
      int number = inputs_seen;
      if (is_constant(reg)) {
        number = single.num_inputs + single.num_constants;
        single.constants[single.num_constants++] = registers[reg];
      } else {
        ++inputs_seen;
      }
      single.instrs[0].args[k] = static_cast<uint8_t>(number);
    }
    float value;
    run(single, 1, 1, &value, 0, operands);
    registers.push_back(value);
  }
  return registers.back();
}

struct Layout {
  int64_t row_stride, col_stride;
  int64_t extent(int64_t rows, int64_t cols) const {
    return 1 + (rows - 1) * row_stride + (cols - 1) * col_stride;
  }
};

Layout random_layout(Random& random, int64_t cols) {
  switch (below(random, 6)) {
    case 0:
      return {0, 0};
    case 1:
      return {0, 1};
    case 2:
      return {1, 0};
    case 3:
      return {cols + below(random, 5), 1};
    case 4:
      return {3 * cols + 1, 3};
    default:
      return {cols, 1};
  }
}

TEST(Pointwise, ProgramsEqualTheirInstructionsOneByOne) {
  Random random(test_seed());
  for (const Isa isa : testable_isas()) {
    const PointwiseRun run = pointwise_kernel(isa);
    for (int round = 0; round < 300; ++round) {
      const PointwiseProgram program = random_program(random);
      ASSERT_EQ(check_pointwise(program), nullptr);
      const int64_t rows = 1 + below(random, 9);
      const int64_t cols = 1 + (random() % 4 ? below(random, 70) : below(random, 700));
      const bool at_end = random() % 2;
      std::vector<std::unique_ptr<GuardedBuffer<float>>> buffers;
      std::vector<Layout> layouts;
      std::vector<PointwiseOperand> operands;
      for (int i = 0; i < program.num_inputs; ++i) {
        layouts.push_back(random_layout(random, cols));
        buffers.push_back(
            std::make_unique<GuardedBuffer<float>>(layouts[i].extent(rows, cols), at_end));
        for (int64_t k = 0; k < buffers[i]->size(); ++k) (*buffers[i])[k] = random_value(random);
        operands.push_back({buffers[i]->data(), layouts[i].row_stride, layouts[i].col_stride});
      }
      std::vector<float> expected;
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t c = 0; c < cols; ++c) {
          float values[kMaxPointwiseInputs];
          for (int i = 0; i < program.num_inputs; ++i) {
            values[i] = operands[i].data[r * layouts[i].row_stride + c * layouts[i].col_stride];
          }
          expected.push_back(run_element(run, program, values));
        }
      }
      // Into a strided output whose gaps must stay, or in place of the first operand.
      const int64_t out_stride = cols + below(random, 3);
      const bool in_place = layouts[0].col_stride == 1 && layouts[0].row_stride >= cols;
      GuardedBuffer<float> out(cols + (rows - 1) * out_stride, at_end);
      for (int64_t k = 0; k < out.size(); ++k) out[k] = 77;
      run(program, rows, cols, out.data(), out_stride, operands.data());
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t c = 0; c < (r + 1 < rows ? out_stride : cols); ++c) {
          const float want = c < cols ? expected[r * cols + c] : 77;
          ASSERT_TRUE(same(out[r * out_stride + c], want))
              << isa_name(isa) << " round " << round << " [" << r << "][" << c << "] of " << rows
              << "x" << cols << ": " << out[r * out_stride + c] << " not " << want << " in "
              << text_of(program);
        }
      }
      if (!in_place) continue;
      run(program, rows, cols, buffers[0]->data(), layouts[0].row_stride, operands.data());
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t c = 0; c < cols; ++c) {
          ASSERT_TRUE(same(operands[0].data[r * layouts[0].row_stride + c], expected[r * cols + c]))
              << "in place, " << isa_name(isa) << " " << text_of(program);
        }
      }
    }
  }
}

// Rounding of the arithmetic functions is exact; the others are bounded in math_test.cc, here by
// 8 units in the last place of the larger of result and 1e-6.
TEST(Pointwise, EveryFunctionAgreesWithItsScalarForm) {
  Random random(test_seed());
  for (const Isa isa : testable_isas()) {
    for (int f = 0; f < static_cast<int>(PointwiseFn::kCall); ++f) {
      const auto fn = static_cast<PointwiseFn>(f);
      EXPECT_EQ(find_pointwise(pointwise_name(fn)), fn);
      PointwiseProgram program;
      const int arity = pointwise_arity(fn);
      program.num_inputs = static_cast<uint8_t>(arity);
      program.add(fn, 0, arity > 1 ? 1 : -1, arity > 2 ? 2 : -1);
      constexpr int64_t kCount = 999;
      std::vector<float> inputs[3];
      PointwiseOperand operands[3];
      for (int k = 0; k < arity; ++k) {
        for (int i = 0; i < kCount; ++i) inputs[k].push_back(random_value(random));
        operands[k] = {inputs[k].data(), 0, 1};
      }
      std::vector<float> out(kCount);
      pointwise_kernel(isa)(program, 1, kCount, out.data(), 0, operands);
      for (int i = 0; i < kCount; ++i) {
        const float args[3] = {inputs[0][i], arity > 1 ? inputs[1][i] : 0,
                               arity > 2 ? inputs[2][i] : 0};
        const float want = pointwise_scalar(fn, args);
        if (std::isnan(want) || std::isinf(want)) {
          EXPECT_TRUE(same(out[i], want)) << pointwise_name(fn) << " " << args[0] << " " << args[1]
                                          << " " << args[2] << ": " << out[i] << " not " << want;
        } else {
          // 1 + erf and 1 + tanh cancel.
          const bool cancels = fn == PointwiseFn::kGelu || fn == PointwiseFn::kGeluTanh;
          const float magnitude = std::fmax(std::fabs(cancels ? args[0] : want), 1e-6f);
          EXPECT_NEAR(out[i], want, 8 * 6e-8f * magnitude)
              << isa_name(isa) << " " << pointwise_name(fn) << " " << args[0] << " " << args[1];
        }
      }
    }
  }
}

TEST(Pointwise, ConstantExponents) {
  for (const Isa isa : testable_isas()) {
    for (const float exponent : {2.0f, -1.0f, 0.5f, 3.0f}) {
      PointwiseProgram program;
      program.num_inputs = 1;
      program.add(PointwiseFn::kPow, 0, program.add_constant(exponent));
      const float x[] = {0.0f, -0.0f, 1.5f, -1.5f, INFINITY, -INFINITY, kNan, 1e-30f, 3e30f};
      float y[9];
      const PointwiseOperand operand{x, 0, 1};
      pointwise_kernel(isa)(program, 1, 9, y, 0, &operand);
      for (int i = 0; i < 9; ++i) {
        EXPECT_TRUE(same(y[i], std::pow(x[i], exponent)))
            << x[i] << " ^ " << exponent << " " << y[i];
      }
    }
  }
}

TEST(Pointwise, BroadcastLoopsVisitEveryElementOnce) {
  Random random(test_seed());
  const PointwiseRun run = pointwise_kernel(Isa::kPortable);
  PointwiseProgram program;
  program.num_inputs = 2;
  program.add(PointwiseFn::kSub, 0, 1);
  for (int round = 0; round < 300; ++round) {
    const int rank = below(random, 6);
    int64_t shape[6], out_strides[6], strides[2][6];
    int64_t sizes[3] = {1, 1, 1};
    for (int d = rank - 1; d >= 0; --d) {
      shape[d] = 1 + below(random, round % 10 == 0 && d == rank - 1 ? 40000 : 5);
      const bool padded = random() % 3 == 0;
      out_strides[d] = sizes[0];
      sizes[0] *= shape[d] + padded;
      for (int i = 0; i < 2; ++i) {
        const bool broadcast = random() % 3 == 0;
        strides[i][d] = broadcast ? 0 : sizes[1 + i];
        if (!broadcast) sizes[1 + i] *= shape[d];
      }
    }
    std::vector<float> inputs[2], out(sizes[0], 77.0f);
    for (int i = 0; i < 2; ++i) {
      for (int64_t k = 0; k < sizes[1 + i]; ++k) inputs[i].push_back(random_value(random));
    }
    const int64_t* input_strides[2] = {strides[0], strides[1]};
    const PointwiseLoops loops = plan_pointwise_loops(rank, shape, out_strides, 2, input_strides);
    const float* data[2] = {inputs[0].data(), inputs[1].data()};
    const int64_t cut = loops.num_blocks / 3;
    run_pointwise_blocks(run, program, loops, out.data(), data, cut, loops.num_blocks);
    run_pointwise_blocks(run, program, loops, out.data(), data, 0, cut);

    std::vector<float> want(sizes[0], 77.0f);
    int64_t index[6] = {};
    int64_t total = 1;
    for (int d = 0; d < rank; ++d) total *= shape[d];
    for (int64_t n = 0; n < total; ++n) {
      int64_t to = 0, a = 0, b = 0;
      for (int d = 0; d < rank; ++d) {
        to += index[d] * out_strides[d];
        a += index[d] * strides[0][d];
        b += index[d] * strides[1][d];
      }
      want[to] = inputs[0][a] - inputs[1][b];
      for (int d = rank - 1; d >= 0 && ++index[d] == shape[d]; --d) index[d] = 0;
    }
    for (int64_t k = 0; k < sizes[0]; ++k) ASSERT_TRUE(same(out[k], want[k])) << round << " " << k;
  }
}

TEST(Pointwise, EmptyTensorsHaveNoBlocks) {
  const int64_t shape[] = {3, 0, 2}, strides[] = {0, 2, 1};
  const int64_t* inputs[] = {strides};
  EXPECT_EQ(plan_pointwise_loops(3, shape, strides, 1, inputs).num_blocks, 0);
}

TEST(Pointwise, BadProgramsAreNamed) {
  PointwiseProgram program;
  program.num_inputs = 1;
  EXPECT_STREQ(check_pointwise(program), "no instruction");
  program.add(PointwiseFn::kAdd, 0);
  EXPECT_STREQ(check_pointwise(program), "wrong number of arguments");
  program.instrs[0] = {PointwiseFn::kAdd, 2, {0, 1, 0}, nullptr};
  EXPECT_STREQ(check_pointwise(program), "an argument is used before it is computed");
  EXPECT_EQ(find_pointwise("NoSuchOperator"), std::nullopt);
}

}  // namespace
}  // namespace hone::cpu
