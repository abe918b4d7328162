// The list of all operators: one function per file. A test compares this list with the folder.
#include "ops/op_list.h"

namespace hone {

std::span<const OpFactory> op_factories() {
  static constexpr OpFactory kFactories[] = {
      // Pointwise.
      unary_math_ops,
      rounding_ops,
      trigonometry_ops,
      gamma_ops,
      binary_math_ops,
      integer_math_ops,
      comparison_ops,
      logic_ops,
      lrn_ops,
      activation_ops,
      where_ops,
      pointwise_ops,
      // Types and shapes.
      cast_ops,
      identity_ops,
      shape_ops,
      reshape_ops,
      squeeze_ops,
      fill_ops,
      range_ops,
      // Movement.
      transpose_ops,
      concat_ops,
      split_ops,
      slice_ops,
      gather_ops,
      expand_ops,
      tile_ops,
      pad_ops,
      gather_nd_ops,
      // Selection by value.
      top_k_ops,
      nonzero_ops,
      nms_ops,
      combined_nms_ops,
      // Arithmetic over many elements.
      conv_ops,
      conv_chain_ops,
      conv_transpose_ops,
      matmul_ops,
      pool_ops,
      resize_ops,
      reduce_ops,
      arg_reduce_ops,
      cumulative_ops,
      softmax_ops,
      recurrent_ops,
      normalization_ops,
      attention_ops,
  };
  return kFactories;
}

}  // namespace hone
