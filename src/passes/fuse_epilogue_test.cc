#include "passes/fuse_epilogue.h"

#include "passes/pass_test_util.h"

namespace hone {
namespace {

TEST(FuseEpilogueTest, ResidualGoesIntoTheLaterConv) {
  expect_pass(fuse_epilogue, R"(graph {
    input %x: f32[N,4,4,2]
    const %w: f32[2,1,1,2] = random(1)
    const %v: f32[2,3,3,2] = random(2)
    const %zero: f32[] = [0]
    const %six: f32[] = [6]
    %shortcut = Conv(%x, %w)
    %conv = Conv(%x, %v) {pads=[1,1,1,1]}
    %sum = Add(%shortcut, %conv)
    %max = Max(%sum, %zero)
    %y = Min(%max, %six)
    output %y
  })",
              R"(graph {
    input %x: f32[N,4,4,2]
    const %w: f32[2,1,1,2] = random(1)
    const %v: f32[2,3,3,2] = random(2)
    %shortcut = Conv(%x, %w)
    %y = Conv(%x, %v) {pads=[1,1,1,1]}
        epilogue{t0=Add(x1,x0);t1=Max(t0,0);t2=Min(t1,6);}(%shortcut)
    output %y
  })");
}

TEST(FuseEpilogueTest, ConvTransposeTakesOneToo) {
  expect_pass(fuse_epilogue, R"(graph {
    input %x: f32[N,H,W,2]
    const %w: f32[3,2,2,2] = random(1)
    const %b: f32[3] = [1, 2, 3]
    %conv = ConvTranspose(%x, %w) {strides=[2,2]}
    %sum = Add(%conv, %b)
    %y = Relu(%sum)
    output %y
  })",
              R"(graph {
    input %x: f32[N,H,W,2]
    const %w: f32[3,2,2,2] = random(1)
    const %b: f32[3] = [1, 2, 3]
    %y = ConvTranspose(%x, %w) {strides=[2,2]} epilogue{t0=Add(x0,x1);t1=Relu(t0);}(%b)
    output %y
  })");
}

// The Add's other operand is made after the Conv: the order changes.
TEST(FuseEpilogueTest, OrderIsRestored) {
  expect_pass(fuse_epilogue, R"(graph {
    input %x: f32[N,4,4,2]
    const %w: f32[2,1,1,2] = random(1)
    %conv = Conv(%x, %w)
    %pool = MaxPool(%x) {kernel=[1,1]}
    %soft = Softmax(%pool)
    %y = Add(%conv, %soft)
    output %y
  })",
              R"(graph {
    input %x: f32[N,4,4,2]
    const %w: f32[2,1,1,2] = random(1)
    %pool = MaxPool(%x) {kernel=[1,1]}
    %soft = Softmax(%pool)
    %y = Conv(%x, %w) epilogue{t0=Add(x0,x1);}(%soft)
    output %y
  })");
}

TEST(FuseEpilogueTest, DenseLayer) {
  expect_pass(fuse_epilogue, R"(graph {
    input %x: f32[N,4]
    const %w: f32[4,3] = random(1)
    const %b: f32[3] = [1, 2, 3]
    %m = MatMul(%x, %w)
    %a = Add(%m, %b)
    %y = Pointwise(%a, %a) {program="2:t0=Sigmoid(x0);t1=Mul(x1,t0);"}
    output %y
  })",
              R"(graph {
    input %x: f32[N,4]
    const %w: f32[4,3] = random(1)
    const %b: f32[3] = [1, 2, 3]
    %m = MatMul(%x, %w) epilogue{t0=Add(x0,x1);}(%b)
    %y = Pointwise(%m, %m) {program="2:t0=Sigmoid(x0);t1=Mul(x1,t0);"}
    output %y
  })");
}

TEST(FuseEpilogueTest, OperandsThatTacticsCannotReadStay) {
  expect_unchanged(fuse_epilogue, R"(graph {
    input %x: f32[N,4,4,2]
    const %w: f32[2,1,1,2] = random(1)
    const %row: f32[4,1] = [1, 2, 3, 4]
    const %deep: f32[1,1,1,1,2] = [1, 2]
    input %gate: f32[N,1,1,2]
    %a = Conv(%x, %w)
    %rows = Mul(%a, %row)
    %b = Conv(%x, %w)
    %gated = Mul(%b, %gate)
    %c = Conv(%x, %w)
    %larger = Mul(%c, %deep)
    %d = Conv(%x, %w)
    %relu = Relu(%d)
    %e = MaxPool(%x) {kernel=[2,2]}
    %after_pool = Relu(%e)
    output %rows
    output %gated
    output %larger
    output %d
    output %relu
    output %after_pool
  })");
}

TEST(FuseEpilogueTest, KeepsNamesAndSources) {
  Graph graph = read_graph(R"(graph {
    input %x: f32[N,4]
    const %w: f32[4,3] = random(1)
    %m = MatMul(%x, %w)
    %y: f32[N,3] @"relu:0" = Relu(%m) "relu"
    output %y as "probabilities"
  })");
  EXPECT_TRUE(run_pass(fuse_epilogue, graph));
  const Node* node = graph.nodes()[0];
  EXPECT_EQ(node->name(), "m");
  EXPECT_EQ(node->sources(), (std::vector<std::string>{"m", "relu"}));
  EXPECT_EQ(node->output()->name(), "y");
  EXPECT_EQ(node->output()->source(), "relu:0");
  EXPECT_EQ(graph.output_names()[0], "probabilities");
}

}  // namespace
}  // namespace hone
