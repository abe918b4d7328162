// A reader for leveldb-style tables, the format of `variables.index`.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "hone/status.h"

namespace hone::tf {

// All entries of the table in `file`, keys in order. Every block's checksum is verified; every
// offset and size is checked against the file, and keys must ascend. kModel for a damaged table,
// kUnsupported for a compressed one. `name`: of the file, for messages. Memory: the keys are at
// most 64 MiB + 16 x file size together.
Result<std::map<std::string, std::string, std::less<>>> read_table(std::string_view file,
                                                                   const std::string& name);

}  // namespace hone::tf
