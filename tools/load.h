// FILE.plan or MODEL: told apart by content.
#pragma once

#include <string>

#include "build_flags.h"
#include "hone/builder.h"
#include "hone/engine.h"
#include "hone/status.h"

namespace hone::tools {

// True when the file begins like a plan. kIo: it is not there or cannot be read.
Result<bool> is_plan(const std::string& path);

// kModel for a plan, where a model is needed.
Result<Model> load_model(const std::string& path, const std::string& signature);

// Loads a plan, or builds one of a model in memory. `tune` false: as if --no-tune was given.
Result<Engine> load_engine(const std::string& path, const BuildFlags& flags, bool tune = true);

// Threads that work on one run.
int engine_threads(const Engine& engine);

// Builds in memory, with the progress bar.
Result<Engine> build_engine(const Model& model, BuildOptions options);

}  // namespace hone::tools
