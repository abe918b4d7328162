#include "graph/text.h"

#include <fmt/format.h>

#include <algorithm>

#include "graph/constant_text.h"

namespace hone {
namespace {

bool is_bare(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '/' || c == '-';
  });
}

std::string reference(const Value* value) {
  if (!value) return "_";
  return "%" + (is_bare(value->name()) ? value->name() : quoted(value->name()));
}

std::string references(std::span<Value* const> values) {
  std::string out;
  for (const Value* value : values) {
    if (!out.empty()) out += ", ";
    out += reference(value);
  }
  return out;
}

bool printed_by_hash(const Tensor& tensor, const TextOptions& options) {
  return tensor.num_elements() > options.inline_constants && !tensor.is_string() &&
         !all_elements_equal(tensor);
}

std::string constant_text(const Tensor& tensor, const TextOptions& options) {
  if (printed_by_hash(tensor, options)) return "#" + tensor.hash().hex();
  if (tensor.num_elements() > options.inline_constants && !tensor.is_string()) {
    return fmt::format("splat({})", element_text(tensor, 0));
  }
  return elements_text(tensor);
}

class Printer {
 public:
  Printer(const Graph& graph, const TextOptions& options) : graph_(graph), options_(options) {}

  std::string print() {
    out_ = fmt::format("graph {} {{\n", quoted(graph_.name));
    print_symbols();
    for (const Value* input : graph_.inputs()) {
      out_ += "  input " + declaration(input, true) + "\n";
    }
    for (const Value* constant : graph_.constants()) {
      out_ += "  const " + declaration(constant, true) + " = " +
              constant_text(*constant->constant(), options_) + "\n";
    }
    for (const Node* node : graph_.nodes()) print_node(*node);
    for (size_t i = 0; i < graph_.outputs().size(); ++i) {
      out_ += fmt::format("  output {}", reference(graph_.outputs()[i]));
      if (graph_.output_names()[i] != graph_.outputs()[i]->name()) {
        out_ += " as " + quoted(graph_.output_names()[i]);
      }
      out_ += "\n";
    }
    return out_ + "}\n";
  }

 private:
  // Without symbols in any type there is nothing that inference could find out again.
  void print_symbols() {
    const SymbolScope& symbols = graph_.symbols();
    bool needed = symbols.next > 0 || !symbols.must_be_equal.empty();
    if (!needed) {
      for (const Value* value : graph_.values()) needed = needed || !is_static(value->shape());
    }
    if (!needed) return;
    out_ += fmt::format("  symbols {}\n", symbols.next);
    for (const auto& [a, b] : symbols.must_be_equal) {
      out_ += fmt::format("  require {} == {}\n", a.text(), b.text());
    }
  }

  std::string declaration(const Value* value, bool with_type) {
    std::string text = reference(value);
    if (with_type) text += ": " + type_text(value->type());
    if (options_.provenance && value->source() != value->name()) {
      text += " @" + quoted(value->source());
    }
    return text;
  }

  void print_node(const Node& node) {
    const char* separator = "  ";
    for (const Value* output : node.outputs()) {
      out_ += separator + declaration(output, options_.types);
      separator = ", ";
    }
    const std::span<Value* const> inputs = node.inputs();
    out_ +=
        fmt::format(" = {}({})", node.op().name, references(inputs.first(node.num_root_inputs())));
    const std::string attributes = attributes_text(node.attributes(), &node.op().defaults);
    if (!attributes.empty() && attributes != "{}") out_ += " " + attributes;
    if (!node.epilogue().empty()) {
      out_ += fmt::format(" epilogue{{{}}}({})", node.epilogue().text(),
                          references(inputs.subspan(node.num_root_inputs())));
    }
    if (node.name() != node.output()->name()) out_ += " " + quoted(node.name());
    const bool own_name = node.sources().size() == 1 && node.sources()[0] == node.name();
    if (options_.provenance && !own_name) {
      out_ += " from [";
      for (size_t i = 0; i < node.sources().size(); ++i) {
        out_ += (i > 0 ? ", " : "") + quoted(node.sources()[i]);
      }
      out_ += "]";
    }
    out_ += "\n";
  }

  const Graph& graph_;
  const TextOptions& options_;
  std::string out_;
};

}  // namespace

std::string print_graph(const Graph& graph, const TextOptions& options) {
  return Printer(graph, options).print();
}

void collect_constants(const Graph& graph, const TextOptions& options, ConstantStore* store) {
  for (const Value* constant : graph.constants()) {
    if (printed_by_hash(*constant->constant(), options)) store->add(*constant->constant());
  }
}

}  // namespace hone
