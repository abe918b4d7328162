// The layers that are measured, the same for Hone's kernels and oneDNN's. Images are square.
#pragma once

#include <cstdint>
#include <string>

#include "fmt/format.h"

namespace hone::cpu {

struct ConvLayer {
  const char* name;
  int64_t size, in_c, out_c, kernel, stride;
};

// Keras ResNet-50: input height = width, channels, kernel, stride.
inline constexpr ConvLayer kConvLayers[] = {
    {"stem", 224, 3, 64, 7, 2},           {"64-64@56", 56, 64, 64, 1, 1},
    {"64-256@56", 56, 64, 256, 1, 1},     {"256-64@56", 56, 256, 64, 1, 1},
    {"3x3_64@56", 56, 64, 64, 3, 1},      {"256-128@56s2", 56, 256, 128, 1, 2},
    {"256-512@56s2", 56, 256, 512, 1, 2}, {"128-512@28", 28, 128, 512, 1, 1},
    {"512-128@28", 28, 512, 128, 1, 1},   {"3x3_128@28", 28, 128, 128, 3, 1},
    {"256-1024@14", 14, 256, 1024, 1, 1}, {"1024-256@14", 14, 1024, 256, 1, 1},
    {"3x3_256@14", 14, 256, 256, 3, 1},   {"512-2048@7", 7, 512, 2048, 1, 1},
    {"2048-512@7", 7, 2048, 512, 1, 1},   {"3x3_512@7", 7, 512, 512, 3, 1},
    {"fc", 1, 2048, 1000, 1, 1},          {"fc1m", 1, 1024, 1024, 1, 1},
    {"mb_24-144@56", 56, 24, 144, 1, 1},  {"mb_144-24@56", 56, 144, 24, 1, 1},
    {"mb_576-96@14", 14, 576, 96, 1, 1},  {"mb_stem", 224, 3, 32, 3, 2},
};

struct GemmShape {
  const char* name;
  int64_t m, n, k;
};

// BERT and MiniLM (128 tokens), a square one, DLRM's layers, and rows that read weights once.
inline constexpr GemmShape kGemmShapes[] = {
    {"bert_qkv", 128, 2304, 768},      {"bert_out", 128, 768, 768},
    {"bert_up", 128, 3072, 768},       {"bert_down", 128, 768, 3072},
    {"minilm_up", 128, 1536, 384},     {"minilm_down", 128, 384, 1536},
    {"square_1024", 1024, 1024, 1024}, {"dlrm_2048", 2048, 512, 415},
    {"dlrm_64", 64, 512, 415},         {"rows8_1024", 8, 1024, 1024},
    {"row_1000x2048", 1, 1000, 2048},  {"row_4096x1024", 1, 4096, 1024},
};

struct DepthwiseShape {
  int64_t size, channels, kernel, stride;
};

// MobileNetV2, EfficientNetB0, ConvNeXt.
inline constexpr DepthwiseShape kDepthwiseShapes[] = {
    {112, 32, 3, 1}, {112, 96, 3, 2}, {56, 144, 3, 1}, {28, 192, 3, 1}, {14, 384, 3, 1},
    {14, 576, 3, 1}, {7, 960, 3, 1},  {56, 144, 5, 2}, {28, 240, 5, 1}, {14, 672, 5, 1},
    {7, 1152, 5, 1}, {56, 96, 7, 1},  {14, 384, 7, 1},
};

// As in the benchmarks' names.
inline std::string name_of(const GemmShape& s) {
  return fmt::format("{}_{}x{}x{}", s.name, s.m, s.n, s.k);
}
inline std::string name_of(const DepthwiseShape& s) {
  return fmt::format("{}x{}_{}@{}{}", s.kernel, s.kernel, s.channels, s.size,
                     s.stride == 2 ? "s2" : "");
}

inline int64_t out_size(int64_t size, int64_t kernel, int64_t stride) {
  return (size + kernel / 2 * 2 - kernel) / stride + 1;
}

}  // namespace hone::cpu
