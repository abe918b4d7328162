// How many operators are left of well-known networks. The networks are made here with few channels:
// what is fused depends on what follows what, not on sizes.
#include "builder/stage_counts.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "graph/text.h"

namespace hone {
namespace {

// Writes a graph as text; values are numbered.
class Net {
 public:
  explicit Net(const std::string& input) { text_ = "graph { input %x: f32" + input + "\n"; }

  std::string op(const std::string& name, const std::string& inputs,
                 const std::string& attributes = "") {
    const std::string out = fmt::format("%v{}", ++count_);
    text_ += fmt::format("  {} = {}({}) {}\n", out, name, inputs,
                         attributes.empty() ? "" : "{" + attributes + "}");
    return out;
  }
  std::string constant(const std::string& type, const std::string& values) {
    const std::string out = fmt::format("%k{}", ++count_);
    text_ += fmt::format("  const {}: {} = {}\n", out, type, values);
    return out;
  }
  std::string conv(const std::string& x, int in, int out, int kernel, int stride = 1,
                   int groups = 1) {
    const std::string w =
        constant(fmt::format("f32[{},{},{},{}]", out, kernel, kernel, in / groups),
                 fmt::format("random({})", count_));
    const std::string b = constant(fmt::format("f32[{}]", out), fmt::format("random({})", count_));
    const int pad = kernel / 2;
    return op("Conv", x + ", " + w + ", " + b,
              fmt::format("groups={}, pads=[{},{},{},{}], strides=[{},{}]", groups, pad, pad, pad,
                          pad, stride, stride));
  }
  std::string conv_relu(const std::string& x, int in, int out, int kernel, int stride = 1) {
    return op("Relu", conv(x, in, out, kernel, stride));
  }
  // Batch normalization as an importer leaves it.
  std::string norm(const std::string& x, int channels) {
    const std::string type = fmt::format("f32[{}]", channels);
    const std::string scaled = op("Mul", x + ", " + constant(type, "random(1)"));
    return op("Add", scaled + ", " + constant(type, "random(2)"));
  }
  std::string pool(const std::string& x, int stride) {
    return op("MaxPool", x,
              fmt::format("kernel=[3,3], pads=[1,1,1,1], strides=[{},{}]", stride, stride));
  }
  std::string dense(const std::string& x, int in, int out) {
    const std::string product = op(
        "MatMul",
        x + ", " + constant(fmt::format("f32[{},{}]", in, out), fmt::format("random({})", count_)));
    return op("Add", product + ", " + constant(fmt::format("f32[{}]", out), "random(4)"));
  }
  // "141 -> 84 -> 66 -> 57" for the result `y`.
  std::string counts(const std::string& y) const {
    auto graph = parse_graph(text_ + "  output " + y + " }");
    if (!graph.ok()) return graph.status().message();
    auto stages = count_stages(*graph);
    if (!stages.ok()) return stages.status().message();
    std::string text;
    for (const StageCount& stage : *stages) {
      text += (text.empty() ? "" : " -> ") + std::to_string(stage.operators);
    }
    return text;
  }

