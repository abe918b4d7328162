// A stand-in for libhone.so that implements the part of hone/c.h which the TensorFlow op uses, for
// the tests of the op alone. Its plans are one line of text:
//
//   STUB mode=<mode> factor=<number> in=<dtype>,... out=<dtype>,...
//
// with the dtypes as numbers of hn_dtype. Output i has the shape of input i (the last input when
// there are fewer; a scalar when there is none). Modes: "scale" (output i = float32 input i *
// factor; other types are copied), and the misbehaviours in run_engine() below.

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "hone/c.h"

namespace {

struct StubPlan {
  std::string mode = "scale";
  float factor = 1;
  std::vector<hn_dtype> inputs, outputs;
};

std::atomic<int> g_loads{0}, g_engines{0}, g_contexts{0}, g_threads{-1}, g_aliased{0};
std::atomic<const void*> g_last_input{nullptr};

std::vector<hn_dtype> parse_types(const char* text) {
  std::vector<hn_dtype> types;
  while (*text >= '0' && *text <= '9') {
    char* end = nullptr;
    types.push_back(static_cast<hn_dtype>(std::strtol(text, &end, 10)));
    text = *end == ',' ? end + 1 : end;
  }
  return types;
}

size_t element_bytes(hn_dtype type) {
  switch (type) {
    case HN_F64:
    case HN_I64:
    case HN_U64:
      return 8;
    case HN_F32:
    case HN_I32:
    case HN_U32:
      return 4;
    case HN_F16:
    case HN_BF16:
    case HN_I16:
    case HN_U16:
      return 2;
    default:
      return 1;
  }
}

}  // namespace

struct hn_status {
  hn_code code;
  std::string message;
};
struct hn_engine {
  std::shared_ptr<StubPlan> plan;
};
struct hn_context {
  std::shared_ptr<StubPlan> plan;
  std::atomic<bool> busy{false};
};

namespace {

hn_status* error(hn_code code, const char* message) { return new hn_status{code, message}; }

hn_status* parse(const std::string& text, const hn_engine_options* options, hn_engine** engine) {
  if (text.rfind("STUB ", 0) != 0) return error(HN_PLAN, "not a plan");
  auto plan = std::make_shared<StubPlan>();
  auto value = [&](const char* name) -> std::string {
    const size_t at = text.find(std::string(" ") + name + "=");
    if (at == std::string::npos) return "";
    const size_t begin = at + std::strlen(name) + 2;
    return text.substr(begin, text.find_first_of(" \n", begin) - begin);
  };
  if (!value("mode").empty()) plan->mode = value("mode");
  if (!value("factor").empty()) plan->factor = std::strtof(value("factor").c_str(), nullptr);
  plan->inputs = parse_types(value("in").c_str());
  plan->outputs = parse_types(value("out").c_str());
  ++g_loads;
  ++g_engines;
  g_threads = options != nullptr ? options->threads : 0;
  *engine = new hn_engine{plan};
  return nullptr;
}

hn_status* describe(const std::vector<hn_dtype>& types, size_t index, hn_tensor_info* info) {
  if (index >= types.size()) return error(HN_INVALID_ARGUMENT, "no such tensor");
  *info = {sizeof(hn_tensor_info), "x", types[index], 0, nullptr};
  return nullptr;
}

void scale(const StubPlan& plan, const hn_tensor& in, void* out, size_t count) {
  if (in.dtype != HN_F32) {
    std::memcpy(out, in.data, count * element_bytes(in.dtype));
    return;
  }
  const auto* x = static_cast<const float*>(in.data);
  for (size_t i = 0; i < count; ++i) static_cast<float*>(out)[i] = x[i] * plan.factor;
}

hn_status* run_engine(const StubPlan& plan, const hn_tensor* inputs, size_t num_inputs,
                      hn_allocate allocate, void* user) {
  const std::string& mode = plan.mode;
  if (mode == "shape") return error(HN_SHAPE, "x is [3, 4] but the plan needs [3, 5]; give that");
  if (mode == "unsupported") return error(HN_UNSUPPORTED, "no such thing");
  if (mode == "oom") return error(HN_OUT_OF_RESOURCES, "no memory");
  if (mode == "internal") return error(HN_INTERNAL, "broken");
  if (mode == "throw") throw std::bad_alloc();
  if (mode == "throw_other") throw 7;
  if (mode == "missing") return nullptr;
  if (mode == "slow") std::this_thread::sleep_for(std::chrono::milliseconds(50));
  for (size_t i = 0; i < plan.outputs.size(); ++i) {
    const hn_tensor none{sizeof(hn_tensor), plan.outputs[i], 0, nullptr, nullptr};
    const hn_tensor& in = num_inputs ? inputs[i < num_inputs ? i : num_inputs - 1] : none;
    int64_t negative = -1;
    const int64_t* shape = mode == "negative" ? &negative : in.shape;
    const size_t rank = mode == "negative" ? 1 : in.rank;
    size_t count = 1;
    for (size_t axis = 0; axis < in.rank; ++axis) count *= static_cast<size_t>(in.shape[axis]);
    const size_t bytes = count * element_bytes(plan.outputs[i]) + (mode == "bytes" ? 1 : 0);
    const hn_dtype dtype = mode == "dtype" ? HN_I64 : plan.outputs[i];
    void* out = allocate(user, mode == "index" ? 99 : i, rank, shape, dtype, bytes);
    if (out != nullptr && mode == "twice") out = allocate(user, i, rank, shape, dtype, bytes);
    if (out == nullptr) return error(HN_OUT_OF_RESOURCES, "no memory for an output");
    if (num_inputs == 0) {
      std::memset(out, 0, bytes);
    } else {
      g_last_input = in.data;
      scale(plan, in, out, count);
    }
  }
  return nullptr;
}

}  // namespace

