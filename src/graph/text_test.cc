#include "graph/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "base/file.h"
#include "graph/verify.h"

namespace hone {
namespace {

using ::testing::HasSubstr;

// Covers each form once. Printed exactly like this.
constexpr const char* kPrinted = R"(graph "an \"example\"" {
  symbols 1
  require M == 4*N
  input %x: f32[N,3] @"x:0"
  input %m: f32[M,3]
  const %"w 1": f32[3] @"" = [1, -0, 0.1]
  const %one: f32[6,3] = splat(1.5)
  const %flags: bool[2] = [true, false]
  const %names: string[2] = ["a", "b\x0a\"c\\"]
  const %none: i64[0] = []
  %a: f32[N,3] = Relu(%x)
  %b: f32[N,3] @"conv1:0" = Add(%a, %"w 1") epilogue{t0=Mul(x0,x1);t1=Max(t0,0);}(%a) "sum/1" from ["p", "q"]
  %c: f32[N,3] @"" = Mul(%b, %b) "c" from ["b"]
  output %c
  output %b as "b:0"
}
)";

Graph read(std::string_view text, const ConstantStore* store = nullptr) {
  auto graph = parse_graph(text, store);
  if (!graph.ok()) ADD_FAILURE() << graph.status().message();
  return graph.ok() ? std::move(*graph) : Graph();
}

std::string error_of(std::string_view text) {
  auto graph = parse_graph(text);
  if (graph.ok()) return "no error";
  EXPECT_EQ(graph.status().code(), Code::kModel);
  return graph.status().message();
}

TEST(TextTest, PrintsWhatItRead) {
  std::string text = kPrinted;
  text.erase(text.find(" \"c\" from"), 4);  // the default name
  const Graph graph = read(text);
  EXPECT_EQ(print_graph(graph, {.inline_constants = 6}), text);
  EXPECT_EQ(print_graph(read(kPrinted), {.inline_constants = 6}), text);
  EXPECT_TRUE(verify(graph).ok()) << verify(graph).message();
}

TEST(TextTest, ShortForms) {
  const Graph graph = read(R"(
    // types, names and the rest are inferred
    graph { input %x: f32[ N , 4]  %y = Relu(%x) output %y }
  )");
  EXPECT_EQ(print_graph(graph), R"(graph "" {
  symbols 0
  input %x: f32[N,4]
  %y: f32[N,4] = Relu(%x)
  output %y
}
)");
  EXPECT_EQ(print_graph(graph, {.types = false}), R"(graph "" {
  symbols 0
  input %x: f32[N,4]
  %y = Relu(%x)
  output %y
}
)");
}

TEST(TextTest, ErrorsSayWhere) {
  EXPECT_THAT(error_of("grph {}"), HasSubstr("1:1: this is not the text of a graph"));
  EXPECT_THAT(error_of("graph {\n  input %x: f32[2]\n  %y = Relu(%z)\n}"),
              HasSubstr("3:13: there is no value 'z' yet"));
  EXPECT_THAT(error_of("graph {\n  input %x: f32[2]\n  %y = Rleu(%x)\n}"),
              HasSubstr("3:8: there is no operator 'Rleu'"));
  EXPECT_THAT(error_of("graph { input %x: f32[2] %y: f32[3] = Relu(%x) }"),
              HasSubstr("1:26: the type is f32[2], not f32[3]"));
  EXPECT_THAT(error_of("graph { input %x: f32[2] input %x: f32[2] }"), HasSubstr("already is"));
  EXPECT_THAT(error_of("graph { input %x: f32[2] %y, %y = Relu(%x) }"), HasSubstr("twice"));
  EXPECT_THAT(error_of("graph { input %x: f32[2] %y, %z = Relu(%x) }"), HasSubstr("1 outputs"));
  EXPECT_THAT(error_of("graph { const %x: f32[2] = [1] }"), HasSubstr("',' is missing"));
  EXPECT_THAT(error_of("graph { const %x: i8[1] = [128] }"),
              HasSubstr("'128' is no element of i8"));
  EXPECT_THAT(error_of("graph { const %x: f32[99999999999] = [1] }"), HasSubstr("fewer elements"));
  EXPECT_THAT(error_of("graph { const %x: f32[99999999999] = splat(1) }"), HasSubstr("256"));
  EXPECT_THAT(error_of("graph { const %x: f32[9999999999,9999999999] = splat(1) }"),
              HasSubstr("1:47"));
  EXPECT_THAT(error_of("graph { const %x: f32[1] = #00000000000000000000000000000000 }"),
              HasSubstr("Fix: give the file of constants"));
  EXPECT_THAT(error_of("graph { symbols 2000000000 }"), HasSubstr("too many symbols"));
  EXPECT_THAT(error_of("graph { require N == M }"), HasSubstr("'symbols' must come before"));
  EXPECT_THAT(error_of("graph { input %x: f32[-1] }"), HasSubstr("negative"));
  EXPECT_THAT(error_of("graph { input %x: f32[2] } x"), HasSubstr("text after"));
  EXPECT_THAT(error_of("graph { input %x: f32[2] %y = Relu(%x) {alpha=1} }"),
              HasSubstr("1:40: attributes"));
  EXPECT_THAT(error_of("graph { input %x: f32[2] %y = Relu(%x) epilogue{t0=Neg(x1)}() }"),
              HasSubstr("no such input"));
  EXPECT_THAT(error_of("graph { input %x: f32[2] %y = Relu(%x) epilogue{}() }"),
              HasSubstr("no instr"));
  EXPECT_THAT(error_of("graph { input %x: f32[2] %y = Relu(%x, %x) }"), HasSubstr("1:31"));
  EXPECT_THAT(error_of("graph {\n const %x: f32[1] = [1] @\"\"\n}"),
              HasSubstr("2:25: a statement"));
  EXPECT_THAT(error_of(std::string(100000, '{')), HasSubstr("1:1"));
}

