#include "lower/reshaped_view.h"

#include <algorithm>
#include <vector>

#include "ops/reshape_groups.h"

namespace hone {
namespace {

// A shape without its dimensions of size 1: they have no step.
struct Squeezed {
  Shape shape;
  std::vector<size_t> axes;  // where its dimensions are

  explicit Squeezed(const Shape& full) {
    for (size_t i = 0; i < full.size(); ++i) {
      if (full[i] == Dim(1)) continue;
      shape.push_back(full[i]);
      axes.push_back(i);
    }
  }
  // Dimensions left in front of `axis`.
  size_t before(size_t axis) const {
    return static_cast<size_t>(std::lower_bound(axes.begin(), axes.end(), axis) - axes.begin());
  }
};

std::optional<std::vector<ReshapeGroup>> squeezed_groups(const Squeezed& in, const Squeezed& out) {
  if (in.shape.empty() && out.shape.empty()) return std::vector<ReshapeGroup>();
  return reshape_groups(in.shape, out.shape);
}

// Where a break in front of dimension `place` of `in` is in `out`; nothing if it is within a group.
std::optional<size_t> moved_break(const Squeezed& in, const Squeezed& out, size_t rank,
                                  size_t place) {
  if (place == in.axes.size()) {
    // Behind all elements: only a last dimension of size 1 keeps the rule of contiguous last ones.
    const size_t last = out.axes.empty() ? 0 : out.axes.back() + 1;
    if (last == rank) return std::nullopt;
    return last;
  }
  const auto groups = squeezed_groups(in, out);
  if (!groups) return std::nullopt;
  for (const ReshapeGroup& group : *groups) {
    if (group.in_begin == place) return out.axes[group.out_begin];
  }
  return std::nullopt;
}

}  // namespace

std::optional<Breaks> reshaped_breaks(const Shape& in, const Shape& out, Breaks breaks) {
  if (breaks == 0) return 0;
  if (in.size() >= kMaxBreaks || out.size() >= kMaxBreaks) return std::nullopt;
  const Squeezed from(in), to(out);
  Breaks moved = 0;
  for (size_t b = 0; b < in.size(); ++b) {
    if (!(breaks >> b & 1)) continue;
    const size_t place = from.before(b);
    if (place == 0) continue;  // nothing steps over it
    const auto axis = moved_break(from, to, out.size(), place);
    if (!axis) return std::nullopt;
    moved |= Breaks{1} << *axis;
  }
  return moved;
}

Halo reshaped_halo(const Shape& in, const Shape& out, const Halo& halo) {
  Halo moved;
  if (halo.empty()) return moved;
  moved.before.assign(out.size(), 0);
  moved.after.assign(out.size(), 0);
  const Squeezed from(in), to(out);
  const auto groups = squeezed_groups(from, to);
  if (!groups) return moved;
  for (const ReshapeGroup& group : *groups) {
    if (group.in_end - group.in_begin != 1 || group.out_end - group.out_begin != 1) continue;
    const size_t axis = from.axes[group.in_begin], place = to.axes[group.out_begin];
    moved.before[place] = halo.before[axis];
    moved.after[place] = halo.after[axis];
  }
  return moved;
}

namespace {

// Gives dimensions [first, last] of `view` the elements of `from`, which lie contiguously.
void spread(const std::vector<int>& from, const TensorLayout& parent, int first, int last,
            TensorLayout* view) {
  view->stride[last] = parent.stride[from.back()];
  for (int i = last; i > first; --i) view->stride[i - 1] = view->stride[i] * view->shape[i];
  if (from.size() != 1 || first != last) return;
  view->halo_before[last] = parent.halo_before[from[0]];
  view->halo_after[last] = parent.halo_after[from[0]];
}

bool contiguous(const std::vector<int>& dims, const TensorLayout& layout) {
  for (size_t i = 1; i < dims.size(); ++i) {
    if (layout.stride[dims[i - 1]] != layout.stride[dims[i]] * layout.shape[dims[i]]) return false;
  }
  return true;
}

}  // namespace

bool reshape_layout(const TensorLayout& parent, TensorLayout* view) {
  std::fill_n(view->halo_before, kMaxRank, 0);
  std::fill_n(view->halo_after, kMaxRank, 0);
  view->dense_strides(view->stride);
  if (parent.num_elements() != view->num_elements()) return false;
  if (view->num_elements() == 0) return true;
  int in = 0, out = 0;
  while (true) {
    while (in < parent.rank && parent.shape[in] == 1) ++in;
    // A dimension of size 1 steps over nothing: any stride will do.
    while (out < view->rank && view->shape[out] == 1) ++out;
    if (in == parent.rank || out == view->rank) return true;  // both: the counts are equal
    std::vector<int> from = {in};
    const int first = out;
    int64_t in_product = parent.shape[in], out_product = view->shape[out];
    while (in_product != out_product) {
      if (in_product < out_product) {
        in_product *= parent.shape[++in];
        if (parent.shape[in] != 1) from.push_back(in);
      } else {
        out_product *= view->shape[++out];
      }
    }
    if (!contiguous(from, parent)) return false;
    spread(from, parent, first, out, view);
    ++in, ++out;
  }
}

}  // namespace hone
