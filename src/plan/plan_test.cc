// The plan file: what is written is read, and nothing else.
#include "plan/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "base/hash.h"
#include "plan/plan_file.h"
#include "plan/plan_test_util.h"

namespace hone {
namespace {

using plan_test::example_plan;
using plan_test::FileBytes;
using plan_test::PlanBuilder;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using namespace std::string_view_literals;  // NOLINT(google-build-using-namespace)

std::string write(const PlanData& plan) {
  auto bytes = write_plan(plan);
  if (!bytes.ok()) ADD_FAILURE() << bytes.status().message();
  return bytes.ok() ? *bytes : std::string();
}

void expect_equal(const Portable& a, const Portable& b) {
  EXPECT_EQ(a.model_name, b.model_name);
  EXPECT_EQ(a.inputs, b.inputs);
  EXPECT_EQ(a.outputs, b.outputs);
  EXPECT_EQ(a.input_names, b.input_names);
  EXPECT_EQ(a.output_names, b.output_names);
  EXPECT_EQ(a.must_be_equal, b.must_be_equal);
  EXPECT_EQ(a.strict_fp32, b.strict_fp32);
  ASSERT_EQ(a.profiles.size(), b.profiles.size());
  for (size_t i = 0; i < a.profiles.size(); ++i) {
    EXPECT_EQ(a.profiles[i].inputs, b.profiles[i].inputs);
  }
  ASSERT_EQ(a.values.size(), b.values.size());
  for (size_t i = 0; i < a.values.size(); ++i) {
    SCOPED_TRACE(a.values[i].name);
    EXPECT_EQ(a.values[i].name, b.values[i].name);
    EXPECT_EQ(a.values[i].source, b.values[i].source);
    EXPECT_EQ(a.values[i].type, b.values[i].type);
    EXPECT_EQ(a.values[i].kind, b.values[i].kind);
    EXPECT_EQ(a.values[i].has_data, b.values[i].has_data);
    EXPECT_EQ(a.values[i].constant, b.values[i].constant);
  }
  ASSERT_EQ(a.steps.size(), b.steps.size());
  for (size_t i = 0; i < a.steps.size(); ++i) {
    SCOPED_TRACE(a.steps[i].name);
    EXPECT_EQ(a.steps[i].name, b.steps[i].name);
    EXPECT_EQ(a.steps[i].sources, b.steps[i].sources);
    EXPECT_EQ(a.steps[i].op, b.steps[i].op);
    EXPECT_EQ(a.steps[i].attributes, b.steps[i].attributes);
    EXPECT_EQ(a.steps[i].epilogue, b.steps[i].epilogue);
    EXPECT_EQ(a.steps[i].inputs, b.steps[i].inputs);
    EXPECT_EQ(a.steps[i].outputs, b.steps[i].outputs);
    EXPECT_EQ(a.steps[i].group, b.steps[i].group);
    EXPECT_EQ(a.steps[i].device, b.steps[i].device);
  }
}

void expect_equal(const TunedStep& a, const TunedStep& b) {
  EXPECT_EQ(a.tactic, b.tactic);
  EXPECT_EQ(a.version, b.version);
  EXPECT_EQ(a.configs, b.configs);
  EXPECT_EQ(a.packed_key, b.packed_key);
  EXPECT_EQ(a.packed_offset, b.packed_offset);
  EXPECT_EQ(a.packed_bytes, b.packed_bytes);
  EXPECT_EQ(a.replaced_inputs, b.replaced_inputs);
  EXPECT_EQ(a.milliseconds, b.milliseconds);
  ASSERT_EQ(a.rejected.size(), b.rejected.size());
  for (size_t i = 0; i < a.rejected.size(); ++i) {
    EXPECT_EQ(a.rejected[i].tactic, b.rejected[i].tactic);
    EXPECT_EQ(a.rejected[i].reason, b.rejected[i].reason);
  }
}

void expect_equal(const PlanData& a, const PlanData& b) {
  expect_equal(a.portable, b.portable);
  ASSERT_EQ(a.tuned.size(), b.tuned.size());
  for (size_t i = 0; i < a.tuned.size(); ++i) {
    EXPECT_EQ(a.tuned[i].features, b.tuned[i].features);
    EXPECT_EQ(a.tuned[i].cpu, b.tuned[i].cpu);
    EXPECT_EQ(a.tuned[i].threads, b.tuned[i].threads);
    ASSERT_EQ(a.tuned[i].packed_bytes, b.tuned[i].packed_bytes);
    EXPECT_EQ(std::memcmp(a.tuned[i].packed, b.tuned[i].packed, a.tuned[i].packed_bytes), 0);
    ASSERT_EQ(a.tuned[i].steps.size(), b.tuned[i].steps.size());
    for (size_t s = 0; s < a.tuned[i].steps.size(); ++s) {
      expect_equal(a.tuned[i].steps[s], b.tuned[i].steps[s]);
    }
  }
}

void expect_round_trip(const PlanData& plan) {
  const std::string bytes = write(plan);
  EXPECT_EQ(bytes, write(plan));
  auto again = FileBytes(bytes).read();
  ASSERT_TRUE(again.ok()) << again.status().message();
  expect_equal(plan, *again);
  EXPECT_EQ(write(*again), bytes);
}

TEST(PlanTest, RoundTrip) {
  expect_round_trip(example_plan());
  expect_round_trip(PlanData());
}

// Random chains of steps over random shapes and constants.
PlanData random_plan(std::mt19937* random) {
  const auto pick = [random](int n) { return static_cast<int>((*random)() % n); };
  PlanBuilder b;
  b.portable().model_name = std::string(pick(20), '\n');
  Shape shape;
  for (int i = pick(4); i >= 0; --i) {
    shape.push_back(pick(2) ? Dim(1 + pick(3)) : Dim::symbol(pick(2) ? "N" : "height"));
  }
  std::vector<int> values = {b.input("x", DataType::f32, shape),
                             b.input("y", DataType::f32, shape)};
  for (int i = 0; i < 12; ++i) {
    const int a = values[pick(values.size())], c = values[pick(values.size())];
    switch (pick(5)) {
      case 0:
        values.push_back(b.step("Exp", {}, {a}));
        break;
      case 1:
        values.push_back(b.step("Mul", {}, {a, c}));
        break;
      case 2: {
        const Tensor number = Tensor::from<float>({1}, {static_cast<float>(pick(3))});
        values.push_back(b.step("Sub", {}, {a, b.constant("c" + std::to_string(i), number)}));
        break;
      }
      case 3: {
        Program epilogue;
        epilogue.num_inputs = 2;
        const int limit = epilogue.add_constant(pick(5) / 3.0);
        epilogue.add(&op("Min"), {epilogue.add(&op("Add"), {0, 1}), limit});
        values.push_back(b.step("Neg", {}, {a, c}, epilogue));
        break;
      }
      default:
        values.push_back(b.step("Softmax", {}, {a}));
    }
  }
  b.output("z", values.back());
  for (int i = pick(3); i > 0; --i) b.tune("avx2");
  return b.finish();
}

TEST(PlanTest, RoundTripOfRandomPlans) {
  const unsigned first = std::random_device()();
  for (unsigned seed = first; seed != first + 30; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937 random(seed);
    const PlanData plan = random_plan(&random);
    expect_round_trip(plan);
  }
}

TEST(PlanTest, EqualConstantsAreStoredOnce) {
  const auto size_with = [](float second) {
    PlanBuilder b;
    const int one = b.constant("one", Tensor::from<float>({512}, std::vector<float>(512, 1)));
    const int two = b.constant("two", Tensor::from<float>({512}, std::vector<float>(512, second)));
    b.output("sum", b.step("Add", {}, {one, two}));
    return write(b.finish()).size();
  };
  // The offset in the metadata may move the section by one step of alignment.
  EXPECT_THAT(size_with(2) - size_with(1), AnyOf(2048u, 2048u + 64));
}

TEST(PlanTest, ConstantsAndPackedWeightsAreAlignedViews) {
  const FileBytes file(write(example_plan()));
  auto plan = file.read();
  ASSERT_TRUE(plan.ok()) << plan.status().message();
  const auto inside = [&file](const void* data, size_t bytes) {
    const auto* p = static_cast<const char*>(data);
    EXPECT_GE(p, file.view().data());
    EXPECT_LE(p + bytes, file.view().data() + file.size);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(p) % 64, 0u);
  };
  for (const PlanValue& value : plan->portable.values) {
    if (value.has_data && !value.constant.is_string()) {
      inside(value.constant.raw(), value.constant.bytes());
    }
  }
  for (const Tuned& part : plan->tuned) inside(part.packed, part.packed_bytes);
}

TEST(PlanTest, ViewsOwnTheBytes) {
  Tensor constant;
  Tuned tuned;
  {
    const FileBytes file(write(example_plan()));
    auto plan = file.read();
    ASSERT_TRUE(plan.ok());
    constant = plan->portable.values[3].constant;
    tuned = plan->tuned[0];
  }
  EXPECT_EQ(constant, Tensor::from<float>({4}, {1, 2, 3, 4}));
  EXPECT_EQ(static_cast<int>(tuned.packed[2]), 14);
}

// --- damage
// ---------------------------------------------------------------------------------------

void expect_damaged(const FileBytes& file, const char* what) {
  const auto plan = file.read();
  ASSERT_FALSE(plan.ok()) << "accepted";
  EXPECT_EQ(plan.status().code(), Code::kPlan);
  EXPECT_THAT(plan.status().where(), StartsWith("m.plan: "));
  EXPECT_THAT(plan.status().message(), HasSubstr(what));
}

TEST(PlanDamageTest, EveryTruncation) {
  const std::string bytes = write(example_plan());
  for (size_t size = 0; size < bytes.size(); ++size) {
    SCOPED_TRACE(size);
    expect_damaged(FileBytes(std::string_view(bytes).substr(0, size)), "");
    if (HasFatalFailure()) return;
  }
}

// All 255 wrong values for header and section table, 10 for the rest.
TEST(PlanDamageTest, EveryByte) {
  FileBytes file(write(example_plan()));
  const size_t table_end = 64 + 4 * 32;
  for (size_t i = 0; i < file.size; ++i) {
    for (int flip = 1; flip < 256; ++flip) {
      if (i >= table_end && (flip & (flip - 1)) != 0 && flip != 0xff && flip != 0x11) continue;
      SCOPED_TRACE(testing::Message() << "byte " << i << " ^ " << flip);
      file.data()[i] ^= flip;
      expect_damaged(file, "");
      file.data()[i] ^= flip;
      if (HasFatalFailure()) return;
    }
  }
  EXPECT_TRUE(file.read().ok());
}

TEST(PlanDamageTest, MessagesSayWhere) {
  const std::string bytes = write(example_plan());
  expect_damaged(FileBytes(""), "m.plan: byte 0: the file is empty");
  expect_damaged(FileBytes("PK\3\4 this is a zip file"), "m.plan: byte 0: this is not a Hone plan");
  expect_damaged(FileBytes(bytes.substr(0, 40)), "m.plan: byte 40: the file ends in the header");
  expect_damaged(FileBytes(bytes + '\0'), "should have");
  const auto with = [&bytes](size_t position) {
    std::string copy = bytes;
    copy[position] ^= 1;
    return FileBytes(copy);
  };
  expect_damaged(with(20), "m.plan: header: the checksum does not match");
  expect_damaged(with(70), "m.plan: section table: the checksum does not match");
  expect_damaged(with(300), "m.plan: section 'metadata': the checksum does not match");
  expect_damaged(with(bytes.size() - 1), "m.plan: section 'packed weights 1': the checksum");
}

TEST(PlanDamageTest, OtherVersion) {
  std::string bytes = write(example_plan());
  bytes[8] = 2;
  expect_damaged(FileBytes(bytes),
                 "made by another version (format 2; this Hone reads 1): build it again");
}

TEST(PlanDamageTest, MisalignedMemory) {
  const std::string bytes = write(example_plan());
  const FileBytes file(" " + bytes);
  const auto plan = read_plan(file.view().substr(1), file.memory, "m.plan");
  EXPECT_EQ(plan.status().code(), Code::kInternal);
}

// --- hostile files: right checksums, wrong contents
// -----------------------------------------------

// The layout once more, from docs/plan-format.md.
uint64_t get(const FileBytes& file, size_t offset) {
  uint64_t value = 0;
  std::memcpy(&value, file.view().data() + offset, 8);
  return value;
}
void put(FileBytes* file, size_t offset, uint64_t value) {
  std::memcpy(file->data() + offset, &value, 8);
}
void sign(FileBytes* file) {
  const size_t count = get(*file, 32) & 0xffffffff;
  for (size_t i = 0; i < count; ++i) {
    const size_t entry = 64 + 32 * i;
    const size_t offset = get(*file, entry + 8), size = get(*file, entry + 16);
    if (offset > file->size || size > file->size - offset) continue;
    put(file, entry + 24, hash64(file->view().data() + offset, size));
  }
  put(file, 40, hash64(file->view().data() + 64, 32 * count));
  put(file, 56, hash64(file->view().data(), 56));
}

TEST(PlanHostileTest, SignMakesTheSameFile) {
  const std::string bytes = write(example_plan());
  FileBytes file(bytes);
  sign(&file);
  EXPECT_EQ(file.view(), bytes);
}

TEST(PlanHostileTest, HeaderAndTable) {
  const std::string bytes = write(example_plan());
  const auto expect = [&bytes](size_t offset, uint64_t value, const char* what) {
    FileBytes file(bytes);
    put(&file, offset, value);
    put(&file, 40, hash64(file.view().data() + 64, 32 * 4));
    put(&file, 56, hash64(file.view().data(), 56));
    SCOPED_TRACE(testing::Message() << "offset " << offset << " = " << value);
    expect_damaged(file, what);
  };
  expect(48, 1, "reserved field");
  expect(16, bytes.size() + 1, "should have");
  expect(24, 128, "section table is not inside");
  expect(32, 0, "0 sections");
  expect(32, 3, "section table");
  expect(32, 60, "section table");
  expect(32, 1 << 30, "sections");
  expect(64, 2, "kind 2");
  expect(64 + 8, 64, "not where they should be");
  expect(64 + 8, UINT64_MAX - 63, "not where they should be");
  expect(64 + 16, UINT64_MAX, "not where they should be");
  expect(64 + 16, 0, "the checksum does not match");
}

TEST(PlanHostileTest, PaddingMustBeZero) {
  PlanData plan = example_plan();
  FileBytes file(write(plan));
  const auto end_of_metadata = [&file] { return get(file, 64 + 8) + get(file, 64 + 16); };
  while (end_of_metadata() % 64 == 0) {  // then there is no padding
    plan.portable.model_name += "longer";
    file = FileBytes(write(plan));
  }
  const size_t end = end_of_metadata();
  file.data()[end] = 1;
  sign(&file);
  expect_damaged(file, "the padding is not 0");
}

TEST(PlanHostileTest, BooleansAreZeroOrOne) {
  PlanBuilder b;
  const int flags = b.constant("flags", Tensor::from<bool>({3}, {true, false, true}));
  b.output("y", b.step("Not", {}, {flags}));
  FileBytes file(write(b.finish()));
  file.data()[file.size - 1] = 2;
  sign(&file);
  expect_damaged(file, "m.plan: section 'metadata': value 0: a boolean is neither 0 nor 1");
}

// Whatever the metadata and constants say: a Status, or a plan that verifies and can be written.
TEST(PlanHostileTest, RandomContents) {
  const std::string bytes = write(example_plan());
  const unsigned first = std::random_device()();
  int accepted = 0;
  const unsigned kRounds = 4000;
  for (unsigned seed = first; seed != first + kRounds; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937 random(seed);
    FileBytes file(bytes);
    const size_t begin = get(file, 64 + 8);
    const size_t end = get(file, 96 + 8) + get(file, 96 + 16);  // metadata and constants
    for (unsigned n = 1 + random() % 4; n > 0; --n) {
      unsigned char& byte = file.data()[begin + random() % (end - begin)];
      const unsigned kind = random() % 4;
      byte = kind == 0   ? byte ^ (1u << random() % 8)
             : kind == 1 ? "0123456789()+-*/,=[]NMxt\"{}"[random() % 27]
             : kind == 2 ? byte + (random() % 2 ? 1 : -1)
                         : random();
    }
    sign(&file);
    const auto plan = file.read();
    if (!plan.ok()) {
      EXPECT_EQ(plan.status().code(), Code::kPlan) << plan.status().message();
      continue;
    }
    ++accepted;
    EXPECT_TRUE(verify_plan(*plan).ok());
    EXPECT_TRUE(write_plan(*plan).ok());
  }
  // Names may be anything; else the mutations would test the FlatBuffers verifier only.
  EXPECT_GT(accepted, 20);
}

// Metadata in which many offsets lead to one string must not unfold to more than is stored.
TEST(PlanHostileTest, SharedStrings) {
  PlanData plan = example_plan();
  plan.portable.steps[0].sources.assign(100, "short");
  plan.portable.steps[0].sources[0] = std::string(50'000, 'L');
  FileBytes file(write(plan));
  ASSERT_TRUE(file.read().ok());
  const size_t begin = get(file, 64 + 8);
  const std::string_view metadata = file.view().substr(begin, get(file, 64 + 16));
  const size_t target = metadata.find("LLLL") - 4;
  size_t changed = 0;
  for (size_t i = 0; i + 4 <= target; i += 4) {
    uint32_t offset = 0;
    std::memcpy(&offset, metadata.data() + i, 4);
    if (offset >= metadata.size() - i || metadata.substr(i + offset + 4, 6) != "short\0"sv)
      continue;
    const auto wanted = static_cast<uint32_t>(target - i);
    std::memcpy(file.data() + begin + i, &wanted, 4);
    ++changed;
  }
  ASSERT_EQ(changed, 99u);
  sign(&file);
  expect_damaged(file, "strings or lists are shared");
}

}  // namespace
}  // namespace hone
