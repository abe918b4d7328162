// Engine: arrays in, arrays out.
//
// Arrays come in through the buffer protocol, checked and in the engine's order by hone/_engine.py;
// bf16, which the buffer protocol does not know, as 16-bit integers. Outputs are NumPy arrays
// around memory of the C library.
#include <nanobind/ndarray.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <mutex>

#include "bindings.h"

namespace hone::python {
namespace {

struct FreeDeleter {
  void operator()(void* memory) const { std::free(memory); }
};

// Output of a run; owns its memory until an array takes it over.
struct Output {
  std::unique_ptr<void, FreeDeleter> memory;
  std::vector<size_t> shape;
  DataType dtype = DataType::f32;
};

// Holds the buffers of a run's inputs. Made and destroyed with the GIL.
class Inputs {
 public:
  Inputs(const nb::sequence& arrays, const std::vector<TensorInfo>& infos);
  ~Inputs() {
    for (Py_buffer& buffer : buffers_) PyBuffer_Release(&buffer);
  }
  Inputs(const Inputs&) = delete;
  Inputs& operator=(const Inputs&) = delete;
  const std::vector<TensorView>& views() const { return views_; }

 private:
  std::vector<Py_buffer> buffers_;
  std::vector<TensorView> views_;
};

Inputs::Inputs(const nb::sequence& arrays, const std::vector<TensorInfo>& infos) {
  const size_t count = nb::len(arrays);
  if (count != infos.size()) {
    throw Error(Status(Code::kShape, std::to_string(count) + " inputs given, the plan has " +
                                         std::to_string(infos.size())));
  }
  buffers_.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    Py_buffer buffer;
    if (PyObject_GetBuffer(nb::object(arrays[i]).ptr(), &buffer, PyBUF_C_CONTIGUOUS) != 0)
      throw nb::python_error();
    buffers_.push_back(buffer);
    if (static_cast<size_t>(buffer.itemsize) != dtype_size(infos[i].dtype)) {
      // The destructor of a half-made object does not run.
      for (Py_buffer& held : buffers_) PyBuffer_Release(&held);
      throw Error(Status(Code::kShape, "elements of " + std::to_string(buffer.itemsize) +
                                           " bytes instead of " + dtype_name(infos[i].dtype))
                      .at("input '" + infos[i].name + "'"));
    }
    views_.emplace_back(buffer.buf, std::vector<int64_t>(buffer.shape, buffer.shape + buffer.ndim),
                        infos[i].dtype);
  }
}

nb::dlpack::dtype array_dtype(DataType dtype) {
  switch (dtype) {
    case DataType::f32:
      return nb::dtype<float>();
    case DataType::f64:
      return nb::dtype<double>();
    case DataType::f16:
      return {static_cast<uint8_t>(nb::dlpack::dtype_code::Float), 16, 1};
    case DataType::bf16:
      return nb::dtype<uint16_t>();  // hone/_engine.py views it as ml_dtypes.bfloat16
    case DataType::i8:
      return nb::dtype<int8_t>();
    case DataType::i16:
      return nb::dtype<int16_t>();
    case DataType::i32:
      return nb::dtype<int32_t>();
    case DataType::i64:
      return nb::dtype<int64_t>();
    case DataType::u8:
      return nb::dtype<uint8_t>();
    case DataType::u16:
      return nb::dtype<uint16_t>();
    case DataType::u32:
      return nb::dtype<uint32_t>();
    case DataType::u64:
      return nb::dtype<uint64_t>();
    case DataType::boolean:
      return nb::dtype<bool>();
    case DataType::string:
      break;
  }
  throw Error(Status(Code::kUnsupported, "NumPy arrays of strings are not supported"));
}

nb::object to_array(Output output) {
  void* memory = output.memory.get();
  nb::capsule owner(memory, [](void* p) noexcept { std::free(p); });
  (void)output.memory.release();
  return nb::cast(nb::ndarray<nb::numpy>(memory, output.shape.size(), output.shape.data(), owner,
                                         nullptr, array_dtype(output.dtype)));
}

// An engine and its idle contexts: as many as there have been calls at the same time.
class PooledEngine {
 public:
  explicit PooledEngine(Engine engine) : engine_(std::move(engine)) {}

  const Engine& engine() const { return engine_; }
  nb::list run(const nb::sequence& arrays);
  std::vector<StepProfile> profile(const nb::sequence& arrays);

 private:
  ExecutionContext take();
  void give_back(ExecutionContext context) {
    std::lock_guard lock(mutex_);
    idle_.push_back(std::move(context));
  }

  Engine engine_;
  std::mutex mutex_;
  std::vector<ExecutionContext> idle_;  // guarded by mutex_; the last one is the warmest
};

ExecutionContext PooledEngine::take() {
  {
    std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      ExecutionContext context = std::move(idle_.back());
      idle_.pop_back();
      return context;
    }
  }
  return engine_.create_context();
}

