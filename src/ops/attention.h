// Attributes of Attention.
#pragma once

namespace hone {

// Attention(query, key, value, [mask]): softmax(scale * query * key^T, masked) * value for each
// head. Tensors are [..., heads, tokens, size], or [..., tokens, heads, size] where *_tokens_first
// is set.
//
// A mask broadcasts to [..., heads, query tokens, key tokens]. Of the data's dtype, it is added. A
// boolean one replaces scores where it is false by masked_value; with zero_masked, the
// probabilities there become 0, too (which differs only where a whole row is masked).
struct AttentionAttributes {
  double scale = 1;
  double masked_value = -1e9;
  bool zero_masked = false;
  bool query_tokens_first = false;
  bool key_tokens_first = false;
  bool value_tokens_first = false;
  bool output_tokens_first = false;
  bool operator==(const AttentionAttributes&) const = default;
  template <class V>
  void fields(V&& visit) {
    visit("scale", scale);
    visit("masked_value", masked_value);
    visit("zero_masked", zero_masked);
    visit("query_tokens_first", query_tokens_first);
    visit("key_tokens_first", key_tokens_first);
    visit("value_tokens_first", value_tokens_first);
    visit("output_tokens_first", output_tokens_first);
  }
};

}  // namespace hone
