// What the border of a padded axis shows.
#pragma once

#include <cstdint>
#include <string>

namespace hone {

// The input index that position `i` of a padded axis shows (i < 0 and i >= size: in the border), or
// -1 for the constant. REQUIRES: pad_fits.
int64_t pad_source(const std::string& mode, int64_t i, int64_t size);
// Whether an axis of `size` has enough elements to fill borders of these widths.
bool pad_fits(const std::string& mode, int64_t size, int64_t begin, int64_t end);

}  // namespace hone
