// Progress of a build for people.
#pragma once

#include "hone/types.h"

namespace hone::tools {

// A bar on stderr when that is a terminal, else one line per stage with HONE_LOG=info. Returns
// false, which cancels the work, after Ctrl-C (see GracefulInterrupt).
Progress progress_bar();

}  // namespace hone::tools
