#include "tf_c_api.h"

#include <dlfcn.h>

namespace hone::tf_op {
namespace {

// Constant-initialized: the ELF constructor may run before the dynamic initializers of this file.
constinit TfApi g_api;

// Looks into the libraries of TensorFlow that are already loaded. RTLD_NOLOAD finds them by SONAME
// even where Python loaded them with RTLD_LOCAL; RTLD_DEFAULT serves programs with TensorFlow
// linked in.
class Symbols {
 public:
  Symbols()
      : framework_(dlopen("libtensorflow_framework.so.2", RTLD_NOLOAD | RTLD_LAZY)),
        cc_(dlopen("libtensorflow_cc.so.2", RTLD_NOLOAD | RTLD_LAZY)) {}

  void* find(const char* name) const {
    for (void* library : {framework_, cc_}) {
      if (library == nullptr) continue;
      if (void* symbol = dlsym(library, name)) return symbol;
    }
    return dlsym(RTLD_DEFAULT, name);
  }

 private:
  // Never closed: the kernels call into these libraries until the process ends.
  void* framework_;
  void* cc_;
};

}  // namespace

TfLookup find_tensorflow(std::string* missing) {
  Symbols symbols;
  if (symbols.find("TF_NewKernelBuilder") == nullptr) return TfLookup::kAbsent;
  missing->clear();
#define HONE_TF_FIND(result, name, parameters)                              \
  g_api.name = reinterpret_cast<result(*) parameters>(symbols.find(#name)); \
  if (g_api.name == nullptr && missing->empty()) *missing = #name;
  HONE_TF_REQUIRED_SYMBOLS(HONE_TF_FIND)
#undef HONE_TF_FIND
#define HONE_TF_FIND(result, name, parameters) \
  g_api.name = reinterpret_cast<result(*) parameters>(symbols.find(#name));
  HONE_TF_OPTIONAL_SYMBOLS(HONE_TF_FIND)
#undef HONE_TF_FIND
  return missing->empty() ? TfLookup::kReady : TfLookup::kIncomplete;
}

const TfApi& tf() { return g_api; }

}  // namespace hone::tf_op
