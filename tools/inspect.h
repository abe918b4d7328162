// The two halves of `hone inspect`.
#pragma once

#include <string>

#include "hone/builder.h"
#include "hone/engine.h"
#include "hone/status.h"

namespace hone::tools {

// Layers, tactics, memory of a plan; text or JSON.
Result<std::string> inspect_plan(const Engine& engine, bool as_json);

// Inputs, outputs, operators of a model; with `fusions` what the passes make of it.
Result<std::string> inspect_model(const Model& model, bool fusions, bool as_json);

}  // namespace hone::tools
