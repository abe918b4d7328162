// The extension module hone._hone: glue between the C++ API and the Python package around it, which
// has the documented classes. One binding file per public class; nothing here decides anything.
//
// Threads: every call that may take long releases the GIL.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <utility>

#include "hone/hone.h"

namespace hone::python {

namespace nb = nanobind;

void bind_errors(nb::module_& module);
void bind_types(nb::module_& module);
void bind_builder(nb::module_& module);
void bind_engine(nb::module_& module);
void bind_tensorflow(nb::module_& module);

// BuildOptions from the keyword arguments of hone.build, as hone._build prepares them: "precision",
// "strict_fp32", "profiles" (list of dict name -> (min, opt, max)) ...; all optional. Unknown names
// raise TypeError.
BuildOptions build_options(const nb::dict& arguments);

// Calls work(progress), which returns Result<T>, without the GIL. `callback`: None, or
// callback(stage, fraction, message), whose answer False cancels. Signals are handled at every
// report, so that Ctrl-C stops the work; what a signal handler or the callback raises is raised
// when the work has stopped.
template <class Work>
auto run_with_progress(nb::object callback, const Work& work);

// Converts a failed Status to the Python exception of its code.
inline void check(Status status) {
  if (!status.ok()) throw Error(std::move(status));
}

nb::bytes to_bytes(const std::string& text);

// The implementation of run_with_progress, not to be used directly. Lives for one call.
class ProgressRelay {
 public:
  explicit ProgressRelay(nb::object callback) : callback_(std::move(callback)) {}
  // Called without the GIL, by any thread. False: stop.
  bool report(std::string_view stage, double fraction, std::string_view message);
  // With the GIL: raises what was raised during a report.
  void rethrow();

 private:
  nb::object callback_;
  nb::object error_;  // an exception instance, or empty
  double fraction_ = 0;
};

template <class Work>
auto run_with_progress(nb::object callback, const Work& work) {
  ProgressRelay relay(std::move(callback));
  const Progress progress = [&relay](std::string_view stage, double fraction,
                                     std::string_view message) {
    return relay.report(stage, fraction, message);
  };
  auto result = [&] {
    nb::gil_scoped_release release;
    return work(progress);
  }();
  relay.rethrow();
  return std::move(result).value();
}

}  // namespace hone::python
