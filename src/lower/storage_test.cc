// Where the bytes of values live, on small graphs.
#include "lower/storage.h"

#include <gtest/gtest.h>

#include "graph/text.h"
#include "tune/make_portable.h"

namespace hone {
namespace {

// A graph lowered by list order for a CPU with AVX2.
class Stored {
 public:
  explicit Stored(std::string_view text) {
    Graph graph = parse_graph(text).value();
    portable_ = make_portable(graph, {}).value();
    const Target target{CpuFeatures::detected(), 1};
    tuned_ = lower(portable_, target, choose_by_list_order(portable_, target)).value();
  }
  const TunedValue& operator[](const std::string& name) const { return tuned_.values[index(name)]; }
  // "a in c@1+4": a is the part of c along axis 1 from 4 on; "a is c": the same bytes; "a": its
  // own.
  std::string where(const std::string& name) const {
    const TunedValue& value = (*this)[name];
    if (value.alias == AliasKind::kNone) return name;
    const std::string& parent = portable_.values[value.parent].name;
    if (value.alias == AliasKind::kSame) return name + " is " + parent;
    return name + " in " + parent + "@" + std::to_string(value.axis) + "+" + value.start.text();
  }
  bool is_view(const std::string& output) const { return step(output).is_view; }
  std::string copies(const std::string& output) const { return step(output).copies; }

 private:
  const TunedStep& step(const std::string& output) const {
    for (size_t s = 0; s < portable_.steps.size(); ++s) {
      for (int v : portable_.steps[s].outputs) {
        if (portable_.values[v].name == output) return tuned_.steps[s];
      }
    }
    ADD_FAILURE() << "nothing makes " << output;
    return tuned_.steps[0];
  }
  size_t index(const std::string& name) const {
    for (size_t v = 0; v < portable_.values.size(); ++v) {
      if (portable_.values[v].name == name) return v;
    }
    ADD_FAILURE() << "no value " << name;
    return 0;
  }
  Portable portable_;
  Tuned tuned_;
};

class Storage : public testing::Test {
 protected:
  void SetUp() override {
    if (!CpuFeatures::detected().contains(features_of("avx2")))
      GTEST_SKIP() << "the tactics differ without AVX2";
  }
};

TEST_F(Storage, ProducersWriteIntoConcat) {
  const Stored stored(R"(graph { input %x: f32[N,4]
    %a = Relu(%x)
    %b = Tanh(%x)
    %c = Concat(%a, %b) {axis=-1}
    %y = Softmax(%c)
    output %y })");
  EXPECT_EQ(stored.where("a"), "a in c@1+0");
  EXPECT_EQ(stored.where("b"), "b in c@1+4");
  EXPECT_TRUE(stored.is_view("c"));
}

TEST_F(Storage, ConcatIsAGraphOutput) {
  const Stored stored(R"(graph { input %x: f32[N,4]
    %a = Relu(%x)
    %b = Tanh(%x)
    %c = Concat(%a, %b) {axis=1}
    output %c })");
  EXPECT_EQ(stored.where("a"), "a in c@1+0");
  EXPECT_EQ(stored.where("c"), "c");
  EXPECT_TRUE(stored.is_view("c"));
}

TEST_F(Storage, ConcatStartsAreSymbolic) {
  const Stored stored(R"(graph { input %x: f32[N,4] input %z: f32[M,4]
    %a = Relu(%x)
    %b = Tanh(%z)
    %c = Concat(%a, %b, %a) {axis=0}
    %y = Softmax(%c)
    output %y })");
  EXPECT_EQ(stored.where("b"), "b in c@0+N");
  EXPECT_FALSE(stored.is_view("c"));  // a is there twice: the second time it is copied
  EXPECT_EQ(stored.where("a"), "a in c@0+0");
}

