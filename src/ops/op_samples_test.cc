#include "ops/op_samples_test.h"

#include "ops/conv_transpose.h"
#include "ops/lrn.h"
#include "ops/resize.h"
#include "ops/selection.h"

namespace hone {
namespace {

// Positive integers, so that they may be divisors.
Tensor integer_tensor(std::vector<int64_t> shape, int seed) {
  Tensor tensor = Tensor::empty(DataType::i64, std::move(shape));
  auto* data = tensor.mutable_data<int64_t>();
  for (int64_t i = 0; i < tensor.num_elements(); ++i) data[i] = 1 + (i * 7 + seed * 3) % 9;
  return tensor;
}

Tensor cast(const Tensor& tensor, DataType dtype) {
  const Tensor inputs[] = {tensor};
  return evaluate_reference(op("Cast"), CastAttributes{dtype}, {}, inputs).value()[0];
}

Tensor i64s(const std::vector<int64_t>& values) {
  return Tensor::from({static_cast<int64_t>(values.size())}, values);
}

// Whatever dtypes the operator takes, with and without broadcasting.
void add_pointwise_samples(std::vector<OpSample>& samples) {
  for (const OpDef* op : all_ops()) {
    if (!op->pointwise) continue;
    const int arity = op->pointwise->arity;
    for (DataType dtype : {DataType::f32, DataType::f64, DataType::f16, DataType::bf16,
                           DataType::i64, DataType::i32, DataType::u8, DataType::boolean}) {
      OpSample sample{op->name, op->defaults, {}, arity};
      for (int i = 0; i < arity; ++i) {
        std::vector<int64_t> shape = i == 1 ? std::vector<int64_t>{5} : std::vector<int64_t>{3, 5};
        if (i == 2) shape = {3, 1};
        const bool condition = sample.op == "Where" && i == 0;
        sample.inputs.push_back(
            sample_tensor(condition ? DataType::boolean : dtype, std::move(shape), i));
      }
      SymbolScope symbols;
      InferContext context{&sample.attributes, {}, &symbols};
      for (const Tensor& input : sample.inputs) {
        context.inputs.push_back({{input.dtype(), to_shape(input.shape())}});
      }
      if (infer_types(*op, {}, context).ok()) samples.push_back(std::move(sample));
    }
  }
  PointwiseAttributes program;
  program.program = Program::parse("t0=Mul(x0,x1);t1=Relu(t0);t2=Add(t1,0.5);", 2).value();
  samples.push_back({"Pointwise",
                     program,
                     {sample_tensor(DataType::f32, {3, 5}), sample_tensor(DataType::f32, {5})},
                     2});
}

void add_shape_samples(std::vector<OpSample>& samples) {
  const Tensor x = sample_tensor(DataType::f32, {3, 4, 5});
  for (DataType to : {DataType::f16, DataType::i8, DataType::u64, DataType::boolean}) {
    samples.push_back({"Cast", CastAttributes{to}, {x}});
  }
  samples.push_back({"Identity", {}, {x}});
  samples.push_back({"Shape", {}, {x}});
  samples.push_back({"Size", {}, {x}});
  for (auto shape : {std::vector<int64_t>{0, -1}, {5, 4, 3}, {60}, {-1, 1, 2}, {0, 0, -1}}) {
    samples.push_back({"Reshape", ReshapeAttributes{}, {x, i64s(shape)}});
  }
  const Tensor ones = sample_tensor(DataType::f32, {1, 4, 1, 5});
  samples.push_back({"Squeeze", AxesAttributes{{0, -2}}, {ones}});
  samples.push_back({"Squeeze", AxesAttributes{}, {ones}, 0});
  samples.push_back({"Unsqueeze", AxesAttributes{{0, -1}}, {x}});
  samples.push_back({"Fill", {}, {i64s({2, 3}), Tensor::scalar<int64_t>(7)}, 0});
  for (auto [start, limit, delta] : {std::tuple{0, 7, 2}, {5, -3, -3}, {4, 4, 1}}) {
    samples.push_back({"Range",
                       {},
                       {Tensor::scalar<int64_t>(start), Tensor::scalar<int64_t>(limit),
                        Tensor::scalar<int64_t>(delta)},
                       0});
  }
  samples.push_back(
      {"Range", {}, {Tensor::scalar(0.5f), Tensor::scalar(2.0f), Tensor::scalar(0.25f)}, 0});
}

void add_movement_samples(std::vector<OpSample>& samples) {
  const Tensor x = sample_tensor(DataType::f32, {3, 4, 5});
  samples.push_back({"Transpose", TransposeAttributes{{1, 2, 0}}, {x}});
  samples.push_back({"Transpose", TransposeAttributes{}, {x}});
  samples.push_back({"Concat", ConcatAttributes{1}, {x, x, x}, 3});
  samples.push_back({"Concat", ConcatAttributes{-1}, {i64s({1, 2}), i64s({3})}, 0});
  samples.push_back({"Split", SplitAttributes{-1, {1, 4}}, {x}});
  samples.push_back({"Split", SplitAttributes{0, {2, 1, 0}}, {i64s({5, 6, 7})}, 0});
  const int64_t end = INT64_MAX;
  for (auto [starts, ends, axes, steps] :
       {std::tuple<std::vector<int64_t>, std::vector<int64_t>, std::vector<int64_t>,
                   std::vector<int64_t>>{{1}, {end}, {0}, {1}},
        {{-2, 0}, {end, -1}, {1, 2}, {1, 2}},
        {{-1}, {INT64_MIN}, {-1}, {-1}},
        {{0, 3}, {2, 1}, {2, 1}, {1, -2}},
        {{100}, {-100}, {0}, {-3}},
        {{2}, {2}, {0}, {1}}}) {
    samples.push_back({"Slice", {}, {x, i64s(starts), i64s(ends), i64s(axes), i64s(steps)}});
  }
  samples.push_back({"Slice", {}, {i64s({4, 5, 6}), i64s({-1}), i64s({end})}, 0});
  samples.push_back({"Gather", GatherAttributes{1, 0}, {x, i64s({0, -1})}});
  samples.push_back(
      {"Gather", GatherAttributes{1, 1}, {x, Tensor::from<int32_t>({3, 2}, {0, 1, 2, 3, -4, 0})}});
  samples.push_back({"Gather", GatherAttributes{}, {i64s({4, 5}), Tensor::scalar<int64_t>(1)}, 0});
  samples.push_back({"Expand", {}, {sample_tensor(DataType::f32, {4, 1}), i64s({3, 1, 5})}});
  samples.push_back({"Tile", {}, {x, i64s({2, 1, 3})}});
  for (const char* mode : {"constant", "reflect", "symmetric", "edge"}) {
    samples.push_back({"Pad", PadAttributes{mode}, {x, i64s({0, 2, -1, 1, 3, 2})}});
  }
}

void add_spatial_samples(std::vector<OpSample>& samples, const Tensor& image) {
  const Tensor filter = sample_tensor(DataType::f32, {6, 3, 2, 4}, 1);
  ConvTransposeAttributes transposed{.strides = {2, 3}, .pads = {1, 0, 1, 1}};
  samples.push_back({"ConvTranspose", transposed, {image, filter}});
  transposed.output_padding = {1, 0};
  transposed.dilations = {1, 2};
  transposed.groups = 2;
  samples.push_back(
      {"ConvTranspose", transposed, {image, sample_tensor(DataType::f32, {6, 3, 2, 2}, 1)}});
  for (const char* auto_pad : {"same_upper", "same_lower", "valid"}) {
    samples.push_back({"ConvTranspose",
                       ConvTransposeAttributes{.strides = {2, 2}, .auto_pad = auto_pad},
                       {image, filter}});
  }
  samples.push_back({"ConvTranspose",
                     ConvTransposeAttributes{.strides = {2, 2}, .auto_pad = "same_lower"},
                     {image, filter, i64s({17, 14})}});
  for (const char* mode : {"nearest", "linear", "cubic"}) {
    ResizeAttributes resize{.mode = mode, .axes = {1, 2}, .scales = {2, 1.5}};
    samples.push_back({"Resize", resize, {image}});
    resize.scales = {};
    resize.coordinates = "align_corners";
    samples.push_back({"Resize", resize, {image, i64s({4, 9})}, 0});
  }
  samples.push_back({"Resize", ResizeAttributes{.axes = {0}}, {i64s({1, 2, 3}), i64s({5})}, 0});
}

void add_chain_samples(std::vector<OpSample>& samples, const Tensor& image) {
  const auto tensor = [](std::vector<int64_t> shape, int seed) {
    return sample_tensor(DataType::f32, std::move(shape), seed);
  };
  ConvChainAttributes chain;
  chain.first.auto_pad = "same_upper";
  chain.second = {.strides = {2, 1}, .pads = {1, 0, 1, 2}, .groups = 3};
  chain.epilogue_1 = *Program::parse("t0=Max(x0,0);t1=Min(t0,6);", 1);
  const std::vector<Tensor> two = {image, tensor({3, 1, 1, 4}, 1), tensor({3}, 2),
                                   tensor({3, 3, 3, 1}, 3), tensor({3}, 4)};
  samples.push_back({"ConvChain", chain, two});
  chain.epilogue_2 = *Program::parse("t0=Sigmoid(x0);t1=Mul(x0,t0);", 1);
  std::vector<Tensor> three = two;
  three.push_back(tensor({5, 1, 1, 3}, 5));
  three.push_back(tensor({5}, 6));
  samples.push_back({"ConvChain", chain, three});
}

void add_arithmetic_samples(std::vector<OpSample>& samples) {
  const Tensor image = sample_tensor(DataType::f32, {2, 9, 7, 4});
  add_chain_samples(samples, image);
  for (const char* auto_pad : {"explicit", "same_upper", "same_lower", "valid"}) {
    ConvAttributes conv{.strides = {2, 1}, .dilations = {1, 2}, .auto_pad = auto_pad};
    if (conv.auto_pad == "explicit") conv.pads = {1, 0, 2, 3};
    samples.push_back({"Conv",
                       conv,
                       {image, sample_tensor(DataType::f32, {6, 3, 2, 4}, 1),
                        sample_tensor(DataType::f32, {6}, 2)}});
    conv.groups = 2;
    samples.push_back({"Conv", conv, {image, sample_tensor(DataType::f32, {6, 3, 2, 2}, 1)}});
    for (const bool ceil_mode : {false, true}) {
      PoolAttributes pool{.kernel = {3, 2}, .strides = {2, 2}, .auto_pad = auto_pad};
      if (pool.auto_pad == "explicit") pool.pads = {1, 0, 1, 1};
      pool.ceil_mode = ceil_mode;
      pool.count_include_pad = ceil_mode;
      samples.push_back({"MaxPool", pool, {image}});
      samples.push_back({"AveragePool", pool, {image}});
    }
  }
  add_spatial_samples(samples, image);
  const std::pair<std::vector<int64_t>, std::vector<int64_t>> kShapes[] = {
      {{3, 4}, {4, 5}}, {{2, 1, 3, 4}, {6, 4, 5}}, {{4}, {4}}, {{4}, {2, 4, 5}}, {{3, 4}, {4}}};
  for (const auto& [a, b] : kShapes) {
    samples.push_back({"MatMul",
                       MatMulAttributes{},
                       {sample_tensor(DataType::f32, a), sample_tensor(DataType::f32, b, 1)},
                       2});
  }
  samples.push_back({"MatMul",
                     MatMulAttributes{true, true},
                     {integer_tensor({2, 4, 3}, 0), integer_tensor({5, 4}, 1)},
                     0});
  for (const OpDef* op : all_ops()) {
    const std::string name = op->name;
    if (name.rfind("Reduce", 0) == 0) {
      samples.push_back({name, ReduceAttributes{{1, -1}, false}, {image}});
      samples.push_back({name, ReduceAttributes{{}, true}, {image}});
      samples.push_back({name, ReduceAttributes{{2}, true}, {image}});
    }
  }
  samples.push_back({"ReduceProd", ReduceAttributes{{0}, false}, {i64s({2, 3, 4})}, 0});
  samples.push_back({"ArgMax", ArgAttributes{.axis = 1}, {image}});
  samples.push_back(
      {"ArgMin", ArgAttributes{-1, false, true, DataType::i32}, {integer_tensor({3, 4}, 0)}});
  samples.push_back({"LRN", LrnAttributes{.size = 2, .alpha = 0.5}, {image}});
  samples.push_back({"Softmax", SoftmaxAttributes{}, {image}});
  samples.push_back({"LogSoftmax", SoftmaxAttributes{1}, {image}});
  const Tensor query = sample_tensor(DataType::f32, {2, 3, 4, 5});
  const Tensor key = sample_tensor(DataType::f32, {2, 3, 6, 5}, 1);
  const Tensor value = sample_tensor(DataType::f32, {2, 3, 6, 7}, 2);
  samples.push_back({"Attention", AttentionAttributes{}, {query, key, value}, 3});
  samples.push_back({"Attention",
                     AttentionAttributes{.scale = 0.5},
                     {query, key, value, sample_tensor(DataType::f32, {2, 1, 1, 6}, 3)},
                     4});
  samples.push_back({"Attention",
                     AttentionAttributes{.masked_value = -1e30, .zero_masked = true},
                     {query, key, value, sample_tensor(DataType::boolean, {4, 6}, 3)},
                     4});
  samples.push_back(
      {"Attention",
       AttentionAttributes{.query_tokens_first = true,
                           .key_tokens_first = true,
                           .value_tokens_first = true,
                           .output_tokens_first = true},
       {sample_tensor(DataType::f32, {2, 4, 3, 5}), sample_tensor(DataType::f32, {2, 6, 3, 5}),
        sample_tensor(DataType::f32, {2, 6, 3, 7})},
       3});
  const Tensor channels = sample_tensor(DataType::f32, {4}, 1);
  for (const auto& axes : {std::vector<int64_t>{-1}, {1, 2}, {1, 2, 3}}) {
    const NormalizationAttributes attributes{axes, 1e-3};
    samples.push_back({"LayerNormalization", attributes, {image}});
    samples.push_back({"LayerNormalization", attributes, {image, channels, channels}});
    samples.push_back({"RMSNormalization", attributes, {image, channels}});
  }
}

// A sequence of 5 steps, batch 2, 3 features, 4 units.
void add_recurrent_samples(std::vector<OpSample>& samples) {
  const Tensor lengths = Tensor::from<int32_t>({2}, {5, 2});
  const auto add = [&](const char* op, int64_t gates, Attributes attributes, int64_t directions,
                       bool all_inputs, bool batch_major = false) {
    OpSample sample{op, std::move(attributes), {}, 1};
    const auto tensor = [&](std::vector<int64_t> shape) {
      return sample_tensor(DataType::f32, std::move(shape), static_cast<int>(sample.inputs.size()));
    };
    const std::vector<int64_t> x =
        batch_major ? std::vector<int64_t>{2, 5, 3} : std::vector<int64_t>{5, 2, 3};
    sample.inputs = {tensor(x), tensor({directions, gates * 4, 3}),
                     tensor({directions, gates * 4, 4})};
    if (all_inputs) {
      const std::vector<int64_t> state = batch_major ? std::vector<int64_t>{2, directions, 4}
                                                     : std::vector<int64_t>{directions, 2, 4};
      sample.inputs.push_back(tensor({directions, 2 * gates * 4}));
      sample.inputs.push_back(lengths);
      sample.inputs.push_back(tensor(state));
      if (sample.op == "LSTM") {
        sample.inputs.push_back(tensor(state));
        sample.inputs.push_back(tensor({directions, 12}));
      }
    }
    samples.push_back(std::move(sample));
  };
  LstmAttributes lstm;
  add("LSTM", 4, lstm, 1, false);
  lstm.direction = "bidirectional";
  lstm.clip = 0.5;
  add("LSTM", 4, lstm, 2, true);
  lstm.batch_major = lstm.input_forget = true;
  lstm.activations = "Sigmoid,Tanh,Softsign,HardSigmoid,ScaledTanh,Elu";
  lstm.alphas = {0, 0, 0, 0.25, 1.5, 0.5};
  lstm.betas = {0, 0, 0, 0.5, 0.75, 0};
  add("LSTM", 4, lstm, 2, true, true);
  GruAttributes gru;
  add("GRU", 3, gru, 1, false);
  gru.linear_before_reset = true;
  gru.direction = "reverse";
  add("GRU", 3, gru, 1, true);
  RecurrentAttributes rnn;
  add("RNN", 1, rnn, 1, false);
  rnn.direction = "bidirectional";
  add("RNN", 1, rnn, 2, true);
}

void add_selection_samples(std::vector<OpSample>& samples) {
  const Tensor x = sample_tensor(DataType::f32, {3, 4, 5});
  const Tensor counts = integer_tensor({3, 4}, 1);
  samples.push_back({"TopK", TopKAttributes{}, {x, Tensor::scalar<int64_t>(2)}});
  samples.push_back({"TopK", TopKAttributes{0, false, DataType::i32}, {counts, i64s({3})}});
  samples.push_back(
      {"GatherND", GatherNdAttributes{}, {x, Tensor::from<int64_t>({2, 2}, {0, -1, 2, 3})}});
  samples.push_back(
      {"GatherND", GatherNdAttributes{1}, {x, Tensor::from<int64_t>({3, 1}, {0, 3, -4})}});
  samples.push_back({"GatherElements",
                     GatherElementsAttributes{1},
                     {x, Tensor::from<int64_t>({1, 2, 1}, {0, -1})}});
  for (const char* reduction : {"none", "add", "sub", "mul", "min", "max"}) {
    samples.push_back({"ScatterND",
                       ScatterNdAttributes{reduction},
                       {counts, Tensor::from<int64_t>({2, 1}, {2, 2}), integer_tensor({2, 4}, 3)},
                       1});
    samples.push_back({"ScatterElements",
                       ScatterElementsAttributes{-1, reduction},
                       {x, Tensor::from<int64_t>({1, 1, 2}, {4, -5}),
                        sample_tensor(DataType::f32, {1, 1, 2}, 2)}});
  }
  for (const bool flag : {false, true}) {
    samples.push_back({"CumSum", CumulativeAttributes{1, flag, !flag}, {x}});
    samples.push_back({"CumProd", CumulativeAttributes{-1, !flag, flag}, {counts}});
  }
}

// Boxes as corners in any order; results whose size depends on values.
void add_detection_samples(std::vector<OpSample>& samples) {
  const Tensor boxes = sample_tensor(DataType::f32, {2, 9, 4});
  const Tensor scores = sample_tensor(DataType::f32, {2, 3, 9}, 1);
  samples.push_back({"NonMaxSuppression",
                     NmsAttributes{},
                     {boxes, scores, i64s({4}), Tensor::scalar(0.3f), Tensor::scalar(0.0f)},
                     2});
  samples.push_back({"NonMaxSuppression", NmsAttributes{true}, {boxes, scores, i64s({9})}, 2});
  samples.push_back({"NonMaxSuppressionPadded",
                     PaddedNmsAttributes{5, 0.3, -2, 0.5},
                     {sample_tensor(DataType::f32, {9, 4}), sample_tensor(DataType::f32, {9}, 2)},
                     2});
  for (const bool pad : {false, true}) {
    CombinedNmsAttributes attributes;
    attributes.max_per_class = 2;
    attributes.max_total = 7;
    attributes.pad_per_class = pad;
    samples.push_back(
        {"CombinedNonMaxSuppression",
         attributes,
         {sample_tensor(DataType::f32, {2, 9, 1, 4}), sample_tensor(DataType::f32, {2, 9, 3}, 1)},
         2});
  }
  const Tensor flags = Tensor::from<bool>({3}, {true, false, true});
  samples.push_back({"NonZero", {}, {sample_tensor(DataType::f32, {3, 4})}});
  samples.push_back(
      {"Compress", CompressAttributes{1}, {sample_tensor(DataType::f32, {2, 4, 3}), flags}});
  samples.push_back({"Unique", UniqueAttributes{true}, {integer_tensor({20}, 0)}});
  samples.push_back({"Unique", UniqueAttributes{false}, {sample_tensor(DataType::f32, {20})}});
}

}  // namespace

Tensor sample_tensor(DataType dtype, std::vector<int64_t> shape, int seed) {
  const Tensor integers = integer_tensor(std::move(shape), seed);
  if (is_integer(dtype)) return cast(integers, dtype);
  Tensor numbers = Tensor::empty(DataType::f32, integers.shape());
  float* data = numbers.mutable_data<float>();
  for (int64_t i = 0; i < numbers.num_elements(); ++i) {
    data[i] = 0.25f * static_cast<float>(integers.data<int64_t>()[i] - 5);
  }
  return cast(numbers, dtype);
}

std::vector<OpSample> op_samples() {
  std::vector<OpSample> samples;
  add_pointwise_samples(samples);
  add_shape_samples(samples);
  add_movement_samples(samples);
  add_arithmetic_samples(samples);
  add_recurrent_samples(samples);
  add_selection_samples(samples);
  add_detection_samples(samples);
  return samples;
}

}  // namespace hone