template <class T>
void expect_bits_round_trip(const std::vector<T>& values) {
  Graph graph;
  graph.add_constant("c", Tensor::from<T>({static_cast<int64_t>(values.size())}, values));
  const std::string text = print_graph(graph, {.inline_constants = 1000});
  std::string why;
  EXPECT_TRUE(graphs_equal(graph, read(text), &why)) << why << "\n" << text;
}

TEST(TextTest, ElementsKeepTheirBits) {
  using Float = std::numeric_limits<float>;
  using Double = std::numeric_limits<double>;
  expect_bits_round_trip<float>({0, -0.0f, 1.0f / 3, Float::max(), Float::min(),
                                 Float::denorm_min(), Float::infinity(), -Float::infinity(),
                                 Float::quiet_NaN(), -Float::quiet_NaN(),
                                 std::bit_cast<float>(0x7fa00001)});
  expect_bits_round_trip<double>({-0.0, 1.0 / 3, Double::max(), Double::denorm_min(), 1e23,
                                  Double::quiet_NaN(), std::bit_cast<double>(0x7ff4000000000001)});
  expect_bits_round_trip<int8_t>({-128, 127, 0});
  expect_bits_round_trip<uint8_t>({255});
  expect_bits_round_trip<int64_t>({INT64_MIN, INT64_MAX});
  expect_bits_round_trip<uint64_t>({UINT64_MAX});
  std::vector<Float16> halves;
  std::vector<BFloat16> bfloats;
  for (uint32_t bits = 0; bits < 0x10000; bits += 113) {
    halves.emplace_back().bits = static_cast<uint16_t>(bits);
    bfloats.emplace_back().bits = static_cast<uint16_t>(bits);
  }
  expect_bits_round_trip(std::vector<Float16>(halves.begin(), halves.begin() + 500));
  expect_bits_round_trip(std::vector<BFloat16>(bfloats.begin(), bfloats.begin() + 500));
  const uint32_t seed = 7;
  std::mt19937 random(seed);
  std::vector<float> floats(900);
  for (float& f : floats) f = std::bit_cast<float>(static_cast<uint32_t>(random()));
  expect_bits_round_trip(floats);
}

TEST(TextTest, RandomConstantsAreFixed) {
  const Graph graph = read(R"(graph {
    const %a: f32[1000] = random(1)
    const %b: f32[1000] = random(1)
    const %c: f32[1000] = random(2)
    const %i: i8[100] = random(3)
  })");
  const Tensor& a = *graph.find_value("a")->constant();
  EXPECT_EQ(a, *graph.find_value("b")->constant());
  EXPECT_FALSE(a == *graph.find_value("c")->constant());
  double sum = 0;
  const std::vector<double> a_elements = *a.as_doubles();
  for (double element : a_elements) {
    EXPECT_LE(std::abs(element), 1);
    sum += element;
  }
  EXPECT_LT(std::abs(sum), 4 * std::sqrt(1000 / 3.0));  // 4 standard deviations
  const std::vector<double> i_elements = *graph.find_value("i")->constant()->as_doubles();
  for (double element : i_elements) {
    EXPECT_LE(std::abs(element), 8);
  }
}

