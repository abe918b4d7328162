#include "passes/fuse_attention.h"

#include "passes/pass_test_util.h"

namespace hone {
namespace {

// PyTorch's: heads split and exchanged, the product divided, a mask added.
TEST(FuseAttentionTest, TransposedHeadsAndMask) {
  expect_pass(fuse_attention, R"(graph {
    input %q: f32[N,S,2,4]
    input %k: f32[N,M,2,4]
    input %v: f32[N,M,2,4]
    input %mask: f32[N,1,1,M]
    const %root: f32[] = [2]
    %qt = Transpose(%q) {perm=[0,2,1,3]}
    %kt = Transpose(%k) {perm=[0,2,3,1]}
    %vt = Transpose(%v) {perm=[0,2,1,3]}
    %product = MatMul(%qt, %kt)
    %scaled = Div(%product, %root)
    %masked = Add(%scaled, %mask)
    %p = Softmax(%masked)
    %o = MatMul(%p, %vt)
    %y = Transpose(%o) {perm=[0,2,1,3]}
    output %y
  })",
              R"(graph {
    input %q: f32[N,S,2,4]
    input %k: f32[N,M,2,4]
    input %v: f32[N,M,2,4]
    input %mask: f32[N,1,1,M]
    %y = Attention(%q, %k, %v, %mask) {scale=0.5, query_tokens_first=true, key_tokens_first=true,
        value_tokens_first=true, output_tokens_first=true}
    output %y
  })");
}

// Heads first, both operands scaled, and the keys in an order that needs a Transpose.
TEST(FuseAttentionTest, ScaledOperands) {
  expect_pass(fuse_attention, R"(graph {
    input %q: f32[N,2,S,4]
    input %k: f32[N,2,4,M]
    input %v: f32[N,2,M,3]
    const %a: f32[] = [0.5]
    const %b: f32[] = [0.25]
    %qs = Mul(%q, %a)
    %ks = Mul(%k, %b)
    %product = MatMul(%qs, %ks)
    %p = Softmax(%product) {axis=3}
    %y = MatMul(%p, %v)
    output %y
  })",
              R"(graph {
    input %q: f32[N,2,S,4]
    input %k: f32[N,2,4,M]
    input %v: f32[N,2,M,3]
    %kt = Transpose(%k) {perm=[0,1,3,2]}
    %y = Attention(%q, %kt, %v) {scale=0.125}
    output %y
  })");
}

// Keras's masked softmax: the condition joined with one that is true everywhere.
TEST(FuseAttentionTest, SelectedScores) {
  expect_pass(fuse_attention, R"(graph {
    input %q: f32[N,2,S,4]
    input %k: f32[N,2,M,4]
    input %v: f32[N,2,M,3]
    input %m: f32[N,1,1,M]
    const %nil: f32[] = [0]
    const %true: bool[] = [true]
    const %low: f32[] = [-50]
    %keep = Greater(%m, %nil)
    %product = MatMul(%q, %k) {transpose_b=true}
    %shape = Shape(%product)
    %all = Fill(%shape, %true)
    %both = And(%all, %keep)
    %masked = Where(%both, %product, %low)
    %p = Softmax(%masked)
    %zeroed = Where(%both, %p, %nil)
    %y = MatMul(%zeroed, %v)
    output %y
  })",
              R"(graph {
    input %q: f32[N,2,S,4]
    input %k: f32[N,2,M,4]
    input %v: f32[N,2,M,3]
    input %m: f32[N,1,1,M]
    const %nil: f32[] = [0]
    %keep = Greater(%m, %nil)
    %y = Attention(%q, %k, %v, %keep) {masked_value=-50, zero_masked=true}
    output %y
  })");
}

TEST(FuseAttentionTest, FilledScores) {
  expect_pass(fuse_attention, R"(graph {
    input %q: f32[2,S,4]
    input %k: f32[2,M,4]
    input %v: f32[2,M,3]
    input %m: f32[S,M]
    const %nil: f32[] = [0]
    const %low: f32[] = [-50]
    %drop = Greater(%m, %nil)
    %product = MatMul(%q, %k) {transpose_b=true}
    %masked = Where(%drop, %low, %product)
    %p = Softmax(%masked)
    %y = MatMul(%p, %v)
    output %y
  })",
              R"(graph {
    input %q: f32[2,S,4]
    input %k: f32[2,M,4]
    input %v: f32[2,M,3]
    input %m: f32[S,M]
    const %nil: f32[] = [0]
    %drop = Greater(%m, %nil)
    %keep = Not(%drop)
    %y = Attention(%q, %k, %v, %keep) {masked_value=-50}
    output %y
  })");
}

// Keras 3 with dropout: keys times queries, the product transposed.
TEST(FuseAttentionTest, KeysTimesQueries) {
  for (const char* body : {R"(
    %p = Transpose(%product) {perm=[0,1,3,2]}
    %s = Softmax(%p)
    %y = MatMul(%s, %v)
  )",
                           R"(
    %s = Softmax(%product) {axis=2}
    %y = MatMul(%s, %v) {transpose_a=true}
  )"}) {
    expect_pass(fuse_attention, std::string(R"(graph {
    input %q: f32[N,S,2,4]
    input %k: f32[N,M,2,4]
    input %v: f32[N,2,M,3]
    %kt = Transpose(%k) {perm=[0,2,1,3]}
    %qt = Transpose(%q) {perm=[0,2,3,1]}
    %product = MatMul(%kt, %qt)
)") + body + "output %y\n}",
                R"(graph {
    input %q: f32[N,S,2,4]
    input %k: f32[N,M,2,4]
    input %v: f32[N,2,M,3]
    %y = Attention(%q, %k, %v) {query_tokens_first=true, key_tokens_first=true}
    output %y
  })");
  }
}

TEST(FuseAttentionTest, LooksAlikeAndIsNot) {
  // Probabilities that others read, Softmax over the queries, and weights in the place of keys.
  for (const char* body : {R"(
    %product = MatMul(%q, %k) {transpose_b=true}
    %p = Softmax(%product)
    %y = MatMul(%p, %v)
    output %y
    output %p
  })",
                           R"(
    %product = MatMul(%q, %k) {transpose_b=true}
    %p = Softmax(%product) {axis=1}
    %y = MatMul(%p, %v)
    output %y
  })",
                           R"(
    const %w: f32[2,4,5] = random(1)
    %product = MatMul(%q, %w)
    %p = Softmax(%product)
    %y = MatMul(%p, %k)
    output %y
    output %v
  })"}) {
    expect_unchanged(fuse_attention, std::string(R"(graph {
    input %q: f32[2,S,4]
    input %k: f32[2,5,4]
    input %v: f32[2,5,3]
)") + body);
  }
}

}  // namespace
}  // namespace hone
