#include "truth.h"

#include "base/file.h"
#include "builder/model_impl.h"
#include "graph/evaluate.h"
#include "npy.h"
#include "peer.h"

namespace hone::tools {

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
  HONE_RETURN_IF_ERROR(check_peer(runtime, model, "use --against reference"));
  const ScratchFolder folder;
  HONE_ASSIGN_OR_RETURN(Json request, peer_request(runtime, model, signature, inputs, folder));
  request["taps"] = taps;
  PeerProcess process;
  HONE_RETURN_IF_ERROR(process.start(runtime, request, folder));
  HONE_RETURN_IF_ERROR(process.finish());
  HONE_ASSIGN_OR_RETURN(const std::string text, read_file(folder.file("answer.json")));
  const Json answer = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  Truth truth;
  HONE_ASSIGN_OR_RETURN(truth.outputs, peer_outputs(answer, model));
  for (const auto& [name, file] : answer["taps"].items()) {
    HONE_ASSIGN_OR_RETURN(truth.taps[name], read_npy_file(file.get<std::string>()));
  }
  return truth;
}

}  // namespace hone::tools
