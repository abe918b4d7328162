#include "ops/reshape_groups.h"

namespace hone {
namespace {

// 1: the input's product needs another dimension; -1: the output's; 0: equal; nothing: not known.
std::optional<int> compare_products(const Dim& in, const Dim& out) {
  if (in == out) return 0;
  if (in.is_const() && out.is_const()) return in.value() < out.value() ? 1 : -1;
  if (divide_exact(out, in)) return 1;
  if (divide_exact(in, out)) return -1;
  return std::nullopt;
}

}  // namespace

std::optional<std::vector<ReshapeGroup>> reshape_groups(const Shape& in, const Shape& out) {
  std::vector<ReshapeGroup> groups;
  size_t i = 0, o = 0;
  while (i < in.size() && o < out.size()) {
    ReshapeGroup group{i, i + 1, o, o + 1};
    Dim in_product = in[i++], out_product = out[o++];
    while (true) {
      const auto order = compare_products(in_product, out_product);
      if (!order || in_product == Dim(0) || out_product == Dim(0)) return std::nullopt;
      if (*order == 0) break;
      if (*order > 0 ? i == in.size() : o == out.size()) return std::nullopt;
      if (*order > 0) {
        in_product *= in[i++];
      } else {
        out_product *= out[o++];
      }
    }
    group.in_end = i;
    group.out_end = o;
    groups.push_back(group);
  }
  if (groups.empty()) return std::nullopt;
  for (; i < in.size(); ++i) {
    if (in[i] != Dim(1)) return std::nullopt;
    groups.back().in_end = i + 1;
  }
  for (; o < out.size(); ++o) {
    if (out[o] != Dim(1)) return std::nullopt;
    groups.back().out_end = o + 1;
  }
  return groups;
}

}  // namespace hone
