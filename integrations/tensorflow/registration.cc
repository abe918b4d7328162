// How the ops get into TensorFlow's registry.
//
// Two ways in, since there are two ways to load a plug-in: tf.load_op_library and TF_LoadLibrary
// only dlopen it (the ELF constructor registers), the loader of pluggable devices calls
// TF_InitKernel. `import tensorflow` does both for every file in site-packages/tensorflow-plugins.

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>

#include "engine_op.h"
#include "error.h"
#include "init_op.h"
#include "tf_c_api.h"

namespace hone::tf_op {
namespace {

constexpr char kEngineOp[] = "HoneEngineOp";
constexpr char kInitOp[] = "HoneInitEngine";

enum class State { kWaiting, kRegistered, kOtherCopy, kInert };

// Constant-initialized: the constructor below may run before other initializers of this library.
constinit std::mutex g_mutex;
constinit State g_state = State::kWaiting;

bool debug() {
  const char* level = std::getenv("HONE_LOG");
  return level != nullptr && std::strcmp(level, "debug") == 0;
}

void unknown_shapes(TF_ShapeInferenceContext* context, TF_Status* status) {
  // The C API reads neither list(shape) attributes here nor plans; the converter puts an
  // EnsureShape behind the engine where a shape is known.
  tf().TF_ShapeInferenceContextSetUnknownShape(context, status);
}

void no_shapes(TF_ShapeInferenceContext*, TF_Status*) {}

Error register_kernel(const char* op, TfCreate create, TfCompute compute, TfDelete destroy) {
  TfStatus status;
  TF_KernelBuilder* builder = tf().TF_NewKernelBuilder(op, "CPU", create, compute, destroy);
  tf().TF_RegisterKernelBuilder(op, builder, status.get());  // takes the builder
  return from_tensorflow(status.get());
}

Error register_engine_op() {
  TF_OpDefinitionBuilder* builder = tf().TF_NewOpDefinitionBuilder(kEngineOp);
  tf().TF_OpDefinitionBuilderAddInput(builder, "inputs: InT");
  tf().TF_OpDefinitionBuilderAddOutput(builder, "outputs: OutT");
  for (const char* attribute :
       {"InT: list(type) >= 0", "OutT: list(type) >= 1", "plan: string", "segment: string = ''",
        "output_shapes: list(shape) = []", "threads: int = 0"}) {
    tf().TF_OpDefinitionBuilderAddAttr(builder, attribute);
  }
  tf().TF_OpDefinitionBuilderSetShapeInferenceFunction(builder, unknown_shapes);
  TfStatus status;
  tf().TF_RegisterOpDefinition(builder, status.get());  // takes the builder
  if (!status.ok()) return from_tensorflow(status.get());
  return register_kernel(kEngineOp, create_engine_kernel, run_engine_kernel, delete_engine_kernel);
}

Error register_init_op() {
  TF_OpDefinitionBuilder* builder = tf().TF_NewOpDefinitionBuilder(kInitOp);
  tf().TF_OpDefinitionBuilderAddInput(builder, "filename: string");
  tf().TF_OpDefinitionBuilderAddAttr(builder, "key: string");
  tf().TF_OpDefinitionBuilderAddAttr(builder, "threads: int = 0");
  tf().TF_OpDefinitionBuilderSetIsStateful(builder, true);
  tf().TF_OpDefinitionBuilderSetShapeInferenceFunction(builder, no_shapes);
  TfStatus status;
  tf().TF_RegisterOpDefinition(builder, status.get());
  if (!status.ok()) return from_tensorflow(status.get());
  return register_kernel(kInitOp, create_init_kernel, run_init_kernel, delete_init_kernel);
}

// A second copy of this file under another path: two registrations of one kernel make every look-up
// of it ambiguous, and all models fail.
bool registered_by_other_copy() {
  if (!tf().TF_GetRegisteredKernelsForOp || !tf().TF_DeleteBuffer) return false;
  TfStatus status;
  TF_Buffer* kernels = tf().TF_GetRegisteredKernelsForOp(kEngineOp, status.get());
  const bool found = kernels != nullptr && kernels->length != 0;
  if (kernels != nullptr) tf().TF_DeleteBuffer(kernels);
  return found;
}

State try_register(std::string* reason) {
  std::string missing;
  switch (find_tensorflow(&missing)) {
    case TfLookup::kAbsent:
      *reason = "no TensorFlow in this process; import it before this library is loaded";
      return State::kWaiting;
    case TfLookup::kIncomplete:
      *reason = "this TensorFlow has no " + missing + "; Hone needs TensorFlow 2.12 or later";
      return State::kInert;
    case TfLookup::kReady:
      break;
  }
  if (registered_by_other_copy()) return State::kOtherCopy;
  Error error = register_engine_op();
  if (!error) error = register_init_op();
  if (!error) return State::kRegistered;
  *reason = "TensorFlow refused the registration: " + error.message;
  return State::kInert;
}

// Registers once. `required`: TensorFlow must be there, so its absence is worth a line.
void register_once(bool required) noexcept try {
  std::lock_guard<std::mutex> lock(g_mutex);
  static std::string* reason = new std::string;  // outlives everything
  if (g_state == State::kWaiting) {
    reason->clear();  // of an earlier try, before TensorFlow was there
    g_state = try_register(reason);
    const bool silent = g_state == State::kWaiting && !required;
    if (!reason->empty() && !silent) {
      std::fprintf(stderr, "Hone: the TensorFlow plug-in is inactive: %s\n", reason->c_str());
    }
    if (debug() && reason->empty()) {
      const char* version = tf().TF_Version ? tf().TF_Version() : "of unknown version";
      std::fprintf(stderr, "Hone: the TensorFlow plug-in is %s (TensorFlow %s)\n",
                   g_state == State::kRegistered ? "registered" : "already registered by a copy",
                   version);
    }
  } else if (g_state == State::kInert && required) {
    std::fprintf(stderr, "Hone: the TensorFlow plug-in is inactive: %s\n", reason->c_str());
  }
} catch (...) {
  std::fputs("Hone: the TensorFlow plug-in is inactive: out of memory\n", stderr);
}

__attribute__((constructor)) void on_load() { register_once(/*required=*/false); }

}  // namespace
}  // namespace hone::tf_op

extern "C" __attribute__((visibility("default"))) void TF_InitKernel() {
  hone::tf_op::register_once(/*required=*/true);
}
