// hone/c.h: the part that libhone_runtime has (errors, engines, contexts).
#include <cstddef>
#include <new>
#include <string>

#include "hone/engine.h"
#include "runtime/c_status.h"
#include "runtime/engine_impl.h"

struct hn_engine {
  hone::Engine engine;
};
struct hn_context {
  hone::ExecutionContext context;
  size_t num_inputs;  // of the engine
  // Views of the inputs, reused so that a run does not allocate.
  std::vector<hone::TensorView> views;
};

using hone::Code;
using hone::Status;

namespace {

hone::EngineOptions engine_options(const hn_engine_options* options) {
  hone::EngineOptions result;
  result.threads = HONE_C_FIELD(options, hn_engine_options, threads, 0);
  result.copy_weights = HONE_C_FIELD(options, hn_engine_options, copy_weights, 0) != 0;
  return result;
}

Status tensor_info(const std::vector<hone::TensorInfo>& infos, size_t index, hn_tensor_info* info) {
  if (index >= infos.size()) return Status(Code::kInvalidArgument, "index out of range");
  if (!info || info->struct_size < sizeof(hn_tensor_info)) {
    return Status(Code::kInvalidArgument, "info.struct_size is not set");
  }
  info->name = infos[index].name.c_str();
  info->dtype = static_cast<hn_dtype>(infos[index].dtype);
  info->rank = infos[index].shape.size();
  info->shape = infos[index].shape.data();
  return hone::ok();
}

}  // namespace

extern "C" {

const char* hn_version(void) { return HONE_VERSION; }

hn_code hn_status_code(const hn_status* status) {
  return status ? static_cast<hn_code>(status->status.code()) : HN_OK;
}
const char* hn_status_message(const hn_status* status) {
  return status ? status->message.c_str() : "";
}
void hn_status_free(hn_status* status) { delete status; }

hn_status* hn_engine_load(const char* path, const hn_engine_options* options, hn_engine** engine) {
  return hone::guard([&]() -> Status {
    if (!path || !engine) return Status(Code::kInvalidArgument, "path or engine is NULL");
    HONE_ASSIGN_OR_RETURN(hone::Engine loaded, hone::Engine::load(path, engine_options(options)));
    *engine = new hn_engine{std::move(loaded)};
    return hone::ok();
  });
}

hn_status* hn_engine_load_bytes(const void* data, size_t bytes, const hn_engine_options* options,
                                hn_engine** engine) {
  return hone::guard([&]() -> Status {
    if (!data || !engine) return Status(Code::kInvalidArgument, "data or engine is NULL");
    HONE_ASSIGN_OR_RETURN(
        hone::Engine loaded,
        hone::Engine::load_bytes({static_cast<const char*>(data), bytes}, engine_options(options)));
    *engine = new hn_engine{std::move(loaded)};
    return hone::ok();
  });
}

size_t hn_engine_num_inputs(const hn_engine* engine) { return engine->engine.inputs().size(); }
size_t hn_engine_num_outputs(const hn_engine* engine) { return engine->engine.outputs().size(); }

hn_status* hn_engine_input(const hn_engine* engine, size_t index, hn_tensor_info* info) {
  return hone::guard([&] { return tensor_info(engine->engine.inputs(), index, info); });
}
hn_status* hn_engine_output(const hn_engine* engine, size_t index, hn_tensor_info* info) {
  return hone::guard([&] { return tensor_info(engine->engine.outputs(), index, info); });
}
void hn_engine_free(hn_engine* engine) { delete engine; }

hn_status* hn_context_create(const hn_engine* engine, hn_context** context) {
  return hone::guard([&]() -> Status {
    if (!engine || !context) return Status(Code::kInvalidArgument, "engine or context is NULL");
    *context = new hn_context{engine->engine.create_context(), engine->engine.inputs().size(), {}};
    return hone::ok();
  });
}
void hn_context_free(hn_context* context) { delete context; }

hn_status* hn_context_run(hn_context* context, const hn_tensor* inputs, size_t num_inputs,
                          hn_allocate allocate, void* user) {
  return hone::guard([&]() -> Status {
    if (!context || !allocate || (num_inputs > 0 && !inputs)) {
      return Status(Code::kInvalidArgument, "context, inputs or allocate is NULL");
    }
    if (num_inputs != context->num_inputs) {
      return Status(Code::kShape, std::to_string(num_inputs) + " inputs given, the plan has " +
                                      std::to_string(context->num_inputs));
    }
    context->views.resize(num_inputs);
    for (size_t i = 0; i < num_inputs; ++i) {
      if (inputs[i].struct_size < sizeof(hn_tensor) || (inputs[i].rank > 0 && !inputs[i].shape)) {
        return Status(Code::kInvalidArgument,
                      "input " + std::to_string(i) + ": struct_size is not set, or shape is NULL");
      }
      context->views[i].data = inputs[i].data;
      context->views[i].dtype = static_cast<hone::DataType>(inputs[i].dtype);
      context->views[i].shape.assign(inputs[i].shape, inputs[i].shape + inputs[i].rank);
    }
    return context->context.run(context->views, [allocate, user](
                                                    size_t index, const std::vector<int64_t>& shape,
                                                    hone::DataType dtype, size_t bytes) {
      return allocate(user, index, shape.size(), shape.data(), static_cast<hn_dtype>(dtype), bytes);
    });
  });
}

}  // extern "C"
