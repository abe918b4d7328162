#include "bindings.h"

namespace hone::python {

void bind_types(nb::module_& module) {
  nb::class_<TensorInfo>(module, "TensorInfo")
      .def_ro("name", &TensorInfo::name)
      .def_prop_ro("dtype", [](const TensorInfo& info) { return dtype_name(info.dtype); })
      .def_prop_ro("shape", [](const TensorInfo& info) { return nb::tuple(nb::cast(info.shape)); })
      .def_ro("shape_text", &TensorInfo::shape_text);
}

}  // namespace hone::python
