#include "init_op.h"

#include <memory>
#include <string>

#include "engine_cache.h"
#include "error.h"
#include "node.h"

namespace hone::tf_op {
namespace {

struct InitKernel {
  std::string name, key;
  int64_t threads = 0;
};

Error read_node(TF_OpKernelConstruction* construction, InitKernel* kernel) {
  kernel->name = node_name(construction);
  if (Error error = string_attr(construction, "key", &kernel->key)) return error;
  if (Error error = int_attr(construction, "threads", &kernel->threads)) return error;
  if (kernel->key.empty())
    return {kTfInvalidArgument, kernel->name + ": the attribute key is empty"};
  return {};
}

Error read_file_name(TF_OpKernelContext* context, std::string* path) {
  TfStatus status;
  TF_Tensor* tensor = nullptr;
  tf().TF_GetInput(context, 0, &tensor, status.get());
  if (!status.ok()) return from_tensorflow(status.get());
  const std::unique_ptr<TF_Tensor, void (*)(TF_Tensor*)> owner(tensor, tf().TF_DeleteTensor);
  if (tf().TF_TensorElementCount(tensor) != 1) {
    return {kTfInvalidArgument, "filename must be one string"};
  }
  const void* text = tf().TF_TensorData(tensor);
  path->assign(tf().TF_StringGetDataPointer(text), tf().TF_StringGetSize(text));
  return {};
}

Error load_plan(const InitKernel& kernel, TF_OpKernelContext* context) {
  std::string path;
  Error error = read_file_name(context, &path);
  if (!error) {
    const int threads = resolve_threads(context, kernel.threads);
    error = EngineCache::instance().load(kernel.key, path, threads);
  }
  if (error) error.message = kernel.name + ": " + error.message;
  return error;
}

}  // namespace

void* create_init_kernel(TF_OpKernelConstruction* construction) noexcept {
  InitKernel* kernel = nullptr;
  guarded(construction, [&] {
    auto made = std::make_unique<InitKernel>();
    Error error = read_node(construction, made.get());
    if (!error) kernel = made.release();
    return error;
  });
  return kernel;
}

void run_init_kernel(void* kernel, TF_OpKernelContext* context) noexcept {
  guarded(context, [&]() -> Error {
    if (kernel == nullptr) return {kTfInternal, "HoneInitEngine: the kernel was not created"};
    return load_plan(*static_cast<InitKernel*>(kernel), context);
  });
}

void delete_init_kernel(void* kernel) noexcept { delete static_cast<InitKernel*>(kernel); }

}  // namespace hone::tf_op