TEST_F(Storage, NestedConcats) {
  const Stored stored(R"(graph { input %x: f32[N,4]
    %a = Relu(%x)
    %b = Tanh(%x)
    %c = Concat(%a, %b) {axis=1}
    %d = Sigmoid(%x)
    %e = Concat(%d, %c) {axis=1}
    %y = Softmax(%e)
    output %y })");
  EXPECT_EQ(stored.where("c"), "c in e@1+4");
  EXPECT_EQ(stored.where("b"), "b in c@1+4");
  EXPECT_TRUE(stored.is_view("c"));
  EXPECT_TRUE(stored.is_view("e"));
}

TEST_F(Storage, WhatCannotBeWrittenIntoConcatIsCopied) {
  const Stored stored(R"(graph { input %x: f32[N,4] const %k: f32[2,4] = random(1)
    %a = Relu(%x)
    %b = Tanh(%x)
    %c = Concat(%x, %a, %k, %b) {axis=0}
    %y = Softmax(%c)
    output %y output %b })");
  EXPECT_EQ(stored.where("a"), "a in c@0+N");
  EXPECT_EQ(stored.where("b"), "b");  // a graph output lies in the caller's buffer
  EXPECT_FALSE(stored.is_view("c"));
}

TEST_F(Storage, ReshapedValuesStayDense) {
  const Stored stored(R"(graph { input %x: f32[N,4] const %s: i64[2] = [-1, 2]
    %a = Relu(%x)
    %r = Reshape(%a, %s)
    %b = Tanh(%x)
    %c = Concat(%a, %b) {axis=1}
    %y = Softmax(%c)
    %z = Softmax(%r)
    output %y output %z })");
  EXPECT_EQ(stored.where("a"), "a");
  EXPECT_EQ(stored.where("r"), "r is a");
  EXPECT_EQ(stored.where("b"), "b in c@1+4");
}

TEST_F(Storage, SplitAndSlice) {
  const Stored stored(R"(graph { input %x: f32[N,8]
    const %starts: i64[1] = [2] const %ends: i64[1] = [5] const %axes: i64[1] = [-1] const %two: i64[1] = [2]
    %a = Relu(%x)
    %l, %r = Split(%a) {axis=1, sizes=[3,5]}
    %s = Slice(%x, %starts, %ends, %axes)
    %t = Slice(%a, %starts, %ends, %axes, %two)
    %v = Slice(%r, %starts, %ends, %axes)
    %o0 = Softmax(%l) %o1 = Softmax(%r) %o2 = Softmax(%s) %o3 = Softmax(%t) %o4 = Softmax(%v)
    output %o0 output %o1 output %o2 output %o3 output %o4 })");
  EXPECT_EQ(stored.where("l"), "l in a@1+0");
  EXPECT_EQ(stored.where("r"), "r in a@1+3");
  EXPECT_EQ(stored.where("s"), "s in x@1+2");
  EXPECT_EQ(stored.where("t"), "t");  // every second element
  EXPECT_EQ(stored.where("v"), "v in r@1+2");
  EXPECT_FALSE(stored.is_view("t"));
}

// A part of a buffer is not dense, so what is reshaped afterwards is copied out first.
TEST_F(Storage, ReshapedPartsAreCopied) {
  const Stored stored(R"(graph { input %x: f32[N,8] const %s: i64[2] = [-1, 2]
    %a = Relu(%x)
    %l, %r = Split(%a) {axis=1, sizes=[4,4]}
    %m = Reshape(%l, %s)
    %y = Softmax(%m)
    %z = Softmax(%r)
    output %y output %z })");
  EXPECT_EQ(stored.where("l"), "l");
  EXPECT_EQ(stored.where("m"), "m is l");
  EXPECT_FALSE(stored.is_view("l"));
}

TEST_F(Storage, OfASplitOnlyGraphOutputsAreCopied) {
  const Stored stored(R"(graph { input %x: f32[N,8]
    %l, %r = Split(%x) {axis=1, sizes=[3,5]}
    %y = Softmax(%r)
    output %l output %y })");
  EXPECT_FALSE(stored.is_view("l"));
  EXPECT_EQ(stored.copies("l"), "copies 'l', which lies in the caller's buffer");
  EXPECT_EQ(stored.where("r"), "r in x@1+3");
}

