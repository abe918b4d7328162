#include "peer.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "base/text.h"
#include "importers/tensorflow/freeze.h"
#include "importers/tensorflow/saved_model.h"
#include "npy.h"

extern char** environ;

namespace hone::tools {
namespace {

namespace fs = std::filesystem;

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

}  // namespace

ScratchFolder::ScratchFolder() {
  std::error_code error;
  std::string pattern = (fs::temp_directory_path(error) / "hone_peer_XXXXXX").string();
  if (!error && mkdtemp(pattern.data())) path_ = pattern;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

Status ScratchFolder::check() const {
  if (!path_.empty()) return ok();
  return Status(Code::kIo, "no folder for temporary files could be made")
      .fix("set TMPDIR to a folder that can be written");
}

std::string ScratchFolder::file(const std::string& name) const { return join_path(path_, name); }

Status check_peer(const std::string& runtime, const Model& model, const std::string& otherwise) {
  const bool is_onnx = model.format() == "onnx";
  const bool is_tensorflow = model.format() == "saved_model" || model.format() == "graphdef";
  const bool reads_onnx = runtime == "onnxruntime" || runtime == "openvino";
  const bool reads_tensorflow = runtime == "tensorflow" || runtime == "openvino";
  if (!reads_onnx && !reads_tensorflow) {
    return Status(Code::kInvalidArgument, fmt::format("runtime '{}' is unknown", runtime))
        .fix("use onnxruntime, openvino or tensorflow");
  }
  if ((is_onnx && reads_onnx) || (is_tensorflow && reads_tensorflow)) return ok();
  return Status(Code::kInvalidArgument,
                fmt::format("{} does not run this model (format {})", runtime, model.format()))
      .at(model.source())
      .fix(otherwise);
}

Result<Json> peer_request(const std::string& runtime, const Model& model,
                          const std::string& signature, const std::vector<Tensor>& inputs,
                          const ScratchFolder& folder) {
  HONE_RETURN_IF_ERROR(folder.check());
  Json request = {{"runtime", runtime},       {"model", model.source()},  {"signature", ""},
                  {"inputs", Json::object()}, {"outputs", Json::array()}, {"taps", Json::array()},
                  {"folder", folder.path()}};
  for (size_t i = 0; i < inputs.size(); ++i) {
    HONE_ASSIGN_OR_RETURN(request["inputs"][model.inputs()[i].name],
                          put(folder, fmt::format("input_{}.npy", i), inputs[i]));
  }
  for (const TensorInfo& info : model.outputs()) request["outputs"].push_back(info.name);
  if (runtime == "tensorflow") {
    HONE_RETURN_IF_ERROR(add_frozen_graph(model, signature, folder, &request));
  }
  return request;
}

Result<std::vector<Tensor>> peer_outputs(const Json& answer, const Model& model) {
  std::vector<Tensor> outputs;
  for (const TensorInfo& info : model.outputs()) {
    HONE_ASSIGN_OR_RETURN(Tensor tensor,
                          read_npy_file(answer["outputs"][info.name].get<std::string>()));
    outputs.push_back(std::move(tensor));
  }
  return outputs;
}

// The socket is the process's stdin and, unless it moves that elsewhere, its stdout.
Status PeerProcess::start(const std::string& runtime, const Json& request,
                          const ScratchFolder& folder) {
  runtime_ = runtime;
  const char* set = std::getenv("HONE_PYTHON");
  python_ = set && *set ? set : "python3";
  log_ = folder.file(runtime + ".log");
  const std::string file = folder.file(runtime + ".json");
  HONE_RETURN_IF_ERROR(write_file_atomically(file, json_text(request)));
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return Status(Code::kOutOfResources, "no connection to another process could be made");
  }
  std::string words[] = {python_, "-m", "hone._peer", file};
  char* argv[] = {words[0].data(), words[1].data(), words[2].data(), words[3].data(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log_.c_str(), O_WRONLY | O_CREAT, 0600);
  const int failed = posix_spawnp(&child_, argv[0], &actions, nullptr, argv, environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  socket_ = ends[0];
  if (failed == 0) return ok();
  child_ = 0;
  return no_python();
}

PeerProcess::~PeerProcess() {
  if (socket_ >= 0) close(socket_);  // the process ends when there are no more lines
  if (child_ == 0) return;
  kill(child_, SIGTERM);
  while (waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

Result<Json> PeerProcess::ask(const std::string& line) {
  const std::string text = line + "\n";
  // MSG_NOSIGNAL: a process that is gone must not take us with it; that it is gone shows below.
  if (!line.empty()) (void)send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
  size_t end = 0;
  while ((end = received_.find('\n')) == std::string::npos) {
    char buffer[4096];
    const ssize_t count = recv(socket_, buffer, sizeof buffer, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      HONE_RETURN_IF_ERROR(finish());
      return did_not_run();
    }
    received_.append(buffer, static_cast<size_t>(count));
  }
  Json answer = Json::parse(received_.substr(0, end), nullptr, /*allow_exceptions=*/false);
  received_.erase(0, end + 1);
  if (answer.is_discarded()) return did_not_run();
  return answer;
}

Status PeerProcess::finish() {
  shutdown(socket_, SHUT_WR);
  int status = 0;
  while (waitpid(child_, &status, 0) < 0 && errno == EINTR) {
  }
  child_ = 0;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return ok();
  return WIFEXITED(status) && WEXITSTATUS(status) == 127 ? no_python() : did_not_run();
}

Status PeerProcess::no_python() const {
  return Status(Code::kUnsupported, fmt::format("{} cannot be started", python_))
      .fix("set HONE_PYTHON to a Python that has hone and " + runtime_);
}

Status PeerProcess::did_not_run() const {
  const auto log = read_file(log_);
  const std::string said = log.ok() ? *log : "";
  std::string last;
  for (std::string_view line : split(said, '\n')) {
    if (!trim(line).empty()) last = trim(line);
  }
  return Status(Code::kUnsupported, fmt::format("{} did not run the model", runtime_))
      .because(last.empty() ? "it ended without a message" : last)
      .fix(fmt::format("{} needs the Python packages hone-inference and {}", python_, runtime_));
}

}  // namespace hone::tools
