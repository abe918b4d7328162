// Another runtime in a Python process: python/hone/_peer.py, started for a request.
#pragma once

#include <string>
#include <vector>

#include "base/tensor.h"
#include "hone/builder.h"
#include "hone/status.h"
#include "json.h"

namespace hone::tools {

// A folder that is gone when this goes.
class ScratchFolder {
 public:
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  Status check() const;  // kIo: it could not be made
  std::string file(const std::string& name) const;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Errors: kInvalidArgument: there is no such runtime, or it does not read models of this format;
// `otherwise` says what to do instead.
Status check_peer(const std::string& runtime, const Model& model, const std::string& otherwise);

// The part of a request that all have: model, inputs (in the model's order; written to the folder)
// and outputs; for TensorFlow also the frozen graph.
Result<Json> peer_request(const std::string& runtime, const Model& model,
                          const std::string& signature, const std::vector<Tensor>& inputs,
                          const ScratchFolder& folder);

// The outputs that answer.json in the folder names, in the model's order.
Result<std::vector<Tensor>> peer_outputs(const Json& answer, const Model& model);

// The process ($HONE_PYTHON, else python3). Its end, and the messages of its failures, are waited
// for by ask() and finish(). Errors of all functions: kUnsupported: Python or the runtime is
// missing, or the runtime refuses the model, with its message.
class PeerProcess {
 public:
  PeerProcess() = default;
  ~PeerProcess();  // ends the process if it still runs
  PeerProcess(const PeerProcess&) = delete;
  PeerProcess& operator=(const PeerProcess&) = delete;

  Status start(const std::string& runtime, const Json& request, const ScratchFolder& folder);
  // Sends a line (none if empty) and waits for the answer, one line of JSON.
  Result<Json> ask(const std::string& line);
  // Waits for the end of a process that is not asked, or no longer.
  Status finish();

 private:
  Status no_python() const;
  Status did_not_run() const;

  std::string runtime_, python_, log_, received_;
  int socket_ = -1;
  int child_ = 0;  // 0: none, or its end is known
};

}  // namespace hone::tools
