// Transformed weights U[position][panel][in_c][vectors * lanes], computed in double precision.
#include <cmath>

#include "kernels/cpu/winograd.h"

namespace hone::cpu {
namespace {

ConvProblem product_problem(const ConvProblem& p) {
  ConvProblem product;
  product.in_c = p.in_c;
  product.out_c = p.out_c;
  return product;
}

ConvConfig panel_config(const WinogradConfig& config) {
  ConvConfig result;
  result.vectors = config.vectors;
  return result;
}

// g: 3 values; u: tile + 2 values.
void transform(int tile, const double* g, double* u) {
  if (tile == 2) {
    u[0] = g[0];
    u[1] = (g[0] + g[1] + g[2]) / 2;
    u[2] = (g[0] - g[1] + g[2]) / 2;
    u[3] = g[2];
    return;
  }
  const double a = std::sqrt(0.5), b = std::sqrt(2.0);
  u[0] = g[0];
  u[1] = (g[0] + a * g[1] + 0.5 * g[2]) / -1.5;
  u[2] = (g[0] - a * g[1] + 0.5 * g[2]) / -1.5;
  u[3] = (g[0] + b * g[1] + 2 * g[2]) / 6;
  u[4] = (g[0] - b * g[1] + 2 * g[2]) / 6;
  u[5] = g[2];
}

// All positions of one (output channel, input channel). `weights`: [3][3], `step` apart.
void transform_kernel(int tile, const float* weights, int64_t step, double u[6][6]) {
  double columns[6][3];
  for (int s = 0; s < 3; s++) {
    double g[3], t[6];
    for (int r = 0; r < 3; r++) g[r] = weights[(r * 3 + s) * step];
    transform(tile, g, t);
    for (int i = 0; i < tile + 2; i++) columns[i][s] = t[i];
  }
  for (int i = 0; i < tile + 2; i++) transform(tile, columns[i], u[i]);
}

}  // namespace

int64_t winograd_weight_bytes(const ConvProblem& p, const WinogradConfig& config, Isa isa) {
  const int side = config.tile + 2;
  return side * side * packed_weight_bytes(product_problem(p), panel_config(config), isa);
}

void pack_winograd_weights(const ConvProblem& p, const WinogradConfig& config, Isa isa,
                           const float* weights, float* packed) {
  const int side = config.tile + 2, lanes = tile_table(isa).lanes;
  const int64_t plane = winograd_weight_bytes(p, config, isa) / 4 / (side * side);
  for (const ConvPanel& panel : make_panels(product_problem(p), panel_config(config), lanes)) {
    const int width = panel.vectors * lanes;
    for (int64_t c = 0; c < p.in_c; c++) {
      for (int o = 0; o < width; o++) {
        double u[6][6] = {};
        if (o < panel.channels) {
          transform_kernel(config.tile, weights + (panel.out_channel + o) * 9 * p.in_c + c, p.in_c,
                           u);
        }
        for (int x = 0; x < side * side; x++) {
          packed[x * plane + panel.weights + c * width + o] =
              static_cast<float>(u[x / side][x % side]);
        }
      }
    }
  }
}

}  // namespace hone::cpu