extern "C" {

const char* hn_version(void) { return "stub"; }
hn_code hn_status_code(const hn_status* status) { return status->code; }
const char* hn_status_message(const hn_status* status) { return status->message.c_str(); }
void hn_status_free(hn_status* status) { delete status; }

hn_status* hn_engine_load(const char* path, const hn_engine_options* options, hn_engine** engine) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return error(HN_IO, "cannot open the file");
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  return parse(text, options, engine);
}

hn_status* hn_engine_load_bytes(const void* data, size_t bytes, const hn_engine_options* options,
                                hn_engine** engine) {
  return parse(std::string(static_cast<const char*>(data), bytes), options, engine);
}

size_t hn_engine_num_inputs(const hn_engine* engine) { return engine->plan->inputs.size(); }
size_t hn_engine_num_outputs(const hn_engine* engine) { return engine->plan->outputs.size(); }
hn_status* hn_engine_input(const hn_engine* engine, size_t index, hn_tensor_info* info) {
  return describe(engine->plan->inputs, index, info);
}
hn_status* hn_engine_output(const hn_engine* engine, size_t index, hn_tensor_info* info) {
  return describe(engine->plan->outputs, index, info);
}
void hn_engine_free(hn_engine* engine) {
  if (engine != nullptr) --g_engines;
  delete engine;
}

hn_status* hn_context_create(const hn_engine* engine, hn_context** context) {
  if (engine->plan->mode == "no_context")
    return error(HN_OUT_OF_RESOURCES, "no memory for the arena");
  *context = new hn_context{engine->plan};
  ++g_contexts;
  return nullptr;
}
void hn_context_free(hn_context* context) {
  if (context != nullptr) --g_contexts;
  delete context;
}

hn_status* hn_context_run(hn_context* context, const hn_tensor* inputs, size_t num_inputs,
                          hn_allocate allocate, void* user) {
  if (context->busy.exchange(true)) ++g_aliased;
  struct Done {
    hn_context* context;
    ~Done() { context->busy = false; }
  } done{context};
  return run_engine(*context->plan, inputs, num_inputs, allocate, user);
}

// What the tests ask: loads so far, live engines and contexts, the thread count of the last load,
// how often two threads were in one context, and where the last input lay.
HN_API int stub_loads(void) { return g_loads; }
HN_API int stub_engines(void) { return g_engines; }
HN_API int stub_contexts(void) { return g_contexts; }
HN_API int stub_threads(void) { return g_threads; }
HN_API int stub_aliased(void) { return g_aliased; }
HN_API const void* stub_last_input(void) { return g_last_input; }

}  // extern "C"
