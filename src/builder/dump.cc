#include "builder/dump.h"

#include <fmt/core.h>

#include <filesystem>

#include "base/file.h"
#include "graph/text.h"

namespace hone {

Status GraphDump::write(const std::string& stage, const Graph& graph) {
  if (directory_.empty()) return ok();
  std::error_code error;
  std::filesystem::create_directories(directory_, error);
  const std::string name = fmt::format("{:02}_{}.txt", count_++, stage);
  return write_file_atomically(join_path(directory_, name), print_graph(graph));
}

}  // namespace hone