 private:
  std::string text_;
  int count_ = 0;
};

std::string inception(Net& net, const std::string& x, int in) {
  const std::string a = net.conv_relu(x, in, 4, 1);
  const std::string b = net.conv_relu(net.conv_relu(x, in, 6, 1), 6, 8, 3);
  const std::string c = net.conv_relu(net.conv_relu(x, in, 2, 1), 2, 4, 5);
  const std::string d = net.conv_relu(net.pool(x, 1), in, 4, 1);
  return net.op("Concat", fmt::format("{}, {}, {}, {}", a, b, c, d), "axis=-1");
}

// 57 Convs and as many Relus, 13 max-pools, 2 LRNs, 9 Concats, an average, a dense layer (two
// operators here, one Gemm in ONNX), Softmax.
TEST(StageCounts, GoogLeNet) {
  Net net("[N,64,64,3]");
  std::string x = net.conv_relu("%x", 3, 8, 7, 2);
  x = net.op("LRN", net.pool(x, 2), "alpha=0.0001, beta=0.75, bias=1, size=5");
  x = net.conv_relu(net.conv_relu(x, 8, 8, 1), 8, 24, 3);
  x = net.pool(net.op("LRN", x, "alpha=0.0001, beta=0.75, bias=1, size=5"), 2);
  int in = 24;
  for (int module = 0; module < 9; ++module) {
    if (module == 2 || module == 7) x = net.pool(x, 2);
    x = inception(net, x, in);
    in = 20;
  }
  x = net.op("ReduceMean", x, "axes=[1,2], keepdims=false");
  x = net.op("Softmax", net.dense(x, 20, 10));
  EXPECT_EQ(net.counts(x), "142 -> 84 -> 66 -> 57");
}

// 53 Convs, batch normalizations, 49 Relus, 16 Adds, max-pool, mean, dense layer, Softmax.
TEST(StageCounts, ResNet50) {
  Net net("[N,64,64,3]");
  const auto conv_norm = [&net](const std::string& x, int in, int out, int kernel, int stride) {
    return net.norm(net.conv(x, in, out, kernel, stride), out);
  };
  std::string x = net.pool(net.op("Relu", conv_norm("%x", 3, 8, 7, 2)), 2);
  int in = 8;
  for (int blocks : {3, 4, 6, 3}) {
    for (int block = 0; block < blocks; ++block) {
      std::string y = net.op("Relu", conv_norm(x, in, 4, 1, 1));
      y = net.op("Relu", conv_norm(y, 4, 4, 3, 1));
      y = conv_norm(y, 4, 16, 1, 1);
      const std::string shortcut = block == 0 ? conv_norm(x, in, 16, 1, 1) : x;
      x = net.op("Relu", net.op("Add", y + ", " + shortcut));
      in = 16;
    }
  }
  x = net.op("ReduceMean", x, "axes=[1,2], keepdims=false");
  x = net.op("Softmax", net.dense(x, 16, 10));
  EXPECT_EQ(net.counts(x), "229 -> 57 -> 57 -> 57");
}

// 17 bottlenecks: expand, depthwise, project, with ReLU6 and shortcuts.
TEST(StageCounts, MobileNetV2) {
  Net net("[N,64,64,3]");
  const std::string low = net.constant("f32[]", "[0]"), high = net.constant("f32[]", "[6]");
  const auto relu6 = [&](const std::string& x) {
    return net.op("Min", net.op("Max", x + ", " + low) + ", " + high);
  };
  std::string x = relu6(net.norm(net.conv("%x", 3, 8, 3, 2), 8));
  for (int block = 0; block < 17; ++block) {
    std::string y = x;
    int wide = 8;
    if (block > 0) {
      y = relu6(net.norm(net.conv(y, 8, 16, 1), 16));
      wide = 16;
    }
    y = relu6(net.norm(net.conv(y, wide, wide, 3, 1, wide), wide));
    y = net.norm(net.conv(y, wide, 8, 1), 8);
    x = block % 2 ? net.op("Add", x + ", " + y) : y;
  }
  x = relu6(net.norm(net.conv(x, 8, 16, 1), 16));
  x = net.op("ReduceMean", x, "axes=[1,2], keepdims=false");
  x = net.op("Softmax", net.dense(x, 16, 10));
  EXPECT_EQ(net.counts(x), "238 -> 55 -> 55 -> 55");
}

// 16 blocks with squeeze and excite and x * sigmoid(x).
TEST(StageCounts, EfficientNetB0) {
  Net net("[N,64,64,3]");
  const auto swish = [&net](const std::string& x) {
    return net.op("Mul", x + ", " + net.op("Sigmoid", x));
  };
  std::string x = swish(net.norm(net.conv("%x", 3, 8, 3, 2), 8));
  for (int block = 0; block < 16; ++block) {
    std::string y = block > 0 ? swish(net.norm(net.conv(x, 8, 8, 1), 8)) : x;
    y = swish(net.norm(net.conv(y, 8, 8, 3, 1, 8), 8));
    std::string squeezed = net.op("ReduceMean", y, "axes=[1,2], keepdims=true");
    squeezed = net.conv(swish(net.conv(squeezed, 8, 4, 1)), 4, 8, 1);
    y = net.op("Mul", y + ", " + net.op("Sigmoid", squeezed));
    y = net.norm(net.conv(y, 8, 8, 1), 8);
    x = block % 2 ? net.op("Add", y + ", " + x) : y;
  }
  x = swish(net.norm(net.conv(x, 8, 16, 1), 16));
  x = net.op("ReduceMean", x, "axes=[1,2], keepdims=false");
  x = net.op("Softmax", net.dense(x, 16, 10));
  EXPECT_EQ(net.counts(x), "337 -> 116 -> 116 -> 116");
}

// 12 encoder layers as PyTorch's exporter writes them, attention already in one piece: 6 MatMuls,
// each with a bias, Reshapes between, 2 layer normalizations.
TEST(StageCounts, Bert) {
  Net net("[N,5,8]");
  const std::string heads = net.constant("i64[4]", "[-1, 5, 2, 4]");
  const std::string joined = net.constant("i64[3]", "[-1, 5, 8]");
  const auto head = [&](const std::string& x) {
    return net.op("Reshape", net.dense(x, 8, 8) + ", " + heads);
  };
  const auto layer_norm = [&](const std::string& x) {
    return net.op("LayerNormalization", x + ", " + net.constant("f32[8]", "random(8)"));
  };
  std::string x = "%x";
  for (int layer = 0; layer < 12; ++layer) {
    const std::string q = head(x), k = head(x), v = head(x);
    std::string y = net.op("Attention", q + ", " + k + ", " + v,
                           "query_tokens_first=true, key_tokens_first=true, "
                           "value_tokens_first=true, output_tokens_first=true");
    y = net.dense(net.op("Reshape", y + ", " + joined), 8, 8);
    x = layer_norm(net.op("Add", x + ", " + y));
    y = net.dense(net.op("Gelu", net.dense(x, 8, 16)), 16, 8);
    x = layer_norm(net.op("Add", x + ", " + y));
  }
  // Left of each layer: 6 MatMuls, attention and the 2 normalizations.
  EXPECT_EQ(net.counts(x), "216 -> 108 -> 108 -> 108");
}

}  // namespace
}  // namespace hone
