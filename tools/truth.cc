#include "truth.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "base/text.h"
#include "builder/model_impl.h"
#include "graph/evaluate.h"
#include "importers/tensorflow/freeze.h"
#include "importers/tensorflow/saved_model.h"
#include "json.h"
#include "npy.h"

extern char** environ;

namespace hone::tools {
namespace {

namespace fs = std::filesystem;

// A folder that is gone when this goes.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::error_code error;
    std::string pattern = (fs::temp_directory_path(error) / "hone_compare_XXXXXX").string();
    if (!error && mkdtemp(pattern.data())) path_ = pattern;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  Status check() const {
    if (!path_.empty()) return ok();
    return Status(Code::kIo, "no folder for temporary files could be made")
        .fix("set TMPDIR to a folder that can be written");
  }
  std::string file(const std::string& name) const { return join_path(path_, name); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Runs `python -m hone._peer request`; its stderr goes to `log`.
Status run_python(const std::string& runtime, const std::string& request, const std::string& log) {
  const char* set = std::getenv("HONE_PYTHON");
  const std::string python = set && *set ? set : "python3";
  std::string words[] = {python, "-m", "hone._peer", request};
  char* argv[] = {words[0].data(), words[1].data(), words[2].data(), words[3].data(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  // Chatter of the runtime must not get between our results.
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log.c_str(), O_WRONLY | O_CREAT, 0600);
  pid_t child = 0;
  const int failed = posix_spawnp(&child, argv[0], &actions, nullptr, argv, environ);
  posix_spawn_file_actions_destroy(&actions);
  const Status no_python = Status(Code::kUnsupported, fmt::format("{} cannot be started", python))
                               .fix("set HONE_PYTHON to a Python that has hone and " + runtime);
  if (failed != 0) return no_python;
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return ok();
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127) return no_python;
  const auto said = read_file(log);
  std::string last;
  for (std::string_view line : split(said.ok() ? *said : "", '\n')) {
    if (!trim(line).empty()) last = trim(line);
  }
  return Status(Code::kUnsupported, fmt::format("{} did not run the model", runtime))
      .because(last.empty() ? "it ended without a message" : last)
      .fix(fmt::format("{} needs the Python packages hone-inference and {}", python, runtime));
}

// Writes the tensor to folder/name; returns the path.
Result<std::string> put(const ScratchFolder& folder, const std::string& name,
                        const Tensor& tensor) {
  HONE_ASSIGN_OR_RETURN(const std::string bytes, write_npy(tensor));
  const std::string path = folder.file(name);
  HONE_RETURN_IF_ERROR(write_file_atomically(path, bytes));
  return path;
}

Result<tf::FrozenGraph> freeze(const Model& model, std::string* signature) {
  const std::string& path = model.source();
  if (model.format() == "graphdef") return tf::read_frozen_graph(path);
  HONE_ASSIGN_OR_RETURN(const tf::SavedModel saved, tf::read_saved_model(path));
  HONE_ASSIGN_OR_RETURN(*signature, tf::choose_signature(saved.meta, *signature));
  return tf::freeze_signature(saved, *signature);
}

Status add_frozen_graph(const Model& model, std::string signature, const ScratchFolder& folder,
                        Json* request) {
  HONE_ASSIGN_OR_RETURN(const tf::FrozenGraph frozen, freeze(model, &signature));
  HONE_ASSIGN_OR_RETURN(const std::string bytes, tf::serialize(frozen.graph));
  HONE_RETURN_IF_ERROR(write_file_atomically(folder.file("frozen.pb"), bytes));
  Json& r = *request;
  r["graph_def"] = folder.file("frozen.pb");
  r["signature"] = model.format() == "graphdef" ? "" : signature;
  r["feeds"] = Json::object();
  for (const auto& port : frozen.inputs) {
    if (r["inputs"].contains(port.key)) r["feeds"][port.tensor] = r["inputs"][port.key];
  }
  r["frozen_outputs"] = Json::array();
  for (const TensorInfo& info : model.outputs()) {
    for (const auto& port : frozen.outputs) {
      if (port.key == info.name) r["frozen_outputs"].push_back(port.tensor);
    }
  }
  return ok();
}

Result<Truth> read_answer(const ScratchFolder& folder, const Model& model) {
  HONE_ASSIGN_OR_RETURN(const std::string text, read_file(folder.file("answer.json")));
  const Json answer = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto read = [](const Json& file) { return read_npy_file(file.get<std::string>()); };
  Truth truth;
  for (const TensorInfo& info : model.outputs()) {
    HONE_ASSIGN_OR_RETURN(Tensor tensor, read(answer["outputs"][info.name]));
    truth.outputs.push_back(std::move(tensor));
  }
  for (const auto& [name, file] : answer["taps"].items()) {
    HONE_ASSIGN_OR_RETURN(truth.taps[name], read(file));
  }
  return truth;
}

Status check_format(const std::string& runtime, const Model& model) {
  const bool is_onnx = model.format() == "onnx";
  const bool is_tensorflow = model.format() == "saved_model" || model.format() == "graphdef";
  if (runtime == "onnxruntime" ? is_onnx : is_tensorflow) return ok();
  return Status(Code::kInvalidArgument,
                fmt::format("{} does not run this model (format {})", runtime, model.format()))
      .at(model.source())
      .fix("use --against reference");
}

}  // namespace

Result<Truth> reference_truth(const Model& model, const std::vector<Tensor>& inputs,
                              const std::set<std::string>& taps) {
  Truth truth;
  EvaluateOptions options;
  options.tap = [&](const Value& value, const Tensor& tensor) {
    if (taps.count(value.source()) > 0) truth.taps[value.source()] = tensor;
    return ok();
  };
  HONE_ASSIGN_OR_RETURN(truth.outputs, evaluate_graph(model.impl()->graph, inputs, options));
  return truth;
}

Result<Truth> peer_truth(const std::string& runtime, const Model& model,
                         const std::string& signature, const std::vector<Tensor>& inputs,
                         const std::set<std::string>& taps) {
  HONE_RETURN_IF_ERROR(check_format(runtime, model));
  const ScratchFolder folder;
  HONE_RETURN_IF_ERROR(folder.check());
  Json request = {{"runtime", runtime},       {"model", model.source()},  {"signature", ""},
                  {"inputs", Json::object()}, {"outputs", Json::array()}, {"taps", taps},
                  {"folder", folder.path()}};
  for (size_t i = 0; i < inputs.size(); ++i) {
    HONE_ASSIGN_OR_RETURN(request["inputs"][model.inputs()[i].name],
                          put(folder, fmt::format("input_{}.npy", i), inputs[i]));
  }
  for (const TensorInfo& info : model.outputs()) request["outputs"].push_back(info.name);
  if (runtime == "tensorflow") {
    HONE_RETURN_IF_ERROR(add_frozen_graph(model, signature, folder, &request));
  }
  const std::string file = folder.file("request.json");
  HONE_RETURN_IF_ERROR(write_file_atomically(file, json_text(request)));
  HONE_RETURN_IF_ERROR(run_python(runtime, file, folder.file("log.txt")));
  return read_answer(folder, model);
}

}  // namespace hone::tools