TEST(TextTest, BigConstantsGoThroughTheStore) {
  Graph graph = read("graph { const %a: f32[100] = random(1) const %b: u8[3,7] = random(2) }");
  graph.add_constant("c", *graph.find_value("a")->constant());
  const std::string text = print_graph(graph);
  EXPECT_THAT(
      text, HasSubstr("const %a: f32[100] = #" + graph.find_value("a")->constant()->hash().hex()));
  ConstantStore store;
  collect_constants(graph, {}, &store);
  EXPECT_EQ(store.size(), 2u);
  std::string why;
  EXPECT_TRUE(graphs_equal(graph, read(text, &store), &why)) << why;

  const std::string path = testing::TempDir() + "/hone_constants.bin";
  ASSERT_TRUE(store.save(path).ok());
  auto loaded = ConstantStore::load(path);
  ASSERT_TRUE(loaded.ok()) << loaded.status().message();
  EXPECT_TRUE(graphs_equal(graph, read(text, &*loaded), &why)) << why;

  // Every truncation and every changed byte of what matters is noticed or harmless.
  const std::string bytes = read_file(path).value();
  for (size_t size = 0; size < bytes.size(); size += 11) {
    ASSERT_TRUE(write_file_atomically(path, bytes.substr(0, size)).ok());
    EXPECT_FALSE(ConstantStore::load(path).ok()) << size;
  }
  for (size_t at = 0; at < bytes.size(); at += 9) {
    std::string changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ 0x81);
    ASSERT_TRUE(write_file_atomically(path, changed).ok());
    auto store = ConstantStore::load(path);
    if (!store.ok()) continue;
    for (const char* name : {"a", "b"}) {
      const Tensor* found = store->find(graph.find_value(name)->constant()->hash());
      if (found) {
        EXPECT_EQ(*found, *graph.find_value(name)->constant());
      }
    }
  }
  std::remove(path.c_str());
  EXPECT_EQ(ConstantStore::load(path).status().code(), Code::kIo);
}

TEST(TextTest, EqualitySeesDifferences) {
  const Graph graph = read(kPrinted);
  const auto changed = [](std::string_view from, std::string_view to) {
    std::string text = kPrinted;
    return read(text.replace(text.find(from), from.size(), to));
  };
  std::string why;
  EXPECT_TRUE(graphs_equal(graph, read(kPrinted), &why)) << why;
  const std::pair<const char*, const char*> structural[] = {{"0.1]", "0.2]"},
                                                            {"Max(t0,0)", "Max(t0,1)"},
                                                            {"Mul(%b, %b)", "Mul(%b, %a)"},
                                                            {"Relu(%x)", "Sqrt(%x)"},
                                                            {"output %c", "output %a as \"c\""}};
  for (const auto& [from, to] : structural) {
    EXPECT_FALSE(graphs_equal(graph, changed(from, to), &why)) << from;
    EXPECT_FALSE(why.empty());
    EXPECT_FALSE(same_structure(graph, changed(from, to), &why)) << from;
  }
  const std::pair<const char*, const char*> names[] = {
      {"sum/1", "sum/2"},     {"conv1:0", "conv2:0"},     {"\"p\", ", ""},
      {"\"x:0\"", "\"y:0\""}, {"symbols 1", "symbols 2"}, {"[true, false]", "[true, true]"}};
  for (const auto& [from, to] : names) {
    EXPECT_FALSE(graphs_equal(graph, changed(from, to), &why)) << from;
    EXPECT_TRUE(same_structure(graph, changed(from, to), &why)) << from << ": " << why;
  }
}

TEST(TextTest, StructureIgnoresOrderAndDeadCode) {
  const Graph a = read(R"(graph {
    input %x: f32[2]
    %a = Relu(%x)  %b = Neg(%x)  %c = Sub(%a, %b)  output %c as "y" })");
  const Graph b = read(R"(graph {
    input %x: f32[2]
    %q = Neg(%x)  %dead = Neg(%q)  %p = Relu(%x)  %r = Sub(%p, %q)  output %r as "y" })");
  const Graph other = read(R"(graph {
    input %x: f32[2]
    %a = Relu(%x)  %b = Neg(%x)  %c = Sub(%b, %a)  output %c as "y" })");
  std::string why;
  EXPECT_TRUE(same_structure(a, b, &why)) << why;
  EXPECT_FALSE(graphs_equal(a, b));
  EXPECT_FALSE(same_structure(a, other));
}

