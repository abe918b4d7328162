// Where the operator records come from: each file of this folder that defines operators has one
// function that returns them. To add a file: one line here and one in op_list.cc.
#pragma once

#include <span>
#include <vector>

#include "ops/op_def.h"

namespace hone {

using OpFactory = std::vector<OpDef> (*)();

std::span<const OpFactory> op_factories();

std::vector<OpDef> activation_ops();
std::vector<OpDef> arg_reduce_ops();
std::vector<OpDef> attention_ops();
std::vector<OpDef> binary_math_ops();
std::vector<OpDef> cast_ops();
std::vector<OpDef> combined_nms_ops();
std::vector<OpDef> comparison_ops();
std::vector<OpDef> concat_ops();
std::vector<OpDef> conv_chain_ops();
std::vector<OpDef> conv_ops();
std::vector<OpDef> conv_transpose_ops();
std::vector<OpDef> cumulative_ops();
std::vector<OpDef> expand_ops();
std::vector<OpDef> fill_ops();
std::vector<OpDef> gamma_ops();
std::vector<OpDef> gather_ops();
std::vector<OpDef> gather_nd_ops();
std::vector<OpDef> identity_ops();
std::vector<OpDef> integer_math_ops();
std::vector<OpDef> logic_ops();
std::vector<OpDef> lrn_ops();
std::vector<OpDef> matmul_ops();
std::vector<OpDef> normalization_ops();
std::vector<OpDef> nms_ops();
std::vector<OpDef> nonzero_ops();
std::vector<OpDef> pad_ops();
std::vector<OpDef> pointwise_ops();
std::vector<OpDef> pool_ops();
std::vector<OpDef> range_ops();
std::vector<OpDef> recurrent_ops();
std::vector<OpDef> reduce_ops();
std::vector<OpDef> reshape_ops();
std::vector<OpDef> resize_ops();
std::vector<OpDef> rounding_ops();
std::vector<OpDef> shape_ops();
std::vector<OpDef> slice_ops();
std::vector<OpDef> softmax_ops();
std::vector<OpDef> split_ops();
std::vector<OpDef> squeeze_ops();
std::vector<OpDef> tile_ops();
std::vector<OpDef> top_k_ops();
std::vector<OpDef> transpose_ops();
std::vector<OpDef> trigonometry_ops();
std::vector<OpDef> unary_math_ops();
std::vector<OpDef> where_ops();

}  // namespace hone
