#include "kernels/cpu/attention.h"

#include <algorithm>
#include <cmath>

#include "kernels/cpu/kernel_test_util.h"

namespace hone::cpu {
namespace {

using Random = std::mt19937;

int below(Random& random, int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); }

AttentionProblem random_problem(Random& random) {
  AttentionProblem p;
  p.query_tokens = 1 + below(random, random() % 2 ? 8 : 120);
  p.key_tokens = 1 + below(random, random() % 3 ? 90 : 1200);
  p.size = 1 + below(random, 70);
  p.value_size = 1 + below(random, 70);
  p.query_stride = p.size + below(random, 5);
  p.key_stride = p.size + below(random, 5);
  p.value_stride = p.value_size + below(random, 5);
  p.output_stride = p.value_size + below(random, 5);
  p.scale = random() % 2 ? 1.0f : 0.125f;
  p.mask = static_cast<AttentionMask>(random() % 3);
  p.mask_column_stride = random() % 4 ? 1 : 0;
  p.mask_row_stride = random() % 2 ? p.key_tokens + below(random, 3) : 0;
  p.masked_value = random() % 2 ? -1e9f : -INFINITY;
  p.zero_masked = random() % 2;
  return p;
}

struct Data {
  Data(const AttentionProblem& p, Random& random, bool at_end)
      : query((p.query_tokens - 1) * p.query_stride + p.size, at_end),
        key((p.key_tokens - 1) * p.key_stride + p.size, at_end),
        value((p.key_tokens - 1) * p.value_stride + p.value_size, at_end),
        output((p.query_tokens - 1) * p.output_stride + p.value_size, at_end),
        floats(mask_size(p), at_end),
        bytes(mask_size(p), at_end) {
    std::normal_distribution<float> normal;
    // Both flat and peaked rows.
    const float size = random() % 2 ? 0.3f : 2.0f;
    for (auto* buffer : {&query, &key, &value}) {
      for (int64_t i = 0; i < buffer->size(); ++i) (*buffer)[i] = normal(random) * size;
    }
    const bool all = random() % 8 == 0;
    for (int64_t i = 0; i < floats.size(); ++i) {
      const bool masked = all || random() % 4 == 0;
      floats[i] = masked ? (random() % 2 ? -INFINITY : -1e9f) : normal(random);
      bytes[i] = masked ? 0 : static_cast<uint8_t>(1 + below(random, 255));
    }
    for (int64_t i = 0; i < output.size(); ++i) output[i] = 77;
  }
  static int64_t mask_size(const AttentionProblem& p) {
    return (p.query_tokens - 1) * p.mask_row_stride + (p.key_tokens - 1) * p.mask_column_stride + 1;
  }

