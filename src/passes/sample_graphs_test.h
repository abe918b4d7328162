// Small networks as they come from importers, for tests that run everything on everything.
#pragma once

namespace hone {

struct SampleGraph {
  const char* name;
  const char* text;
};

inline constexpr SampleGraph kSampleGraphs[] = {
    // Keras: same padding, BiasAdd, batch norm after constant folding, residual.
    {"keras_residual", R"(graph "keras_residual" {
  input %x: f32[N,8,6,4]
  const %w1: f32[4,3,3,4] = random(1)
  const %w2: f32[4,1,1,4] = random(2)
  const %w3: f32[4,1,1,4] = random(3)
  const %b: f32[4] = [0.5, -0.5, 0.25, 1]
  const %var: f32[4] = [1, 2, 0.5, 3]
  const %eps: f32[] = [0.001]
  const %gamma: f32[4] = [1, 0.5, 2, 1]
  const %shift: f32[4] = [0.1, 0.2, 0.3, 0.4]
  %in = Identity(%x)
  %sum = Add(%var, %eps)
  %inv = Rsqrt(%sum)
  %scale = Mul(%inv, %gamma)
  %c1 = Conv(%in, %w1) {auto_pad="same_upper"}
  %c1b = Add(%c1, %b)
  %bn1 = Mul(%c1b, %scale)
  %bn1s = Sub(%bn1, %shift)
  %r1 = Relu(%bn1s)
  %c2 = Conv(%r1, %w2)
  %bn2 = Mul(%c2, %scale)
  %bn2s = Add(%bn2, %shift)
  %c0 = Conv(%in, %w3)
  %bn0 = Mul(%c0, %scale)
  %add = Add(%bn0, %bn2s)
  %out = Relu(%add)
  output %out
})"},
    // ONNX: channels first, Transposes on both sides of each spatial operator, global pool, Gemm.
    {"onnx_residual", R"(graph "onnx_residual" {
  input %x: f32[N,3,8,6]
  const %w1: f32[4,3,3,3] = random(1)
  const %w2: f32[4,3,3,4] = random(2)
  const %scale: f32[1,4,1,1] = [1, 2, 0.5, 1]
  const %shift: f32[1,4,1,1] = [0.5, -1, 0, 1]
  const %flat: i64[2] = [0,-1]
  const %fc: f32[4,5] = random(3)
  const %fcb: f32[5] = [1, 2, 3, 4, 5]
  %t1 = Transpose(%x) {perm=[0,2,3,1]}
  %c1 = Conv(%t1, %w1) {pads=[1,1,1,1]}
  %u1 = Transpose(%c1) {perm=[0,3,1,2]}
  %m1 = Mul(%u1, %scale)
  %a1 = Add(%m1, %shift)
  %r1 = Relu(%a1)
  %t2 = Transpose(%r1) {perm=[0,2,3,1]}
  %c2 = Conv(%t2, %w2) {pads=[1,1,1,1]}
  %u2 = Transpose(%c2) {perm=[0,3,1,2]}
  %sum = Add(%u2, %r1)
  %r2 = Relu(%sum)
  %pool = ReduceMean(%r2) {axes=[2,3]}
  %f = Reshape(%pool, %flat)
  %m = MatMul(%f, %fc)
  %y = Add(%m, %fcb)
  output %y
})"},
    // ONNX: Flatten of a feature map.
    {"onnx_flatten", R"(graph "onnx_flatten" {
  input %x: f32[N,2,4,2]
  const %w: f32[3,1,1,2] = random(1)
  const %flat: i64[2] = [0,-1]
  const %fc: f32[5,6] = random(2)
  const %zero: i64[1] = [0]
  const %one: i64[1] = [1]
  const %axis: i64[1] = [2]
  %t = Transpose(%x) {perm=[0,2,3,1]}
  %c = Conv(%t, %w)
  %p = MaxPool(%c) {kernel=[2,1], strides=[2,1]}
  %u = Transpose(%p) {perm=[0,3,1,2]}
  %s = Slice(%u, %zero, %one, %axis)
  %f = Reshape(%s, %flat)
  %y = MatMul(%f, %fc) {transpose_b=true}
  output %y
})"},
    // Keras: Shape -> StridedSlice -> Pack -> Reshape with an unknown batch.
    {"keras_shape_chain", R"(graph "keras_shape_chain" {
  input %x: f32[N,4,6]
  const %zero: i64[1] = [0]
  const %one: i64[1] = [1]
  const %rest: i32[2] = [6,4]
  %shape = Shape(%x)
  %shape32 = Cast(%shape) {to=i32}
  %n = Slice(%shape32, %zero, %one)
  %target = Concat(%n, %rest) {axis=0}
  %y = Reshape(%x, %target)
  %r = Relu(%y)
  output %r
})"},
    {"mlp", R"(graph "mlp" {
  input %x: f32[N,6]
  const %w1: f32[6,8] = random(1)
  const %b1: f32[8] = random(2)
  const %w2: f32[8,3] = random(3)
  const %b2: f32[3] = random(4)
  const %scale: f32[8] = random(5)
  %m1 = MatMul(%x, %w1)
  %a1 = Add(%m1, %b1)
  %s1 = Mul(%a1, %scale)
  %r1 = Relu(%s1)
  %m2 = MatMul(%r1, %w2)
  %a2 = Add(%m2, %b2)
  %y = Softmax(%a2)
  output %y
})"},
    // MobileNet: depthwise, Relu6 as Max and Min, linear bottleneck with residual.
    {"mobilenet_block", R"(graph "mobilenet_block" {
  input %x: f32[N,H,W,4]
  const %w1: f32[8,1,1,4] = random(1)
  const %wd: f32[8,3,3,1] = random(2)
  const %w2: f32[4,1,1,8] = random(3)
  const %s: f32[8] = random(4)
  const %t: f32[8] = random(5)
  const %zero: f32[] = [0]
  const %six: f32[] = [6]
  %e = Conv(%x, %w1)
  %es = Mul(%e, %s)
  %et = Add(%es, %t)
  %emax = Max(%et, %zero)
  %e6 = Min(%emax, %six)
  %d = Conv(%e6, %wd) {groups=8, pads=[1,1,1,1]}
  %ds = Mul(%d, %s)
  %dt = Add(%ds, %t)
  %dmax = Max(%dt, %zero)
  %d6 = Min(%dmax, %six)
  %p = Conv(%d6, %w2)
  %y = Add(%x, %p)
  output %y
})"},
    // Keras ResNet's stem.
    {"pad_pool", R"(graph "pad_pool" {
  input %x: f32[N,8,6,3]
  const %pads: i32[8] = [0,3,3,0,0,3,3,0]
  const %pool_pads: i32[8] = [0,1,1,0,0,1,1,0]
  const %w: f32[4,7,7,3] = random(1)
  %p = Pad(%x, %pads)
  %c = Conv(%p, %w) {strides=[2,2], auto_pad="valid"}
  %r = Relu(%c)
  %q = Pad(%r, %pool_pads)
  %y = MaxPool(%q) {kernel=[3,3], strides=[2,2], auto_pad="valid"}
  output %y
})"},
    // Inception: Convs side by side, joined.
    {"siblings", R"(graph "siblings" {
  input %x: f32[N,8,6,3]
  const %w1: f32[4,1,1,3] = random(1)
  const %w2: f32[2,1,1,3] = random(2)
  const %w3: f32[2,3,3,3] = random(3)
  const %b: f32[2] = [1, 2]
  %c1 = Conv(%x, %w1)
  %r1 = Relu(%c1)
  %c2 = Conv(%x, %w2, %b)
  %r2 = Relu(%c2)
  %c3 = Conv(%x, %w3) {pads=[1,1,1,1]}
  %r3 = Relu(%c3)
  %y = Concat(%r1, %r2, %r3) {axis=3}
  output %y
})"},
    // Squeeze and excite behind swish, channels first.
    {"squeeze_excite", R"(graph "squeeze_excite" {
  input %x: f32[N,4,4,3]
  const %w: f32[4,1,1,3] = random(1)
  const %fc: f32[4,4] = random(2)
  %c = Conv(%x, %w)
  %sig = Sigmoid(%c)
  %swish = Mul(%c, %sig)
  %t = Transpose(%swish) {perm=[0,3,1,2]}
  %mean = ReduceMean(%t) {axes=[2,3], keepdims=false}
  %m = MatMul(%mean, %fc)
  %g = Sigmoid(%m)
  %gate = Unsqueeze(%g) {axes=[2,3]}
  %gated = Mul(%t, %gate)
  %y = Transpose(%gated) {perm=[0,2,3,1]}
  output %y
})"},
    // Attention with the head split of exporters.
    {"attention", R"(graph "attention" {
  input %x: f32[N,S,8]
  const %wq: f32[8,8] = random(1)
  const %wk: f32[8,8] = random(2)
  const %heads: i64[4] = [0,0,2,4]
  const %merge: i64[3] = [0,0,8]
  const %scale: f32[] = [0.5]
  %q = MatMul(%x, %wq)
  %q4 = Reshape(%q, %heads)
  %qt = Transpose(%q4) {perm=[0,2,1,3]}
  %qs = Mul(%qt, %scale)
  %k = MatMul(%x, %wk)
  %k4 = Reshape(%k, %heads)
  %kt = Transpose(%k4) {perm=[0,2,3,1]}
  %scores = MatMul(%qs, %kt)
  %p = Softmax(%scores)
  %vt = Transpose(%k4) {perm=[0,2,1,3]}
  %o = MatMul(%p, %vt)
  %ot = Transpose(%o) {perm=[0,2,1,3]}
  %y = Reshape(%ot, %merge)
  output %y
})"},
    // The other half of a transformer's layer: normalization, Dense, Gelu, Dense, residual.
    {"feed_forward", R"(graph "feed_forward" {
  input %x: f32[N,S,8]
  const %gamma: f32[8] = random(1)
  const %beta: f32[8] = random(2)
  const %eps: f32[] = [0.001]
  const %one: f32[] = [1]
  const %half: f32[] = [0.5]
  const %root_half: f32[] = [0.70710677]
  const %w1: f32[8,16] = random(3)
  const %b1: f32[16] = random(4)
  const %w2: f32[16,8] = random(5)
  %mean = ReduceMean(%x) {axes=[-1]}
  %square = SquaredDifference(%x, %mean)
  %variance = ReduceMean(%square) {axes=[-1]}
  %sum = Add(%variance, %eps)
  %inverse = Rsqrt(%sum)
  %factor = Mul(%inverse, %gamma)
  %minus = Neg(%mean)
  %shift = Mul(%minus, %factor)
  %res = Add(%shift, %beta)
  %scaled = Mul(%x, %factor)
  %n = Add(%scaled, %res)
  %h = MatMul(%n, %w1)
  %hb = Add(%h, %b1)
  %u = Mul(%hb, %root_half)
  %e = Erf(%u)
  %g = Add(%e, %one)
  %hh = Mul(%hb, %half)
  %a = Mul(%hh, %g)
  %o = MatMul(%a, %w2)
  %y = Add(%o, %x)
  output %y
})"},
    {"empty", R"(graph "empty" {
  input %x: f32[N,2]
  const %c: f32[2] = [1, 2]
  output %x
  output %c
})"},
};

}  // namespace hone