TEST_F(Storage, SliceBeyondAnUnknownSizeIsCopied) {
  const Stored stored(R"(graph { input %x: f32[N,8]
    const %starts: i64[1] = [2] const %ends: i64[1] = [5]
    %s = Slice(%x, %starts, %ends)
    %y = Softmax(%s)
    output %y })");
  EXPECT_EQ(stored.where("s"), "s");
}

TEST_F(Storage, Reshapes) {
  const Stored stored(
      R"(graph { input %x: f32[N,8] const %s: i64[2] = [-1, 4] const %k: f32[8] = random(1)
    %in = Reshape(%x, %s)
    %again = Unsqueeze(%in) {axes=[0]}
    %a = Softmax(%again)
    %b = Squeeze(%a) {axes=[0]}
    %through = Reshape(%x, %s)
    %konst = Reshape(%k, %s)
    %c = Add(%b, %konst)
    output %b output %through output %c })");
  EXPECT_EQ(stored.where("in"), "in is x");
  EXPECT_EQ(stored.where("again"), "again is in");
  EXPECT_EQ(stored.where("a"), "a is b");  // the producer writes into the caller's buffer
  EXPECT_TRUE(stored.is_view("b"));
  EXPECT_FALSE(stored.is_view("through"));  // from one caller's buffer to another: a copy
  EXPECT_FALSE(stored.is_view("konst"));
}

TEST_F(Storage, InPlace) {
  const Stored stored(R"(graph { input %x: f32[N,8] const %k: f32[8] = random(1)
    %a = Relu(%x)
    %b = Tanh(%a)
    %c = Sigmoid(%b)
    %d = Add(%c, %b)
    %e = Relu(%k)
    %f = Tanh(%d)
    %g = Mul(%f, %e)
    output %g })");
  EXPECT_EQ(stored.where("a"), "a");  // x belongs to the caller
  EXPECT_EQ(stored.where("b"), "b is a");
  EXPECT_EQ(stored.where("c"), "c");  // b is needed later
  EXPECT_NE(stored.where("d"), "d");  // over c or b
  EXPECT_EQ(stored.where("e"), "e");  // a constant stays
  EXPECT_EQ(stored.where("f"), "f is d");
  EXPECT_EQ(stored.where("g"), "g");  // the caller's buffer
}

TEST_F(Storage, InPlaceLooksAtAllViewsOfTheBuffer) {
  const Stored stored(R"(graph { input %x: f32[N,8]
    %a = Relu(%x)
    %l, %r = Split(%a) {axis=1, sizes=[4,4]}
    %b = Tanh(%l)
    %c = Add(%b, %r)
    %d = Sigmoid(%c)
    %same = Relu(%x)
    %view = Unsqueeze(%same) {axes=[0]}
    %over = Tanh(%same)
    %y = Softmax(%view)
    output %d output %over output %y })");
  EXPECT_EQ(stored.where("b"), "b");  // the other half of the buffer is read later
  EXPECT_EQ(stored.where("over"), "over");
}

TEST_F(Storage, HalosAroundTheInputsOfConvolutions) {
  const Stored stored(R"(graph { input %x: f32[N,8,8,16]
    const %w: f32[16,3,3,16] = random(1)
    const %v: f32[16,5,5,16] = random(2)
    %a = Tanh(%x)
    %y = Conv(%a, %w) {auto_pad="same_upper"}
    %z = Conv(%a, %v) {auto_pad="same_upper"}
    %q = Conv(%x, %w) {auto_pad="same_upper"}
    output %y output %z output %q })");
  ASSERT_EQ(stored["a"].halo_before.size(), 4u);
  EXPECT_EQ(stored["a"].halo_before,
            (std::vector<int64_t>{0, 2, 2, 0}));  // what the larger kernel wants
  EXPECT_TRUE(stored["x"].halo_before.empty());
}

