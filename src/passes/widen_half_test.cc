#include "passes/widen_half.h"

#include "passes/pass_test_util.h"
#include "passes/pipeline.h"

namespace hone {
namespace {

TEST(WidenHalfTest, BordersKeepTheirTypes) {
  Graph graph = read_graph(R"(graph {
    input %x: f16[N,4]
    const %w: f16[4,3] = [1,2,3,0.5,0.25,4,-1,-2,8,0,6,7]
    %m = MatMul(%x, %w)
    %r = Relu(%m)
    %s = Shape(%r)
    output %r as "r"
    output %m as "m"
    output %s as "s"
  })");
  EXPECT_TRUE(run_pass(widen_half, graph));
  std::string why;
  EXPECT_TRUE(same_structure(graph, read_graph(R"(graph {
    input %x: f16[N,4]
    const %w: f32[4,3] = [1,2,3,0.5,0.25,4,-1,-2,8,0,6,7]
    %wide = Cast(%x) {to=f32}
    %m = MatMul(%wide, %w)
    %r = Relu(%m)
    %s = Shape(%r)
    %m16 = Cast(%m) {to=f16}
    %r16 = Cast(%r) {to=f16}
    output %r16 as "r"
    output %m16 as "m"
    output %s as "s"
  })"),
                             &why))
      << why << "\n"
      << print_graph(graph);
  EXPECT_FALSE(run_pass(widen_half, graph)) << print_graph(graph);
}

// Keras' mixed_float16: f32 inputs and variables, Casts around each layer.
TEST(WidenHalfTest, MixedPrecisionBecomesPlainFp32) {
  constexpr const char* kText = R"(graph {
    input %x: f32[N,8]
    const %w: f32[8,6] = random(1)
    const %b: bf16[6] = random(2)
    %x16 = Cast(%x) {to=bf16}
    %w16 = Cast(%w) {to=bf16}
    %m = MatMul(%x16, %w16)
    %a = Add(%m, %b)
    %g = Greater(%a, %m)
    %y = Cast(%a) {to=f32}
    output %y
    output %g
  })";
  const Graph original = read_graph(kText);
  Graph graph = original.clone();
  ASSERT_TRUE(run_passes(graph).ok());
  for (const Value* value : graph.values()) EXPECT_NE(value->dtype(), DataType::bf16);
  const std::vector<Tensor> inputs = random_inputs(original, 3);
  const auto want = *evaluate_graph(original, inputs).value()[0].as_doubles();
  const auto got = *evaluate_graph(graph, inputs).value()[0].as_doubles();
  double largest = 0, difference = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    largest = std::max(largest, std::fabs(want[i]));
    difference = std::max(difference, std::fabs(want[i] - got[i]));
  }
  // Each factor, product and sum was rounded to 8 bits: (2 + 1 + 1) * 2^-9 of 8 terms at most.
  EXPECT_LE(difference, 4 * std::ldexp(1.0, -9) * std::max(8.0, largest));
  EXPECT_GT(difference, 0);
}

}  // namespace
}  // namespace hone
