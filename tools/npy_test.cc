#include "npy.h"

#include <gmock/gmock.h>

#include <random>

namespace hone::tools {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string npy(std::string header, const std::string& data, int major = 1) {
  std::string bytes = "\x93NUMPY";
  bytes += static_cast<char>(major);
  bytes += '\0';
  for (int i = 0; i < (major == 1 ? 2 : 4); ++i)
    bytes += static_cast<char>((header.size() >> (8 * i)) & 0xff);
  return bytes + header + data;
}

template <class T>
std::string bytes_of(const std::vector<T>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

TEST(Npy, RoundTrip) {
  const Tensor tensors[] = {
      Tensor::from<float>({2, 3}, {1, 2, 3, 4, 5, 6}),
      Tensor::scalar<int64_t>(-7),
      Tensor::from<uint8_t>({4}, {0, 1, 2, 255}),
      Tensor::from<bool>({2}, {true, false}),
      Tensor::from<double>({0, 5}, {}),
      Tensor::from<Float16>({1, 1, 1}, {Float16(0.5f)}),
  };
  for (const Tensor& tensor : tensors) {
    const std::string bytes = write_npy(tensor).value();
    EXPECT_EQ((bytes.size() - tensor.bytes()) % 64, 0u);
    EXPECT_EQ(read_npy(bytes, "t").value(), tensor) << tensor.text();
  }
}

TEST(Npy, HeaderIsWhatNumpyWrites) {
  const std::string bytes = write_npy(Tensor::from<float>({3}, {1, 2, 3})).value();
  EXPECT_EQ(bytes.substr(10, 57), "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }");
  EXPECT_EQ(bytes[bytes.size() - 13], '\n');
}

TEST(Npy, Bf16IsWrittenAsF32) {
  const Tensor tensor = Tensor::from<BFloat16>({1}, {BFloat16(1.5f)});
  EXPECT_EQ(read_npy(write_npy(tensor).value(), "t").value(), Tensor::from<float>({1}, {1.5f}));
}

TEST(Npy, FortranOrder) {
  const std::string header = "{'descr': '<i4', 'fortran_order': True, 'shape': (2, 3)}";
  const Tensor tensor = read_npy(npy(header, bytes_of<int32_t>({1, 4, 2, 5, 3, 6})), "t").value();
  EXPECT_EQ(tensor, Tensor::from<int32_t>({2, 3}, {1, 2, 3, 4, 5, 6}));
}

TEST(Npy, Versions2And3) {
  for (int version : {2, 3}) {
    const std::string header = "{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }  \n";
    EXPECT_EQ(read_npy(npy(header, "ab", version), "t").value(),
              Tensor::from<uint8_t>({2}, {'a', 'b'}));
  }
}

TEST(Npy, DamagedFilesAreErrorsWithFileAndPlace) {
  const std::string good = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}";
  const std::string one = bytes_of<float>({1});
  const std::string bad[] = {
      "",
      "\x93NUMPY",
      "something else entirely",
      npy(good, one, 4),
      npy(good, ""),
      npy(good, one + "x"),
      npy(good.substr(0, 20), one),
      npy("{}", one),
      npy("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", one),
      npy("{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}", one),
      npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", one),
      npy("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", one),
      npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}", one),
      npy(good + "import os", one),
      npy("{'descr': '|b1', 'fortran_order': False, 'shape': (1,)}", "\x02"),
      std::string("\x93NUMPY\x02\x00\xff\xff\xff\xff", 12),
  };
  for (const std::string& bytes : bad) {
    const auto tensor = read_npy(bytes, "some.npy");
    ASSERT_FALSE(tensor.ok()) << bytes;
    EXPECT_EQ(tensor.status().code(), Code::kModel) << tensor.status().message();
    EXPECT_THAT(tensor.status().message(), HasSubstr("some.npy: byte "));
  }
}

TEST(Npy, HugeShapesNeedNoMemory) {
  const std::string header =
      "{'descr': '<f4', 'fortran_order': True, 'shape': (1099511627776, 1099511627776)}";
  EXPECT_FALSE(read_npy(npy(header, ""), "t").ok());
}

TEST(Npy, WhatIsValidButUnsupportedIsSaid) {
  for (const char* descr : {"'>f4'", "'|O'", "'<U3'", "'<c8'", "[('a', '<f4')]", "'=f4'"}) {
    const std::string header =
        std::string("{'descr': ") + descr + ", 'fortran_order': False, 'shape': (1,)}";
    const auto tensor = read_npy(npy(header, "1234"), "t");
    ASSERT_FALSE(tensor.ok()) << descr;
    EXPECT_EQ(tensor.status().code(), Code::kUnsupported) << descr;
  }
}

TEST(Npy, MutatedFilesNeverCrash) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  const std::string good = write_npy(Tensor::from<int16_t>({2, 3}, {1, 2, 3, 4, 5, 6})).value();
  for (int i = 0; i < 20000; ++i) {
    std::string bytes = good;
    const int changes = 1 + static_cast<int>(random() % 3);
    for (int c = 0; c < changes; ++c) bytes[random() % 80] = static_cast<char>(random());
    if (random() % 4 == 0) bytes.resize(random() % bytes.size());
    const auto tensor = read_npy(bytes, "t");
    if (!tensor.ok()) continue;
    EXPECT_LE(tensor->bytes(), bytes.size());
  }
}

}  // namespace
}  // namespace hone::tools
