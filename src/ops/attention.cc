// Attention(query, key, value, [mask]).
#include "ops/attention.h"

#include <fmt/format.h>

#include <utility>

#include "ops/eval.h"
#include "ops/infer.h"
#include "ops/op_list.h"

namespace hone {
namespace {

// `dims` of a tensor as [..., heads, tokens, size].
template <class D>
std::vector<D> heads_first(std::vector<D> dims, bool tokens_first) {
  if (tokens_first) std::swap(dims[dims.size() - 2], dims[dims.size() - 3]);
  return dims;
}

Status check_types(const InferContext& context) {
  HONE_RETURN_IF_ERROR(require_dtype(context, 0, is_float, "a floating point type"));
  const size_t rank = context.shape(0).size();
  if (rank < 3) return Status(Code::kModel, "the query has fewer than 3 dimensions");
  for (size_t i = 1; i < 3; ++i) {
    if (context.dtype(i) != context.dtype(0)) return Status(Code::kModel, "the dtypes differ");
    HONE_RETURN_IF_ERROR(require_rank(context, i, rank));
  }
  if (context.inputs.size() < 4) return ok();
  if (context.dtype(3) != context.dtype(0) && context.dtype(3) != DataType::boolean) {
    return Status(Code::kModel, "the mask is neither boolean nor of the query's dtype");
  }
  if (context.shape(3).size() > rank) return Status(Code::kModel, "the mask has a higher rank");
  return ok();
}

Status infer_attention(InferContext& context) {
  HONE_RETURN_IF_ERROR(check_types(context));
  const auto& attributes = context.attr<AttentionAttributes>();
  const Shape q = heads_first(context.shape(0), attributes.query_tokens_first);
  const Shape k = heads_first(context.shape(1), attributes.key_tokens_first);
  const Shape v = heads_first(context.shape(2), attributes.value_tokens_first);
  const size_t rank = q.size();
  for (size_t i = 0; i + 2 < rank; ++i) {
    HONE_RETURN_IF_ERROR(context.require_equal(q[i], k[i], "batch or heads of query and key"));
    HONE_RETURN_IF_ERROR(context.require_equal(q[i], v[i], "batch or heads of query and value"));
  }
  HONE_RETURN_IF_ERROR(context.require_equal(q[rank - 1], k[rank - 1], "sizes of query and key"));
  HONE_RETURN_IF_ERROR(context.require_equal(k[rank - 2], v[rank - 2], "tokens of key and value"));
  Shape scores = q;
  scores[rank - 1] = k[rank - 2];
  if (context.inputs.size() > 3) {
    const Shape& mask = context.shape(3);
    for (size_t i = 0; i < mask.size(); ++i) {
      if (mask[i] == Dim(1)) continue;
      HONE_RETURN_IF_ERROR(context.require_equal(mask[i], scores[rank - mask.size() + i],
                                                 "the mask does not broadcast to the scores"));
    }
  }
  Shape out = q;
  out[rank - 1] = v[rank - 1];
  context.set_output(context.dtype(0), heads_first(std::move(out), attributes.output_tokens_first));
  return ok();
}

// One head. Strides of the tokens; sizes are contiguous.
template <class T>
struct Head {
  const T *query, *key, *value;
  T* output;
  int64_t query_stride, key_stride, value_stride, output_stride;
  int64_t query_tokens, key_tokens, size, value_size;
};

// `mask(row, column, score)`: the masked score, and whether it takes part.
template <class T, class Mask>
void attend(const Head<T>& head, const AttentionAttributes& attributes, const Mask& mask) {
  std::vector<double> scores(head.key_tokens), sums(head.value_size);
  std::vector<bool> masked(head.key_tokens);
  for (int64_t i = 0; i < head.query_tokens; ++i) {
    double largest = -INFINITY, total = 0;
    for (int64_t j = 0; j < head.key_tokens; ++j) {
      double score = 0;
      for (int64_t d = 0; d < head.size; ++d) {
        score +=
            widen(head.query[i * head.query_stride + d]) * widen(head.key[j * head.key_stride + d]);
      }
      const auto [value, takes_part] = mask(i, j, score * attributes.scale);
      scores[j] = value;
      masked[j] = !takes_part;
      largest = std::max(largest, value);
    }
    for (double& score : scores) total += score = std::exp(score - largest);
    std::fill(sums.begin(), sums.end(), 0.0);
    for (int64_t j = 0; j < head.key_tokens; ++j) {
      const double weight = masked[j] && attributes.zero_masked ? 0.0 : scores[j] / total;
      for (int64_t d = 0; d < head.value_size; ++d) {
        sums[d] += weight * widen(head.value[j * head.value_stride + d]);
      }
    }
    for (int64_t d = 0; d < head.value_size; ++d) {
      head.output[i * head.output_stride + d] = narrow<T>(sums[d]);
    }
  }
}

struct Strides {
  std::vector<int64_t> leading;
  int64_t token;
};

Strides strides_of(const std::vector<int64_t>& shape, bool tokens_first) {
  std::vector<int64_t> strides = heads_first(dense_strides(shape), tokens_first);
  const int64_t token = strides[strides.size() - 2];
  strides.resize(strides.size() - 2);
  return {std::move(strides), token};
}

template <class T>
void evaluate_heads(const EvalContext& context, T* to) {
  const auto& attributes = context.attr<AttentionAttributes>();
  const bool flags[] = {attributes.query_tokens_first, attributes.key_tokens_first,
                        attributes.value_tokens_first};
  const auto shape = heads_first(context.inputs[0].shape(), flags[0]);
  const size_t rank = shape.size();
  std::vector<std::vector<int64_t>> leading;
  Head<T> head{};
  int64_t* const token_strides[] = {&head.query_stride, &head.key_stride, &head.value_stride};
  for (size_t i = 0; i < 3; ++i) {
    Strides strides = strides_of(context.inputs[i].shape(), flags[i]);
    *token_strides[i] = strides.token;
    leading.push_back(std::move(strides.leading));
  }
  Strides out = strides_of(context.outputs[0].shape(), attributes.output_tokens_first);
  head.output_stride = out.token;
  leading.push_back(std::move(out.leading));
  head.query_tokens = shape[rank - 2];
  head.size = shape[rank - 1];
  head.key_tokens = heads_first(context.inputs[1].shape(), flags[1])[rank - 2];
  head.value_size = context.inputs[2].shape().back();
  const Tensor* mask = context.inputs.size() > 3 ? &context.inputs[3] : nullptr;
  std::vector<int64_t> mask_strides(rank, 0);
  if (mask) {
    std::vector<int64_t> scores = shape;
    scores[rank - 1] = head.key_tokens;
    mask_strides = broadcast_strides(mask->shape(), scores);
  }
  leading.emplace_back(mask_strides.begin(), mask_strides.end() - 2);
  const std::vector<int64_t> heads(shape.begin(), shape.end() - 2);
  for_each_row(heads, leading, [&](const int64_t* offsets, int64_t count) {
    for (int64_t h = 0; h < count; ++h) {
      const auto at = [&](size_t k) { return offsets[k] + h * row_stride(leading[k]); };
      head.query = elements<T>(context.inputs[0]) + at(0);
      head.key = elements<T>(context.inputs[1]) + at(1);
      head.value = elements<T>(context.inputs[2]) + at(2);
      head.output = to + at(3);
      attend(head, attributes, [&](int64_t i, int64_t j, double score) {
        if (!mask) return std::pair(score, true);
        const int64_t index = at(4) + i * mask_strides[rank - 2] + j * mask_strides[rank - 1];
        if (mask->dtype() != DataType::boolean) {
          return std::pair(score + static_cast<double>(widen(elements<T>(*mask)[index])), true);
        }
        const bool kept = elements<bool>(*mask)[index];
        return std::pair(kept ? score : attributes.masked_value, kept);
      });
    }
  });
}

Status evaluate_attention(EvalContext& context) {
  HONE_ASSIGN_OR_RETURN(Tensor * output, context.allocate_output());
  if (output->num_elements() == 0) return ok();
  return with_type(output->dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    if constexpr (kIsFloat<T>) evaluate_heads(context, mutable_elements<T>(output));
    return ok();
  });
}

}  // namespace

std::vector<OpDef> attention_ops() {
  return {{.name = "Attention",
           .summary = "softmax(scale * query * key^T) * value for each head; inputs query, key, "
                      "value [..., heads, tokens, size], optional mask that is added to the "
                      "product or, if boolean, selects from it",
           .min_inputs = 3,
           .max_inputs = 4,
           .defaults = AttentionAttributes{},
           .infer = infer_attention,
           .evaluate = evaluate_attention}};
}

}  // namespace hone
