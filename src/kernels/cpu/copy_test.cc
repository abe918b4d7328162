#include "kernels/cpu/copy.h"

#include <algorithm>
#include <numeric>

#include "kernels/cpu/kernel_test_util.h"

namespace hone::cpu {
namespace {

using Random = std::mt19937;

int below(Random& random, int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); }

// Calls f(index) for every index below `shape`.
template <class F>
void for_each_index(const std::vector<int64_t>& shape, F f) {
  std::vector<int64_t> index(shape.size(), 0);
  if (std::count(shape.begin(), shape.end(), 0) > 0) return;
  for (;;) {
    f(index);
    int d = static_cast<int>(shape.size()) - 1;
    while (d >= 0 && ++index[d] == shape[d]) index[d--] = 0;
    if (d < 0) return;
  }
}

int64_t offset_of(const std::vector<int64_t>& index, const std::vector<int64_t>& strides) {
  return std::inner_product(index.begin(), index.end(), strides.begin(), int64_t{0});
}

// Strides of a dense tensor with the axes in random or given order, gaps at random.
std::vector<int64_t> random_strides(Random& random, const std::vector<int64_t>& shape, bool permute,
                                    bool expand, int64_t* size) {
  std::vector<int> order(shape.size());
  std::iota(order.rbegin(), order.rend(), 0);
  if (permute) std::shuffle(order.begin(), order.end(), random);
  std::vector<int64_t> strides(shape.size());
  *size = 1;
  for (const int d : order) {
    if (expand && random() % 5 == 0) {
      strides[d] = 0;
      continue;
    }
    strides[d] = *size;
    *size *= shape[d] + (random() % 4 == 0);
  }
  return strides;
}

std::vector<int64_t> random_shape(Random& random) {
  std::vector<int64_t> shape(below(random, 6));
  for (int64_t& n : shape) n = 1 + below(random, random() % 4 ? 6 : 40);
  return shape;
}

template <class T>
void check_random_copies(Random& random) {
  for (int round = 0; round < 200; ++round) {
    const std::vector<int64_t> shape = random_shape(random);
    int64_t in_size, out_size;
    const auto in_strides = random_strides(random, shape, true, true, &in_size);
    const auto out_strides = random_strides(random, shape, random() % 3 == 0, false, &out_size);
    if (in_size > 2000000 || out_size > 2000000) continue;
    const bool at_end = random() % 2;
    GuardedBuffer<T> in(in_size, at_end), out(out_size, at_end);
    for (int64_t i = 0; i < in_size; ++i) in[i] = static_cast<T>(random());
    std::vector<T> want(out_size, T{77});
    std::fill(out.data(), out.data() + out_size, T{77});
    for_each_index(shape, [&](const std::vector<int64_t>& index) {
      want[offset_of(index, out_strides)] = in[offset_of(index, in_strides)];
    });
    const CopyPlan plan = plan_copy(sizeof(T), static_cast<int>(shape.size()), shape.data(),
                                    out_strides.data(), in_strides.data());
    const int64_t cut = plan.num_blocks / 2;
    run_copy_blocks(plan, out.data(), in.data(), cut, plan.num_blocks);
    run_copy_blocks(plan, out.data(), in.data(), 0, cut);
    ASSERT_EQ(std::memcmp(want.data(), out.data(), out_size * sizeof(T)), 0)
        << "round " << round << ", " << sizeof(T) << " bytes, kind " << static_cast<int>(plan.kind);
  }
}

TEST(Copy, AnyStridesAndElementSizes) {
  Random random(test_seed());
  check_random_copies<uint8_t>(random);
  check_random_copies<uint16_t>(random);
  check_random_copies<uint32_t>(random);
  check_random_copies<uint64_t>(random);
}

TEST(Copy, LayoutsBecomeTransposes) {
  // [1, 64, 56, 56] to [1, 56, 56, 64].
  const int64_t shape[] = {1, 56, 56, 64}, out[] = {200704, 3584, 64, 1}, in[] = {0, 56, 1, 3136};
  EXPECT_EQ(plan_copy(4, 4, shape, out, in).kind, CopyPlan::Kind::kTranspose);
  EXPECT_EQ(plan_copy(4, 4, shape, out, out).kind, CopyPlan::Kind::kRows);
}

TEST(Copy, NegativeStridesReverse) {
  const int64_t shape[] = {5}, out_strides[] = {1}, in_strides[] = {-1};
  const int32_t in[] = {1, 2, 3, 4, 5};
  int32_t out[5];
  copy_strided(4, 1, shape, out, out_strides, in + 4, in_strides);
  EXPECT_EQ(std::vector<int32_t>(out, out + 5), (std::vector<int32_t>{5, 4, 3, 2, 1}));
}

TEST(Copy, PadAndCrop) {
  Random random(test_seed());
  for (int round = 0; round < 300; ++round) {
    std::vector<int64_t> in_shape = random_shape(random);
    if (in_shape.empty()) in_shape.push_back(3);
    std::vector<int64_t> before, out_shape;
    for (const int64_t n : in_shape) {
      before.push_back(below(random, 6) - 2);
      out_shape.push_back(std::max<int64_t>(1, n + before.back() + below(random, 6) - 2));
    }
    int64_t in_size, out_size;
    const auto in_strides = random_strides(random, in_shape, random() % 2, false, &in_size);
    const auto out_strides = random_strides(random, out_shape, false, false, &out_size);
    if (in_size > 1000000 || out_size > 1000000) continue;
    const bool at_end = random() % 2;
    GuardedBuffer<uint16_t> in(in_size, at_end), out(out_size, at_end);
    for (int64_t i = 0; i < in_size; ++i) in[i] = static_cast<uint16_t>(random());
    std::fill(out.data(), out.data() + out_size, uint16_t{77});
    std::vector<uint16_t> want(out_size, 77);
    const uint16_t value = 999;
    for_each_index(out_shape, [&](std::vector<int64_t> index) {
      const int64_t to = offset_of(index, out_strides);
      bool inside = true;
      for (size_t d = 0; d < index.size(); ++d) {
        index[d] -= before[d];
        inside = inside && index[d] >= 0 && index[d] < in_shape[d];
      }
      want[to] = inside ? in[offset_of(index, in_strides)] : value;
    });
    const int64_t cut = out_shape[0] / 2;
    for (const auto& [first, last] : {std::pair{cut, out_shape[0]}, std::pair{int64_t{0}, cut}}) {
      pad_constant(2, static_cast<int>(in_shape.size()), out_shape.data(), out.data(),
                   out_strides.data(), in_shape.data(), in.data(), in_strides.data(), before.data(),
                   &value, first, last);
    }
    ASSERT_EQ(std::memcmp(want.data(), out.data(), out_size * 2), 0) << round;
  }
}

TEST(Copy, FillLeavesGapsAlone) {
  const int64_t shape[] = {2, 3}, strides[] = {5, 1};
  std::vector<int64_t> out(10, 7);
  const int64_t value = -1;
  fill_strided(8, 2, shape, out.data(), strides, &value);
  EXPECT_EQ(out, (std::vector<int64_t>{-1, -1, -1, 7, 7, -1, -1, -1, 7, 7}));
}

TEST(Copy, GatherRows) {
  const float table[] = {0, 1, 10, 11, 20, 21};
  const int32_t narrow[] = {2, 0, 2};
  const int64_t wide[] = {1, 1, 0};
  float out[9] = {};
  gather_rows(8, 3, out, 12, table, 8, narrow);
  EXPECT_EQ(std::vector<float>(out, out + 8), (std::vector<float>{20, 21, 0, 0, 1, 0, 20, 21}));
  gather_rows(8, 3, out, 8, table, 8, wide);
  EXPECT_EQ(std::vector<float>(out, out + 6), (std::vector<float>{10, 11, 10, 11, 0, 1}));
}

}  // namespace
}  // namespace hone::cpu
