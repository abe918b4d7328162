#include "bindings.h"
#include "hone/c.h"

NB_MODULE(_hone, module) {
  module.doc() = "C++ core of Hone; use the package `hone`.";
  module.attr("__version__") = hn_version();
  hone::python::bind_errors(module);
  hone::python::bind_types(module);
  hone::python::bind_builder(module);
  hone::python::bind_engine(module);
  hone::python::bind_tensorflow(module);
}
