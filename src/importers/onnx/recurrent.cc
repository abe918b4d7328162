// LSTM, GRU, RNN.
#include "ops/recurrent.h"

#include "base/text.h"
#include "importers/onnx/importer_table.h"

namespace hone::onnx {
namespace {

constexpr const char* kLimits = "Affine, ScaledTanh and ThresholdedRelu need their parameters";

// activation_alpha and activation_beta hold values for those activations only that have them, in
// order; what is missing at the end is the default.
void read_activations(Call& call, RecurrentAttributes* attributes) {
  const auto names = call.texts("activations");
  const auto alphas = call.reals("activation_alpha"), betas = call.reals("activation_beta");
  size_t next_alpha = 0, next_beta = 0;
  for (const std::string& name : names) {
    const GateFunctionInfo* info = find_gate_function(name);
    if (!info) call.unsupported("the activation '" + printable(name) + "'");
    double alpha = info->alpha, beta = info->beta;
    // The specification has no defaults for two of these, and ONNX Runtime takes 0 for all.
    const bool has_defaults = info->function != GateFunction::kAffine &&
                              info->function != GateFunction::kScaledTanh &&
                              info->function != GateFunction::kThresholdedRelu;
    const bool alpha_missing = info->parameters >= 1 && next_alpha >= alphas.size();
    const bool beta_missing = info->parameters >= 2 && next_beta >= betas.size();
    if (!has_defaults && (alpha_missing || beta_missing)) {
      call.unsupported("the activation '" + name + "' without its parameters");
    }
    if (info->parameters >= 1 && !alpha_missing) alpha = alphas[next_alpha++];
    if (info->parameters >= 2 && !beta_missing) beta = betas[next_beta++];
    attributes->alphas.push_back(alpha);
    attributes->betas.push_back(beta);
  }
  attributes->activations = join(names, ",");
  if (alphas.empty() && betas.empty()) {
    attributes->alphas.clear();
    attributes->betas.clear();
  }
}

void read_attributes(Call& call, RecurrentAttributes* attributes) {
  read_activations(call, attributes);
  attributes->direction = to_lower(call.text("direction", "forward"));
  attributes->clip = call.real("clip", 0.0);
  attributes->batch_major = call.flag("layout", false);
  // The recurrent weights tell the size; the attribute may be missing.
  const Shape& r = call.input(kRecurrentR)->shape();
  const int64_t hidden = call.integer("hidden_size", 0);
  if (hidden != 0 && r.size() == 3 && r[2].is_const() && r[2].value() != hidden) {
    call.bad_model("attribute 'hidden_size' is not the size of the recurrent weights");
  }
}

Values recurrent(Call& call, Attributes attributes) {
  Values inputs = call.inputs();
  // A plan has no gaps between inputs; an empty tensor is what stands for an absent one.
  for (Value*& input : inputs) {
    if (!input) input = call.constant(Tensor::from<float>({0}, {}));
  }
  return call.node(call.op_type(), std::move(inputs), std::move(attributes))->outputs();
}

Values lstm(Call& call) {
  LstmAttributes attributes;
  read_attributes(call, &attributes);
  attributes.input_forget = call.flag("input_forget", false);
  return recurrent(call, attributes);
}

Values gru(Call& call) {
  GruAttributes attributes;
  read_attributes(call, &attributes);
  attributes.linear_before_reset = call.flag("linear_before_reset", false);
  return recurrent(call, attributes);
}

Values rnn(Call& call) {
  RecurrentAttributes attributes;
  read_attributes(call, &attributes);
  return recurrent(call, attributes);
}

}  // namespace

std::vector<ImportRow> recurrent_rows() {
  return {
      {"GRU", gru, 3, 6, 1, kLimits},
      {"LSTM", lstm, 3, 8, 1, kLimits},
      {"RNN", rnn, 3, 6, 1, kLimits},
  };
}

}  // namespace hone::onnx
