// hone_freeze MODEL OUT.pb [SIGNATURE]: writes a model's frozen graph, for checks against
// TensorFlow. Prints one line per port: "input KEY TENSOR", "output KEY TENSOR", and "effect NODE".
// Not installed.
#include <cstdio>
#include <map>

#include "base/file.h"
#include "importers/tensorflow/freeze.h"
#include "importers/tensorflow/saved_model.h"

namespace {

using hone::tf::FrozenGraph;

hone::Result<FrozenGraph> freeze(const std::string& path, const std::string& signature) {
  HONE_ASSIGN_OR_RETURN(const auto format, hone::tf::detect_format(path));
  if (format != hone::tf::ModelFormat::kSavedModel) return hone::tf::read_frozen_graph(path);
  HONE_ASSIGN_OR_RETURN(const auto model, hone::tf::read_saved_model(path));
  return hone::tf::freeze_signature(model, signature);
}

hone::Status write(const FrozenGraph& graph, const std::string& path) {
  HONE_ASSIGN_OR_RETURN(const std::string bytes, hone::tf::serialize(graph.graph));
  return hone::write_file_atomically(path, bytes);
}

int fail(const hone::Status& status) {
  std::fprintf(stderr, "%s\n", status.message().c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: hone_freeze MODEL OUT.pb [SIGNATURE]\n");
    return 2;
  }
  const auto graph = freeze(argv[1], argc > 3 ? argv[3] : "");
  if (!graph.ok()) return fail(graph.status());
  if (const auto status = write(*graph, argv[2]); !status.ok()) return fail(status);
  for (const auto& port : graph->inputs) {
    std::printf("input %s %s\n", port.key.c_str(), port.tensor.c_str());
  }
  for (const auto& port : graph->outputs) {
    std::printf("output %s %s\n", port.key.c_str(), port.tensor.c_str());
  }
  for (const auto& node : graph->side_effects) std::printf("effect %s\n", node.c_str());
  return 0;
}