  GuardedBuffer<float> query, key, value, output, floats;
  GuardedBuffer<uint8_t> bytes;
};

// One row in double, and what FP32 may be away from it. A score is wrong by (size + 2) roundings of
// its products' magnitudes and of the mask, which exp turns into a relative error, as it does one
// rounding of its argument, which is below 110 where exp is not 0; exp itself 2 ulp, sums 90
// roundings, the division 2. The product with the values adds one rounding per key.
void check_row(const AttentionProblem& p, Data& data, int64_t row, Isa isa) {
  const double ulp = std::ldexp(1.0, -24);
  std::vector<double> scores(p.key_tokens), errors(p.key_tokens);
  std::vector<bool> kept(p.key_tokens, true);
  double largest = -INFINITY, error = 0, total = 0;
  for (int64_t j = 0; j < p.key_tokens; ++j) {
    double score = 0, magnitude = 0;
    for (int64_t d = 0; d < p.size; ++d) {
      const double x = static_cast<double>(data.query[row * p.query_stride + d]) *
                       data.key[j * p.key_stride + d];
      score += x, magnitude += std::fabs(x);
    }
    const int64_t at = row * p.mask_row_stride + j * p.mask_column_stride;
    score *= p.scale;
    errors[j] = static_cast<double>(p.size + 2) * ulp * magnitude * p.scale;
    if (p.mask == AttentionMask::kAdd) {
      score += data.floats[at];
      errors[j] += ulp * std::fabs(score);
    } else if (p.mask == AttentionMask::kSelect && data.bytes[at] == 0) {
      score = p.masked_value;
      kept[j] = false;
    }
    scores[j] = score;
    largest = std::max(largest, score);
  }
  if (largest < -1e8 && p.mask == AttentionMask::kAdd && !std::isinf(largest)) {
    return;  // 1e9 + score in FP32 is another number: any weights are within its rounding
  }
  // Scores far below the largest give 0, however wrong they are.
  for (int64_t j = 0; j < p.key_tokens; ++j) {
    if (scores[j] > largest - 110) error = std::max(error, errors[j]);
  }
  for (double& score : scores) total += score = std::exp(score - largest);
  const bool nothing = p.zero_masked && std::count(kept.begin(), kept.end(), true) == 0;
  for (int64_t d = 0; d < p.value_size; ++d) {
    double want = 0, magnitude = 0;
    for (int64_t j = 0; j < p.key_tokens; ++j) {
      if (!kept[j] && p.zero_masked) continue;
      const double x = scores[j] / total * data.value[j * p.value_stride + d];
      want += x, magnitude += std::fabs(x);
    }
    const double got = data.output[row * p.output_stride + d];
    if (std::isnan(total) && !nothing) {
      ASSERT_TRUE(std::isnan(got)) << row << " " << d;
      continue;
    }
    const double relative =
        2 * error + (2 * 110 + 90 + 4 + static_cast<double>(p.key_tokens)) * ulp;
    ASSERT_NEAR(got, want, relative * magnitude + 1e-30)
        << isa_name(isa) << " row " << row << " at " << d << " keys " << p.key_tokens << " mask "
        << static_cast<int>(p.mask);
  }
}

void check(Random& random, Isa isa) {
  const AttentionProblem p = random_problem(random);
  Data data(p, random, random() % 2);
  const Attention attention = prepare_attention(p, isa);
  GuardedBuffer<float> packed(attention.packed_floats, true);
  GuardedBuffer<float> scratch(attention.scratch_floats, true);
  const void* mask = p.mask == AttentionMask::kNone  ? nullptr
                     : p.mask == AttentionMask::kAdd ? static_cast<void*>(data.floats.data())
                                                     : static_cast<void*>(data.bytes.data());
  pack_attention(attention, data.key.data(), data.value.data(), packed.data());
  const int64_t cut = attention.blocks / 2;
  attend(attention, data.query.data(), packed.data(), mask, data.output.data(), scratch.data(), cut,
         attention.blocks);
  attend(attention, data.query.data(), packed.data(), mask, data.output.data(), scratch.data(), 0,
         cut);
  for (int64_t row = 0; row < p.query_tokens; ++row) {
    check_row(p, data, row, isa);
    if (testing::Test::HasFatalFailure()) return;
  }
  for (int64_t row = 0; row + 1 < p.query_tokens; ++row) {
    for (int64_t d = p.value_size; d < p.output_stride; ++d) {
      ASSERT_EQ(data.output[row * p.output_stride + d], 77) << "between the rows";
    }
  }
}

TEST(Attention, RandomProblemsAgreeWithDoubles) {
  Random random(test_seed());
  for (const Isa isa : testable_isas()) {
    for (int round = 0; round < 60; ++round) {
      check(random, isa);
      if (HasFatalFailure()) return;
    }
  }
}

// The first block of keys is masked with -infinity as a whole, which must not make NaN of the rest.
TEST(Attention, MaskedBlocksDoNotCount) {
  for (const Isa isa : testable_isas()) {
    AttentionProblem p;
    p.query_tokens = 3;
    p.key_tokens = 1100;
    p.size = p.value_size = p.query_stride = p.key_stride = p.value_stride = p.output_stride = 1;
    p.mask = AttentionMask::kAdd;
    p.mask_column_stride = 1;
    std::vector<float> ones(1100, 1.0f), values(1100), mask(1100, -INFINITY), out(3);
    for (int i = 0; i < 1100; ++i) values[i] = static_cast<float>(i);
    mask[1000] = 0;
    const Attention attention = prepare_attention(p, isa);
    std::vector<float> packed(attention.packed_floats), scratch(attention.scratch_floats);
    pack_attention(attention, ones.data(), values.data(), packed.data());
    attend(attention, ones.data(), packed.data(), mask.data(), out.data(), scratch.data(), 0, 1);
    for (float y : out) EXPECT_FLOAT_EQ(y, 1000);
    mask[1000] = -INFINITY;
    attend(attention, ones.data(), packed.data(), mask.data(), out.data(), scratch.data(), 0, 1);
    for (float y : out) EXPECT_TRUE(std::isnan(y));
  }
}

}  // namespace
}  // namespace hone::cpu
