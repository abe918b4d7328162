// Values that share one buffer in every way that lower/storage.cc knows, against the reference: the
// random graphs of oracle_test.cc seldom have them all around one Concat.
#include <gtest/gtest.h>

#include <cmath>

#include "graph/evaluate.h"
#include "runtime/runtime_test_util.h"

namespace hone::runtime_test {
namespace {

// An inception module with its alternatives applied: the merged Conv, the parts of it that are
// padded in place, and two Concats are one buffer.
constexpr const char* kInception = R"(graph { input %x: f32[N,7,6,8]
  const %w1: f32[8,1,1,8] = random(1) const %w2: f32[16,1,1,8] = random(2)
  const %w3: f32[8,1,1,8] = random(3) const %w4: f32[24,3,3,16] = random(4)
  const %w5: f32[8,5,5,8] = random(5) const %w6: f32[8,1,1,8] = random(6)
  const %w7: f32[8,3,3,48] = random(7)
  %t = Tanh(%x)
  %a = Conv(%t, %w1)
  %b = Conv(%t, %w2)
  %c = Conv(%t, %w3)
  %d = Conv(%b, %w4) {pads=[1,1,1,1]}
  %e = Conv(%c, %w5) {pads=[2,2,2,2]}
  %p = MaxPool(%t) {kernel=[3,3], pads=[1,1,1,1]}
  %f = Conv(%p, %w6)
  %all = Concat(%a, %d, %e, %f) {axis=-1}
  %y = Conv(%all, %w7) {pads=[1,1,1,1]}
  output %y })";

// Two heads of a detector, and a Concat that is reshaped itself.
constexpr const char* kHeads = R"(graph { input %x: f32[N,4,4,8] input %z: f32[N,2,2,8]
  const %w1: f32[24,3,3,8] = random(1) const %w2: f32[24,1,1,8] = random(2)
  const %s1: i64[3] = [-1, 96, 4] const %s2: i64[3] = [-1, 24, 4] const %s3: i64[2] = [-1, 480]
  const %k: f32[4] = random(3)
  %t = Tanh(%x)
  %a = Conv(%t, %w1) {pads=[1,1,1,1]}
  %p = Reshape(%a, %s1)
  %u = Tanh(%z)
  %b = Conv(%u, %w2)
  %q = Reshape(%b, %s2)
  %boxes = Concat(%p, %q) {axis=1}
  %scaled = Mul(%boxes, %k)
  %flat = Reshape(%boxes, %s3)
  %y = Softmax(%flat)
  output %scaled
  output %y })";

// Chained Concats, each padded by a reader; dimensions of size 1; a part of a part.
constexpr const char* kDense = R"(graph { input %x: f32[N,1,5,6,8]
  const %w1: f32[8,3,3,8] = random(1) const %w2: f32[8,3,3,16] = random(2)
  const %w3: f32[8,5,5,24] = random(3) const %w4: f32[8,3,3,4] = random(4)
  %t = Tanh(%x)
  %s = Squeeze(%t) {axes=[1]}
  %a = Conv(%s, %w1) {pads=[1,1,1,1]}
  %c1 = Concat(%s, %a) {axis=3}
  %b = Conv(%c1, %w2) {pads=[1,1,1,1]}
  %c2 = Concat(%c1, %b) {axis=3}
  %d = Conv(%c2, %w3) {pads=[2,2,2,2]}
  %l, %r = Split(%d) {axis=3, sizes=[4,4]}
  %e = Conv(%r, %w4) {pads=[1,1,1,1]}
  %f = Relu(%l)
  %y = Concat(%e, %f, %r) {axis=3}
  output %y })";

void check(const char* text, const std::vector<std::vector<int64_t>>& shapes) {
  const Graph reference = read_graph(text);
  for (const bool alternatives : {false, true}) {
    Graph graph = reference.clone();
    if (alternatives) {
      const auto found = find_alternatives(graph);
      ASSERT_TRUE(apply_choices(graph, found, untimed_choices(found)).ok());
    }
    const Engine engine = load(make_plan(std::move(graph), {.passes = false}));
    ExecutionContext context = engine.create_context();
    std::mt19937 rng(5);
    for (const int64_t batch : {1, 3, 1, 2}) {
      std::vector<Tensor> inputs;
      for (std::vector<int64_t> shape : shapes) {
        shape[0] = batch;
        inputs.push_back(random_tensor(rng, shape));
      }
      const auto expected = evaluate_graph(reference, inputs);
      const auto got = run(context, inputs);
      ASSERT_TRUE(expected.ok() && got.ok());
      for (size_t i = 0; i < got->size(); ++i) {
        const Tensor &a = (*got)[i], &b = (*expected)[i];
        double largest = 1;
        for (int64_t k = 0; k < b.num_elements(); ++k) {
          largest = std::max<double>(largest, std::fabs(b.data<float>()[k]));
        }
        // Sums of at most 600 products, five Convs deep, Winograd included (see oracle_test.cc).
        for (int64_t k = 0; k < b.num_elements(); ++k) {
          ASSERT_NEAR(a.data<float>()[k], b.data<float>()[k], 2e-4 * largest)
              << "output " << i << " element " << k << " batch " << batch << "\n"
              << engine.summary();
        }
      }
    }
  }
}

TEST(SharedBuffers, Inception) { check(kInception, {{1, 7, 6, 8}}); }
TEST(SharedBuffers, Heads) { check(kHeads, {{1, 4, 4, 8}, {1, 2, 2, 8}}); }
TEST(SharedBuffers, DenseBlock) { check(kDense, {{1, 1, 5, 6, 8}}); }

}  // namespace
}  // namespace hone::runtime_test
