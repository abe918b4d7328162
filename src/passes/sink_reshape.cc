// Transposes move below Reshapes where what is split or joined are neighbours above as well:
// [N,C,H,W] -> [N,C,H*W] below is [N,H,W,C] -> [N,H*W,C] above.
#include <algorithm>
#include <numeric>

#include "passes/edit.h"
#include "passes/reshape_to.h"
#include "passes/sink_rules.h"

namespace hone {
namespace {

// Input dimensions [in_begin, in_end) have the elements of output dimensions [out_begin, out_end).
struct Group {
  size_t in_begin, in_end, out_begin, out_end;
};

// 1: the input's product needs another dimension; -1: the output's; 0: equal; nothing: not known.
std::optional<int> compare_products(const Dim& in, const Dim& out) {
  if (in == out) return 0;
  if (in.is_const() && out.is_const()) return in.value() < out.value() ? 1 : -1;
  if (divide_exact(out, in)) return 1;
  if (divide_exact(in, out)) return -1;
  return std::nullopt;
}

// The smallest such groups, in order; nothing if dimensions cannot be told apart.
std::optional<std::vector<Group>> split_into_groups(const Shape& in, const Shape& out) {
  std::vector<Group> groups;
  size_t i = 0, o = 0;
  while (i < in.size() && o < out.size()) {
    Group group{i, i + 1, o, o + 1};
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
  // Ones at the end.
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

bool neighbours_above(const Group& group, const std::vector<int64_t>& perm) {
  for (size_t i = group.in_begin + 1; i < group.in_end; ++i) {
    if (perm[i] != perm[i - 1] + 1) return false;
  }
  return true;
}

}  // namespace

Result<std::optional<Sunk>> sink_reshape(Graph& graph, Node* node,
                                         const std::vector<int64_t>& perm) {
  const Shape& below = node->output()->shape();
  const auto groups = split_into_groups(node->input(0)->shape(), below);
  if (!groups) return std::optional<Sunk>();
  for (const Group& group : *groups) {
    if (!neighbours_above(group, perm)) return std::optional<Sunk>();
  }
  std::vector<const Group*> order;  // as they come above
  for (const Group& group : *groups) order.push_back(&group);
  std::sort(order.begin(), order.end(), [&perm](const Group* a, const Group* b) {
    return perm[a->in_begin] < perm[b->in_begin];
  });
  Sunk sunk;
  sunk.perm.resize(below.size());
  Shape target;
  for (const Group* group : order) {
    for (size_t o = group->out_begin; o < group->out_end; ++o) {
      sunk.perm[o] = static_cast<int64_t>(target.size());
      target.push_back(below[o]);
    }
  }
  // The Reshape is made as a trial; its attributes and inputs are what counts.
  NodeOptions options;
  options.before = node;
  Value* data = node->input(0)->producer()->input(0);
  if (data->shape() == target) return std::optional<Sunk>();
  HONE_ASSIGN_OR_RETURN(Value * trial, reshape_to(graph, data, target, options));
  if (!trial) return std::optional<Sunk>();
  sunk.attributes = trial->producer()->attributes();
  sunk.inputs = trial->producer()->inputs();
  graph.erase(trial->producer());
  return std::optional(std::move(sunk));
}

}  // namespace hone
