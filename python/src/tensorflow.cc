// The converter of TensorFlow models; hone/tensorflow/trt_convert.py is its face.
#include "bindings.h"

namespace hone::python {
namespace {

namespace tf = hone::tensorflow;

tf::ConvertOptions convert_options(const nb::dict& arguments, const nb::dict& build) {
  tf::ConvertOptions options;
  options.build = build_options(build);
  for (const auto& [key, value] : arguments) {
    const auto name = nb::cast<std::string>(key);
    if (name == "signature") {
      options.signature = nb::cast<std::string>(value);
    } else if (name == "tags") {
      options.tags = nb::cast<std::vector<std::string>>(value);
    } else if (name == "minimum_segment_size") {
      options.minimum_segment_size = nb::cast<int>(value);
    } else if (name == "maximum_engines") {
      options.maximum_engines = nb::cast<int>(value);
    } else if (name == "op_denylist") {
      options.op_denylist = nb::cast<std::vector<std::string>>(value);
    } else if (name == "type_hints") {
      options.type_hints = nb::cast<decltype(options.type_hints)>(value);
    } else if (name == "input_shapes") {
      options.input_shapes = nb::cast<decltype(options.input_shapes)>(value);
    } else {
      throw nb::type_error(("unknown conversion option '" + name + "'").c_str());
    }
  }
  return options;
}

tf::Conversion convert(const std::string& directory, const nb::dict& arguments,
                       const nb::dict& build, nb::object callback) {
  tf::ConvertOptions options = convert_options(arguments, build);
  return run_with_progress(std::move(callback), [&](const Progress& progress) {
    options.build.progress = progress;
    return tf::convert_saved_model(directory, options);
  });
}

tf::Report summarize(const std::string& directory, const nb::dict& arguments) {
  const tf::ConvertOptions options = convert_options(arguments, nb::dict());
  nb::gil_scoped_release release;
  return tf::summarize_saved_model(directory, options).value();
}

nb::bytes frozen_graph_def(const std::string& directory, const std::string& signature,
                           const std::vector<std::string>& tags) {
  const std::string graph = [&] {
    nb::gil_scoped_release release;
    return tf::frozen_graph_def(directory, signature, tags).value();
  }();
  return to_bytes(graph);
}

}  // namespace

void bind_tensorflow(nb::module_& module) {
  nb::class_<tf::Unconverted>(module, "Unconverted")
      .def_ro("op", &tf::Unconverted::op)
      .def_ro("reason", &tf::Unconverted::reason)
      .def_ro("fix", &tf::Unconverted::fix)
      .def_ro("nodes", &tf::Unconverted::nodes);
  nb::class_<tf::EngineReport>(module, "EngineReport")
      .def_ro("name", &tf::EngineReport::name)
      .def_ro("op_counts", &tf::EngineReport::op_counts)
      .def_ro("input_names", &tf::EngineReport::input_names)
      .def_ro("output_names", &tf::EngineReport::output_names)
      .def_ro("input_dtypes", &tf::EngineReport::input_dtypes)
      .def_ro("output_dtypes", &tf::EngineReport::output_dtypes)
      .def_ro("input_shapes", &tf::EngineReport::input_shapes)
      .def_ro("output_shapes", &tf::EngineReport::output_shapes)
      .def_ro("nodes", &tf::EngineReport::nodes)
      .def_prop_ro("plan", [](const tf::EngineReport& report) { return to_bytes(report.plan); });
  nb::class_<tf::Report>(module, "Report")
      .def_ro("engines", &tf::Report::engines)
      .def_ro("unconverted", &tf::Report::unconverted)
      .def_ro("converted_nodes", &tf::Report::converted_nodes)
      .def_ro("total_nodes", &tf::Report::total_nodes)
      .def("text", &tf::Report::text);
  nb::class_<tf::Conversion>(module, "Conversion")
      .def_ro("report", &tf::Conversion::report)
      .def_ro("inputs", &tf::Conversion::inputs)
      .def_ro("outputs", &tf::Conversion::outputs)
      .def("save", [](const tf::Conversion& conversion, const std::string& directory) {
        const Status status = [&] {
          nb::gil_scoped_release release;
          return conversion.save(directory);
        }();
        check(status);
      });
  module.def("convert_saved_model", &convert, nb::arg("directory"), nb::arg("options"),
             nb::arg("build"), nb::arg("progress").none());
  module.def("summarize_saved_model", &summarize, nb::arg("directory"), nb::arg("options"));
  module.def("frozen_graph_def", &frozen_graph_def, nb::arg("directory"), nb::arg("signature"),
             nb::arg("tags"));
}

}  // namespace hone::python
