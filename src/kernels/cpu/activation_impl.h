// The loops of activation.h.
#pragma once

#include "kernels/cpu/activation.h"
#include "kernels/cpu/math_impl.h"
#include "kernels/cpu/pointwise_ops_impl.h"
#include "kernels/cpu/simd.h"

namespace hone::cpu {
namespace {

template <class V, class F>
HONE_SIMD_INLINE void activate_rows(F f, float* data, const int64_t* rows, int num_rows,
                                    int64_t channels) {
  for (int i = 0; i < num_rows; ++i) {
    float* line = data + rows[i];
    int64_t c = 0;
    for (; c + V::kLanes <= channels; c += V::kLanes) f(V::load(line + c)).store(line + c);
    const int rest = static_cast<int>(channels - c);
    if (rest > 0) f(V::load_n(line + c, rest)).store_n(line + c, rest);
  }
}

#define HONE_TILE_ACTIVATION(name, expression)                                        \
  template <class V>                                                                  \
  void name(float* data, const int64_t* rows, int num_rows, int64_t channels) {       \
    activate_rows<V>([](V x) { return expression; }, data, rows, num_rows, channels); \
  }
HONE_TILE_ACTIVATION(activate_gelu, vec_gelu(x))
HONE_TILE_ACTIVATION(activate_gelu_tanh, vec_gelu_tanh(x))
HONE_TILE_ACTIVATION(activate_silu, vec_silu(x))
HONE_TILE_ACTIVATION(activate_sigmoid, vec_sigmoid(x))
HONE_TILE_ACTIVATION(activate_tanh, vec_tanh(x))
HONE_TILE_ACTIVATION(activate_mish, vec_mish(x))
HONE_TILE_ACTIVATION(activate_hard_swish, hard_swish(x))
#undef HONE_TILE_ACTIVATION

template <class V>
constexpr TileActivations make_tile_activations() {
  return {activate_gelu<V>, activate_gelu_tanh<V>, activate_silu<V>,      activate_sigmoid<V>,
          activate_tanh<V>, activate_mish<V>,      activate_hard_swish<V>};
}

}  // namespace
}  // namespace hone::cpu
