#include "runtime/arena.h"

#include <algorithm>
#include <numeric>

namespace hone {

int64_t place_in_arena(std::vector<ArenaSlot>* slots) {
  std::vector<size_t> order;
  for (size_t i = 0; i < slots->size(); ++i) {
    if ((*slots)[i].bytes > 0) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [slots](size_t a, size_t b) { return (*slots)[a].bytes > (*slots)[b].bytes; });
  std::vector<size_t> placed;  // by offset
  int64_t total = 0;
  for (size_t i : order) {
    ArenaSlot& slot = (*slots)[i];
    const int64_t bytes = static_cast<int64_t>(align_arena(static_cast<size_t>(slot.bytes)));
    int64_t offset = 0;
    for (size_t p : placed) {
      const ArenaSlot& other = (*slots)[p];
      if (other.last < slot.first || other.first > slot.last) continue;
      if (other.offset >= offset + bytes) break;
      offset = std::max(offset, other.offset + static_cast<int64_t>(
                                                   align_arena(static_cast<size_t>(other.bytes))));
    }
    slot.offset = offset;
    total = std::max(total, offset + bytes);
    const auto position =
        std::upper_bound(placed.begin(), placed.end(), offset,
                         [slots](int64_t value, size_t p) { return value < (*slots)[p].offset; });
    placed.insert(position, i);
  }
  return total;
}

}  // namespace hone
