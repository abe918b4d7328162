// Packing of weights: [panel][kernel_d][kernel_h][kernel_w][channel of the group][vectors * lanes],
// one panel after the other, the last panel of a group as narrow as its channels allow.
#include <algorithm>
#include <cstring>

#include "kernels/cpu/conv.h"

namespace hone::cpu {

WeightStrides dense_weight_strides(const ConvProblem& p) {
  const int64_t i = p.in_c / p.groups;
  return {p.num_taps() * i, p.kernel_w * i, i, 1, p.kernel_h * p.kernel_w * i};
}

std::vector<ConvPanel> make_panels(const ConvProblem& p, const ConvConfig& config, int lanes) {
  std::vector<ConvPanel> panels;
  const int64_t in_c = p.in_c / p.groups, out_c = p.out_c / p.groups;
  const int64_t weight_rows = p.num_taps() * in_c;
  int64_t weights = 0;
  for (int64_t g = 0; g < p.groups; g++) {
    for (int64_t o = 0; o < out_c; o += config.vectors * lanes) {
      const int64_t channels = std::min<int64_t>(config.vectors * lanes, out_c - o);
      const int64_t vectors = (channels + lanes - 1) / lanes;
      panels.push_back({g * in_c, g * out_c + o, weights, static_cast<int>(channels),
                        static_cast<int>(vectors)});
      weights += weight_rows * vectors * lanes;
    }
  }
  return panels;
}

int64_t packed_weight_bytes(const ConvProblem& p, const ConvConfig& config, Isa isa) {
  const int lanes = tile_table(isa).lanes;
  const auto panels = make_panels(p, config, lanes);
  if (panels.empty()) return 0;
  const int64_t rows = p.num_taps() * (p.in_c / p.groups);
  const int64_t floats = panels.back().weights + rows * panels.back().vectors * lanes;
  return floats * static_cast<int64_t>(sizeof(float));
}

namespace {

// One kernel position of one panel: out[i][o] = line[o * s.o + i * s.i]. `channels` of `width`
// exist.
void pack_position(const float* line, WeightStrides s, int64_t in_c, int channels, int width,
                   float* out) {
  if (s.o == 1) {
    for (int64_t i = 0; i < in_c; i++) {
      std::memcpy(out + i * width, line + i * s.i, channels * sizeof(float));
      for (int o = channels; o < width; o++) out[i * width + o] = 0.0f;
    }
    return;
  }
  constexpr int64_t kBlock = 64;  // x 64 to 192 bytes: the part of `out` in work stays in L1
  for (int64_t first = 0; first < in_c; first += kBlock) {
    const int64_t last = std::min(in_c, first + kBlock);
    for (int o = 0; o < width; o++) {
      for (int64_t i = first; i < last; i++) {
        out[i * width + o] = o < channels ? line[o * s.o + i * s.i] : 0.0f;
      }
    }
  }
}

}  // namespace

void pack_panel(const ConvProblem& p, const ConvPanel& panel, int lanes, const float* weights,
                WeightStrides s, float* packed) {
  const int64_t in_c = p.in_c / p.groups;
  const int width = panel.vectors * lanes;
  float* out = packed + panel.weights;
  for (int64_t d = 0; d < p.kernel_d; d++) {
    for (int64_t h = 0; h < p.kernel_h; h++) {
      for (int64_t w = 0; w < p.kernel_w; w++, out += in_c * width) {
        const float* line = weights + panel.out_channel * s.o + d * s.d + h * s.h + w * s.w;
        pack_position(line, s, in_c, panel.channels, width, out);
      }
    }
  }
}

void pack_weights(const ConvProblem& p, const ConvConfig& config, Isa isa, const float* weights,
                  float* packed) {
  const int lanes = tile_table(isa).lanes;
  for (const ConvPanel& panel : make_panels(p, config, lanes)) {
    pack_panel(p, panel, lanes, weights, dense_weight_strides(p), packed);
  }
}

}  // namespace hone::cpu
