// Writing a converted SavedModel, and the report as text.
#include <fmt/core.h>
#include <unistd.h>

#include <filesystem>

#include "base/file.h"
#include "hone/tensorflow.h"

namespace hone::tensorflow {
namespace {

namespace fs = std::filesystem;

Status write_files(const Conversion& conversion, const fs::path& directory) {
  std::error_code error;
  fs::create_directories(directory / "assets", error);
  if (error)
    return Status(Code::kIo, "cannot make the directory")
        .at(directory.string())
        .because(error.message());
  for (const EngineReport& engine : conversion.report.engines) {
    HONE_RETURN_IF_ERROR(write_file_atomically(
        (directory / "assets" / (engine.name + ".plan")).string(), engine.plan));
  }
  return write_file_atomically((directory / "saved_model.pb").string(), conversion.saved_model);
}

}  // namespace

Status Conversion::save(const std::string& directory) const {
  std::error_code error;
  fs::path target = fs::absolute(directory).lexically_normal();
  if (!target.has_filename()) target = target.parent_path();
  if (fs::exists(target, error) &&
      !(fs::is_directory(target, error) && fs::is_empty(target, error))) {
    return Status(Code::kIo, "the output directory exists and is not empty")
        .at(directory)
        .fix("give another directory, or remove this one");
  }
  const fs::path aside =
      target.parent_path() / fmt::format(".{}.{}", target.filename().string(), ::getpid());
  fs::create_directories(target.parent_path(), error);
  if (error)
    return Status(Code::kIo, "cannot make the folder above").at(directory).because(error.message());
  Status status = write_files(*this, aside);
  if (status.ok()) {
    fs::remove(target, error);  // an empty directory
    fs::rename(aside, target, error);
    if (error)
      status = Status(Code::kIo, "cannot rename the finished model")
                   .at(directory)
                   .because(error.message());
  }
  if (!status.ok()) fs::remove_all(aside, error);
  return status;
}

std::string Report::text() const {
  std::string text;
  for (const EngineReport& engine : engines) {
    text += fmt::format("{}: {} nodes\n", engine.name, engine.nodes);
    for (size_t i = 0; i < engine.input_names.size(); ++i) {
      text += fmt::format("  input  {} {}{}\n", engine.input_names[i], engine.input_dtypes[i],
                          engine.input_shapes[i]);
    }
    for (size_t i = 0; i < engine.output_names.size(); ++i) {
      text += fmt::format("  output {} {}{}\n", engine.output_names[i], engine.output_dtypes[i],
                          engine.output_shapes[i]);
    }
    std::string ops;
    for (const auto& [op, count] : engine.op_counts)
      ops += fmt::format("{}{} {}", ops.empty() ? "" : ", ", op, count);
    text += fmt::format("  {}\n", ops);
  }
  if (!unconverted.empty()) text += "Stay in TensorFlow:\n";
  for (const Unconverted& entry : unconverted) {
    text += fmt::format("  {} x{}: {}\n", entry.op, entry.nodes.size(), entry.reason);
    for (size_t i = 0; i < entry.nodes.size() && i < 5; ++i)
      text += fmt::format("    {}\n", entry.nodes[i]);
    if (entry.nodes.size() > 5) text += fmt::format("    ... {} more\n", entry.nodes.size() - 5);
    if (!entry.fix.empty()) text += fmt::format("    Fix: {}\n", entry.fix);
  }
  const double share = total_nodes > 0 ? 100.0 * converted_nodes / total_nodes : 0;
  text += fmt::format("{} engine{}, {} of {} nodes converted ({:.1f} %)\n", engines.size(),
                      engines.size() == 1 ? "" : "s", converted_nodes, total_nodes, share);
  return text;
}

}  // namespace hone::tensorflow
