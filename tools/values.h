// Values on the command line that are more than a number: shapes, durations, sizes, precisions.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "hone/builder.h"
#include "hone/status.h"

namespace hone::tools {

using NamedShapes = std::map<std::string, std::vector<int64_t>>;

// "x:1x224x224x3,ids:0:1x128" (names may have colons; "s:" is a scalar). Errors: kInvalidArgument.
Result<NamedShapes> parse_shapes(std::string_view text);

// One profile per entry of the lists, which come from --min-shapes, --opt-shapes, --max-shapes.
// What is left out of min or max is as in opt; without opt, max stands for it. Errors:
// kInvalidArgument.
Result<std::vector<Profile>> parse_profiles(const std::vector<std::string>& min,
                                            const std::vector<std::string>& opt,
                                            const std::vector<std::string>& max);

// "5s", "500ms", "2m", "5" (seconds); in seconds, not negative.
Result<double> parse_duration(std::string_view text);

// "1GiB"; empty: 0.
Result<int64_t> parse_memory(std::string_view text);

// "fp32" or "tf32". kUnsupported: precisions of later versions; kInvalidArgument: no precision.
Result<Precision> parse_precision(std::string_view text);

}  // namespace hone::tools