// The heads of a detector: Conv writes its boxes, reshaped, into their rows of the result.
TEST_F(Storage, ReshapedProducersWriteIntoConcat) {
  const Stored stored(R"(graph { input %x: f32[N,8,8,16] input %z: f32[N,4,4,16]
    const %w: f32[24,1,1,16] = random(1)
    const %s: i64[3] = [-1, 384, 4] const %t: i64[3] = [-1, 96, 4]
    %a = Conv(%x, %w)
    %p = Reshape(%a, %s)
    %b = Conv(%z, %w)
    %q = Reshape(%b, %t)
    %c = Concat(%p, %q) {axis=1}
    %y = Softmax(%c)
    output %y })");
  EXPECT_EQ(stored.where("q"), "q in c@1+384");
  EXPECT_EQ(stored.where("b"), "b is q");
  EXPECT_TRUE(stored.is_view("c"));
}

// U-Net: a copy fetches what the encoder wrote long ago.
TEST_F(Storage, ConcatIsPaddedInACopy) {
  const Stored stored(R"(graph { input %x: f32[N,8,8,16]
    const %w: f32[16,3,3,32] = random(1)
    %a = Tanh(%x)
    %b = Sigmoid(%x)
    %c = Concat(%a, %b) {axis=3}
    %y = Conv(%c, %w) {auto_pad="same_upper"}
    output %y })");
  EXPECT_TRUE(stored.is_view("c"));
  EXPECT_TRUE(stored["c"].halo_before.empty());
  EXPECT_EQ(stored.copies("y"),
            "pads a copy of 'c', which is put together from parts that may be old");
}

// A reader of one part wants room around all of them; then it is there for others, too.
TEST_F(Storage, HalosAroundConcatAndItsParts) {
  const Stored stored(R"(graph { input %x: f32[N,8,8,16]
    const %w: f32[16,3,3,32] = random(1) const %v: f32[16,5,5,16] = random(2)
    %a = Tanh(%x)
    %b = Sigmoid(%x)
    %c = Concat(%a, %b) {axis=3}
    %y = Conv(%c, %w) {auto_pad="same_upper"}
    %z = Conv(%b, %v) {auto_pad="same_upper"}
    output %y output %z })");
  EXPECT_EQ(stored["c"].halo_before, (std::vector<int64_t>{0, 2, 2, 0}));
  EXPECT_EQ(stored.where("b"), "b in c@3+16");
  EXPECT_EQ(stored.copies("y"), "");
  EXPECT_EQ(stored.copies("z"), "");
}

TEST_F(Storage, NoHaloWhereRowsAreJoined) {
  const Stored stored(R"(graph { input %x: f32[N,8,8,16]
    const %w: f32[16,3,3,16] = random(1) const %v: f32[16,3,3,16] = random(2)
    const %s: i64[3] = [-1, 64, 16]
    %a = Tanh(%x)
    %b = Sigmoid(%x)
    %c = Concat(%a, %b) {axis=1}
    %y = Conv(%a, %w) {pads=[1,1,1,1]}
    %d = Tanh(%x)
    %flat = Reshape(%d, %s)
    %z = Conv(%d, %v) {pads=[1,1,1,1]}
    %u = Softmax(%flat)
    output %c output %y output %z output %u })");
  EXPECT_EQ(stored.copies("y"), "pads a copy of 'a', which is a part of the padded dimension");
  EXPECT_EQ(stored.copies("z"),
            "pads a copy of 'd', which is reshaped in a way that strides cannot express");
}

// Dimensions of size 1 come and go without a copy.
TEST_F(Storage, HalosThroughSqueeze) {
  const Stored stored(R"(graph { input %x: f32[N,1,8,8,16]
    const %w: f32[16,3,3,16] = random(1)
    %a = Tanh(%x)
    %s = Squeeze(%a) {axes=[1]}
    %y = Conv(%s, %w) {pads=[1,1,1,1]}
    output %y })");
  EXPECT_EQ(stored["a"].halo_before, (std::vector<int64_t>{0, 0, 1, 1, 0}));
  EXPECT_EQ(stored.where("s"), "s is a");
  EXPECT_EQ(stored.copies("y"), "");
}

}  // namespace
}  // namespace hone
