#include "load.h"

#include "base/file.h"
#include "progress.h"
#include "runtime/engine_impl.h"

namespace hone::tools {

Result<bool> is_plan(const std::string& path) {
  constexpr std::string_view kMagic = "HONEPLAN";
  if (is_directory(path)) return false;
  HONE_ASSIGN_OR_RETURN(const auto file, MappedFile::open(path));
  return file->view().substr(0, kMagic.size()) == kMagic;
}

Result<Model> load_model(const std::string& path, const std::string& signature) {
  HONE_ASSIGN_OR_RETURN(const bool plan, is_plan(path));
  if (!plan) return Model::from_file(path, signature);
  return Status(Code::kModel, "this is a plan, a model is needed")
      .at(path)
      .fix("give the ONNX file, SavedModel directory or GraphDef that the plan was built from");
}

Result<Engine> build_engine(const Model& model, BuildOptions options) {
  options.progress = progress_bar();
  const int threads = options.threads;
  HONE_ASSIGN_OR_RETURN(const Plan plan, build(model, options));
  return plan.load({.threads = threads});
}

Result<Engine> load_engine(const std::string& path, const BuildFlags& flags, bool tune) {
  HONE_ASSIGN_OR_RETURN(BuildOptions options, flags.options());
  HONE_ASSIGN_OR_RETURN(const bool plan, is_plan(path));
  if (plan) return Engine::load(path, {.threads = flags.threads()});
  HONE_ASSIGN_OR_RETURN(const Model model, load_model(path, flags.signature()));
  options.tune = options.tune && tune;
  return build_engine(model, std::move(options));
}

int engine_threads(const Engine& engine) { return engine.impl()->threads; }

}  // namespace hone::tools