// Graphs of a few operators, several outputs, epilogues and odd names.
Graph random_graph(std::mt19937& random) {
  Graph graph;
  graph.name = "random \x01\xc3\xa9";
  const Dim n = Dim::symbol("N");
  std::vector<Value*> values = {
      graph.add_input("x", {DataType::f32, {n, 4}}),
      graph.add_input("x y", {DataType::f32, {n * 2 - n, 4}}),
      graph.add_input("m", {DataType::f32, {Dim::symbol("M"), 4}}),
      graph.add_constant("c", Tensor::from<float>({4}, {0.1f, -3, 0, 9}))};
  auto pick = [&] { return values[random() % values.size()]; };
  const char* odd_names[] = {"", "a", "scope/a:0", "a\"b", "%", "\\", "a b", "_"};
  auto name = [&] { return std::string(odd_names[random() % std::size(odd_names)]); };
  const char* unary[] = {"Relu", "Neg", "Abs", "Sqrt"};
  const char* binary[] = {"Add", "Mul", "Max"};
  for (int i = 0; i < 20; ++i) {
    NodeOptions options{.name = name(), .output_names = {name()}};
    if (random() % 3 == 0) options.sources = {name(), "b"};
    std::vector<Value*> inputs = {pick()};
    const bool two = random() % 2;
    if (two) inputs.push_back(pick());
    if (random() % 4 == 0) {
      options.epilogue =
          Program::parse("t0=Add(x0,x1);t1=Max(t0,0.25);t2=Mul(t1,1e-30);", 2).value();
      inputs.push_back(pick());
    }
    auto node =
        graph.add_node(two ? binary[random() % 3] : unary[random() % 4], {}, inputs, options);
    if (node.ok()) values.push_back((*node)->output());
  }
  for (int i = 0; i < 3; ++i) graph.add_output(pick(), "out " + std::to_string(i));
  return graph;
}

TEST(TextTest, RandomGraphsRoundTrip) {
  for (uint32_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937 random(seed);
    const Graph graph = random_graph(random);
    const std::string text = print_graph(graph);
    auto parsed = parse_graph(text);
    ASSERT_TRUE(parsed.ok()) << parsed.status().message() << "\n" << text;
    std::string why;
    ASSERT_TRUE(graphs_equal(graph, *parsed, &why)) << why << "\n" << text;
    EXPECT_EQ(print_graph(*parsed), text);
    EXPECT_TRUE(verify(*parsed).ok()) << verify(*parsed).message();
    auto bare = parse_graph(print_graph(graph, {.types = false, .provenance = false}));
    ASSERT_TRUE(bare.ok()) << bare.status().message();
    EXPECT_TRUE(same_structure(graph, *bare, &why)) << why;
  }
}

// Whatever the text, the answer is an error or a graph that the verifier accepts, and that prints.
void expect_no_harm(std::string_view text) {
  auto graph = parse_graph(text);
  if (!graph.ok()) {
    EXPECT_EQ(graph.status().code(), Code::kModel);
    return;
  }
  const Status status = verify(*graph);
  // The text may name two outputs alike or claim checks at will; all else the parser makes sure of.
  if (!status.ok()) {
    EXPECT_THAT(status.message(), HasSubstr("graph output")) << text;
  }
  print_graph(*graph);
}

TEST(TextTest, SurvivesTruncation) {
  const std::string text = kPrinted;
  for (size_t size = 0; size < text.size() - 2; ++size) {
    expect_no_harm(text.substr(0, size));
    EXPECT_FALSE(parse_graph(text.substr(0, size)).ok()) << size;
  }
}

TEST(TextTest, SurvivesChangedBytes) {
  std::mt19937 random(11);
  const std::string with_nodes = print_graph(random_graph(random));
  for (const std::string& text : {std::string(kPrinted), with_nodes}) {
    for (size_t at = 0; at < text.size(); ++at) {
      for (char byte : {'\0', '"', '%', '9', ']', '}'}) {
        std::string changed = text;
        changed[at] = byte;
        expect_no_harm(changed);
      }
      std::string shorter = text;
      expect_no_harm(shorter.erase(at, 1 + random() % 8));
      std::string longer = text;
      expect_no_harm(longer.insert(at, text, random() % text.size(), random() % 40));
    }
  }
}

}  // namespace
}  // namespace hone
