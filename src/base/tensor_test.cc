#include "base/tensor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace hone {
namespace {

using testing::ElementsAre;

TEST(Tensor, Basics) {
  const Tensor t = Tensor::from<float>({2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(t.dtype(), DataType::f32);
  EXPECT_EQ(t.num_elements(), 6);
  EXPECT_EQ(t.bytes(), 24u);
  EXPECT_EQ(t.data<float>()[5], 6);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(t.raw()) % Tensor::kAlignment, 0u);
  EXPECT_EQ(t.text(2), "f32[2,3] {1, 2, ...}");
  EXPECT_EQ(Tensor::scalar<int8_t>(-5).text(), "i8[] {-5}");
  EXPECT_EQ(Tensor::scalar(true).dtype(), DataType::boolean);
  EXPECT_EQ(Tensor().num_elements(), 0);
  EXPECT_EQ(Tensor::zeros(DataType::i64, {0, 5}).bytes(), 0u);
  EXPECT_EQ(Tensor::zeros(DataType::f64, {3}), Tensor::from<double>({3}, {0, 0, 0}));
}

TEST(Tensor, SizesAreChecked) {
  EXPECT_EQ(checked_num_elements({}).value(), 1);
  EXPECT_EQ(checked_num_elements({2, 3}).value(), 6);
  EXPECT_EQ(checked_num_elements({INT64_MAX, 2, 0}).value(), 0);
  EXPECT_EQ(checked_num_elements({-1, 2}).status().code(), Code::kShape);
  EXPECT_EQ(checked_num_elements({0, -1}).status().code(), Code::kShape);
  EXPECT_EQ(checked_num_elements({INT64_MAX, 2}).status().code(), Code::kOutOfResources);
  EXPECT_EQ(checked_num_elements({1 << 30, 1 << 30, 1 << 30}).status().code(),
            Code::kOutOfResources);
  EXPECT_EQ(checked_num_bytes(DataType::f64, {int64_t{1} << 61}).status().code(),
            Code::kOutOfResources);
  EXPECT_EQ(checked_num_bytes(DataType::string, {5}).value(), 0);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_EQ(Tensor::allocate(DataType::f32, {int64_t{1} << 58}).status().code(),
            Code::kOutOfResources);
#endif
  EXPECT_EQ(Tensor::allocate(DataType::string, {int64_t{1} << 58}).status().code(),
            Code::kOutOfResources);
}

TEST(Tensor, SharingAndWriting) {
  Tensor a = Tensor::from<int32_t>({2}, {1, 2});
  EXPECT_TRUE(a.is_unique());
  Tensor b = a;
  EXPECT_FALSE(a.is_unique());
  b.make_unique();
  EXPECT_TRUE(a.is_unique());
  b.mutable_data<int32_t>()[0] = 9;
  EXPECT_EQ(a.data<int32_t>()[0], 1);
  EXPECT_DEATH(
      {
        Tensor c = a;
        c.mutable_raw();
      },
      "check failed");
  EXPECT_DEATH(a.data<float>(), "check failed");
}

TEST(Tensor, ViewKeepsItsOwner) {
  auto owner = std::make_shared<std::vector<float>>(std::vector<float>{1, 2, 3, 4});
  std::weak_ptr<std::vector<float>> weak = owner;
  Tensor t = Tensor::view(DataType::f32, {4}, owner->data(), owner);
  owner.reset();
  EXPECT_FALSE(weak.expired());
  EXPECT_FALSE(t.is_unique());
  const Tensor r = t.reshaped({2, 2});
  EXPECT_EQ(r.raw(), t.raw());
  EXPECT_NE(r, t);
  t.make_unique();
  EXPECT_EQ(t.data<float>()[3], 4);
  EXPECT_FALSE(weak.expired());  // r still has it
}

TEST(Tensor, HashAndEquality) {
  const Tensor a = Tensor::from<float>({2}, {1, 2});
  EXPECT_EQ(a.hash(), Tensor::from<float>({2}, {1, 2}).hash());
  EXPECT_NE(a.hash(), Tensor::from<float>({1, 2}, {1, 2}).hash());
  EXPECT_NE(a.hash(), Tensor::from<float>({2}, {1, 3}).hash());
  EXPECT_NE(Tensor::zeros(DataType::f32, {2}).hash(), Tensor::zeros(DataType::i32, {2}).hash());
  EXPECT_NE(Tensor::scalar(0.0f), Tensor::scalar(-0.0f));
  EXPECT_EQ(Tensor::scalar(NAN), Tensor::scalar(NAN));
  EXPECT_NE(Tensor::strings({2}, {"ab", "c"}).hash(), Tensor::strings({2}, {"a", "bc"}).hash());
  EXPECT_EQ(Tensor::strings({2}, {"ab", "c"}), Tensor::strings({2}, {"ab", "c"}));
}

TEST(Tensor, Values) {
  EXPECT_THAT(*Tensor::from<uint8_t>({2}, {1, 255}).as_int64s(), ElementsAre(1, 255));
  EXPECT_THAT(*Tensor::from<bool>({2}, {true, false}).as_int64s(), ElementsAre(1, 0));
  EXPECT_EQ(Tensor::scalar(1.0f).as_int64s(), std::nullopt);
  EXPECT_EQ(Tensor::scalar(UINT64_MAX).as_int64s(), std::nullopt);
  EXPECT_EQ(Tensor::zeros(DataType::i32, {5000}).as_int64s(), std::nullopt);
  EXPECT_THAT(*Tensor::scalar(Float16(0.5f)).as_doubles(), ElementsAre(0.5));
  EXPECT_THAT(*Tensor::scalar(BFloat16(-3.0f)).as_doubles(), ElementsAre(-3));
  EXPECT_EQ(Tensor::strings({}, {"x"}).as_doubles(), std::nullopt);
  alignas(8) static const uint8_t kBytes[] = {0, 7, 0, 0, 0};
  EXPECT_THAT(*Tensor::view(DataType::i32, {1}, kBytes + 1, nullptr).as_int64s(), ElementsAre(7));
}

TEST(Tensor, CopyOfChecksTheSize) {
  const float values[] = {1, 2};
  EXPECT_EQ(Tensor::copy_of(DataType::f32, {2}, values, 8).value(),
            Tensor::from<float>({2}, {1, 2}));
  EXPECT_EQ(Tensor::copy_of(DataType::f32, {3}, values, 8).status().code(), Code::kShape);
  EXPECT_EQ(Tensor::copy_of(DataType::f32, {-1}, values, 8).status().code(), Code::kShape);
}

}  // namespace
}  // namespace hone