nb::list PooledEngine::run(const nb::sequence& arrays) {
  const Inputs inputs(arrays, engine_.inputs());
  std::vector<Output> outputs(engine_.outputs().size());
  const auto allocate = [&outputs](size_t i, const std::vector<int64_t>& shape, DataType dtype,
                                   size_t bytes) {
    constexpr size_t kAlignment = 64;
    const size_t padded = (std::max<size_t>(bytes, 1) + kAlignment - 1) / kAlignment * kAlignment;
    outputs[i].memory.reset(std::aligned_alloc(kAlignment, padded));
    outputs[i].shape.assign(shape.begin(), shape.end());
    outputs[i].dtype = dtype;
    return outputs[i].memory.get();
  };
  const Status status = [&] {
    nb::gil_scoped_release release;
    ExecutionContext context = take();
    Status result = context.run(inputs.views(), allocate);
    give_back(std::move(context));
    return result;
  }();
  check(status);
  nb::list arrays_out;
  for (Output& output : outputs) arrays_out.append(to_array(std::move(output)));
  return arrays_out;
}

std::vector<StepProfile> PooledEngine::profile(const nb::sequence& arrays) {
  const Inputs inputs(arrays, engine_.inputs());
  auto result = [&] {
    nb::gil_scoped_release release;
    ExecutionContext context = take();
    auto steps = context.profile(inputs.views());
    give_back(std::move(context));
    return steps;
  }();
  return std::move(result).value();
}

nb::dict step_dict(const StepInfo& step) {
  nb::dict dict;
  dict["name"] = step.name;
  dict["op"] = step.op;
  dict["tactic"] = step.tactic;
  dict["config"] = step.config;
  dict["precision"] = step.precision;
  dict["output_shapes"] = step.output_shapes;
  dict["weight_bytes"] = step.weight_bytes;
  dict["workspace_bytes"] = step.workspace_bytes;
  dict["tuned_milliseconds"] = step.tuned_milliseconds < 0
                                   ? nb::object(nb::none())
                                   : nb::object(nb::float_(step.tuned_milliseconds));
  dict["sources"] = step.sources;
  dict["rejected"] = step.rejected;
  dict["notes"] = step.notes;
  return dict;
}

nb::dict profile_dict(const StepProfile& step) {
  nb::dict dict;
  dict["name"] = step.name;
  dict["op"] = step.op;
  dict["tactic"] = step.tactic;
  dict["milliseconds"] = step.milliseconds;
  dict["gflop"] = step.gflop;
  dict["bytes"] = step.bytes;
  nb::list busy;
  for (const WorkerProfile& worker : step.workers) busy.append(worker.busy);
  dict["busy_milliseconds"] = busy;
  return dict;
}

template <class Step>
nb::list dicts(const std::vector<Step>& steps, nb::dict (*convert)(const Step&)) {
  nb::list list;
  for (const Step& step : steps) list.append(convert(step));
  return list;
}

PooledEngine* load_file(const std::string& path, int threads, bool copy_weights) {
  nb::gil_scoped_release release;
  return new PooledEngine(Engine::load(path, {threads, copy_weights}).value());
}

PooledEngine* load_plan(const Plan& plan, int threads) {
  const nb::gil_scoped_release release;
  return new PooledEngine(plan.load({threads, false}).value());
}

PooledEngine* load_bytes(const nb::bytes& plan, int threads) {
  const std::string_view view(static_cast<const char*>(plan.data()), plan.size());
  nb::gil_scoped_release release;
  return new PooledEngine(Engine::load_bytes(view, {threads, false}).value());
}

}  // namespace

void bind_engine(nb::module_& module) {
  nb::class_<PooledEngine>(module, "Engine")
      .def_static("load", &load_file, nb::arg("path"), nb::arg("threads"), nb::arg("copy_weights"))
      .def_static("load_plan", &load_plan, nb::arg("plan"), nb::arg("threads"))
      .def_static("load_bytes", &load_bytes, nb::arg("plan"), nb::arg("threads"))
      .def_prop_ro("inputs", [](const PooledEngine& self) { return self.engine().inputs(); })
      .def_prop_ro("outputs", [](const PooledEngine& self) { return self.engine().outputs(); })
      .def_prop_ro("weight_bytes",
                   [](const PooledEngine& self) { return self.engine().weight_bytes(); })
      .def("summary", [](const PooledEngine& self) { return self.engine().summary(); })
      .def("steps",
           [](const PooledEngine& self) { return dicts(self.engine().steps(), step_dict); })
      .def("run", &PooledEngine::run, nb::arg("arrays"))
      .def("profile", [](PooledEngine& self, const nb::sequence& arrays) {
        return dicts(self.profile(arrays), profile_dict);
      });
}

}  // namespace hone::python
