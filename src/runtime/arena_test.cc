#include "runtime/arena.h"

#include <gtest/gtest.h>

#include <random>

namespace hone {
namespace {

TEST(Arena, ReusesDeadSlots) {
  std::vector<ArenaSlot> slots(3);
  slots[0] = {0, 1, 1000, 0};
  slots[1] = {1, 2, 1000, 0};
  slots[2] = {2, 3, 1000, 0};
  EXPECT_EQ(place_in_arena(&slots), 2048);
  EXPECT_EQ(slots[0].offset, slots[2].offset);
}

TEST(Arena, LiveSlotsNeverOverlap) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 rng(seed);
    std::vector<ArenaSlot> slots(1 + rng() % 60);
    for (ArenaSlot& slot : slots) {
      const int first = static_cast<int>(rng() % 40);
      slot = {first, first + static_cast<int>(rng() % 10), static_cast<int64_t>(rng() % 5000), 0};
    }
    const int64_t total = place_in_arena(&slots);
    for (size_t i = 0; i < slots.size(); ++i) {
      if (slots[i].bytes == 0) continue;
      EXPECT_EQ(slots[i].offset % static_cast<int64_t>(kArenaAlignment), 0);
      EXPECT_LE(slots[i].offset + slots[i].bytes, total);
      for (size_t k = 0; k < i; ++k) {
        if (slots[k].bytes == 0) continue;
        if (slots[k].last < slots[i].first || slots[i].last < slots[k].first) continue;
        EXPECT_TRUE(slots[k].offset + slots[k].bytes <= slots[i].offset ||
                    slots[i].offset + slots[i].bytes <= slots[k].offset);
      }
    }
  }
}

}  // namespace
}  // namespace hone
