#include "ops/attributes.h"

#include <fmt/format.h>

#include <charconv>

namespace hone {
namespace {

// Bound for lists in attribute text: no operator has attributes this long.
constexpr size_t kMaxListLength = 65536;

template <class... F>
struct Overload : F... {
  using F::operator()...;
};
template <class... F>
Overload(F...) -> Overload<F...>;

std::string quoted(std::string_view text) {
  std::string out(1, '"');
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  out += '"';
  return out;
}

// Doubles always read back as doubles with the same bits: shortest form that round-trips.
std::string number_text(double value) { return fmt::format("{}", value); }

template <class T, class F>
std::string list_text(const std::vector<T>& list, F item) {
  std::string out(1, '[');
  for (size_t i = 0; i < list.size(); ++i) {
    if (i > 0) out += ',';
    out += item(list[i]);
  }
  out += ']';
  return out;
}

std::string value_text(const FieldValue& field) {
  return std::visit(Overload{
                        [](int64_t* value) { return std::to_string(*value); },
                        [](double* value) { return number_text(*value); },
                        [](bool* value) { return std::string(*value ? "true" : "false"); },
                        [](std::string* value) { return quoted(*value); },
                        [](std::vector<int64_t>* list) {
                          return list_text(*list, [](int64_t v) { return std::to_string(v); });
                        },
                        [](std::vector<double>* list) { return list_text(*list, number_text); },
                        [](DataType* dtype) { return std::string(dtype_name(*dtype)); },
                        // The number of inputs first: the instructions need not use them all.
                        [](Program* program) {
                          return quoted(fmt::format("{}:{}", program->num_inputs, program->text()));
                        },
                    },
                    field);
}

class AttributesParser {
 public:
  AttributesParser(std::string_view text, Attributes attributes)
      : text_(text), rest_(text), attributes_(std::move(attributes)) {}

  Result<Attributes> parse() {
    skip_space();
    if (!skip('{')) return error("\"{\" is missing");
    std::vector<Field> fields = attributes_.fields();
    std::vector<bool> seen(fields.size(), false);
    skip_space();
    while (!skip('}')) {
      HONE_ASSIGN_OR_RETURN(size_t index, field_name(fields));
      if (seen[index]) return error(fmt::format("field \"{}\" is there twice", fields[index].name));
      seen[index] = true;
      Status status = std::visit([this](auto* value) { return read(value); }, fields[index].value);
      if (!status.ok())
        return std::move(status).at(fmt::format("field \"{}\"", fields[index].name));
      skip_space();
      const bool comma = skip(',');
      skip_space();
      if (!comma && (rest_.empty() || rest_[0] != '}')) return error("\",\" or \"}\" is missing");
      if (comma && !rest_.empty() && rest_[0] == '}')
        return error("a field is missing after \",\"");
    }
    skip_space();
    if (!rest_.empty()) return error("there is text after \"}\"");
    return std::move(attributes_);
  }

 private:
  Status error(std::string why) const {
    const size_t offset = text_.size() - rest_.size();
    return Status(Code::kModel, fmt::format("attributes {} cannot be read at character {}",
                                            quoted(text_.substr(0, 200)), offset))
        .because(std::move(why));
  }

  void skip_space() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\n')) rest_.remove_prefix(1);
  }
  bool skip(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool skip_word(std::string_view word) {
    if (rest_.substr(0, word.size()) != word) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  std::string_view identifier() {
    size_t n = 0;
    auto is_name = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    };
    while (n < rest_.size() && is_name(rest_[n])) ++n;
    std::string_view name = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return name;
  }

  // "name=" -> index in `fields`.
  Result<size_t> field_name(const std::vector<Field>& fields) {
    const std::string_view name = identifier();
    if (name.empty()) return error("a field name is missing");
    for (size_t i = 0; i < fields.size(); ++i) {
      if (fields[i].name != name) continue;
      if (!skip('=')) return error("\"=\" is missing");
      return i;
    }
    return error(fmt::format("there is no field \"{}\"", name.substr(0, 60)));
  }

  template <class T>
  Status read_number(T* value) {
    auto [end, code] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), *value);
    if (code != std::errc()) return error("a number is missing or out of range");
    rest_.remove_prefix(end - rest_.data());
    return ok();
  }
  Status read(int64_t* value) { return read_number(value); }
  Status read(double* value) { return read_number(value); }
  Status read(bool* value) {
    *value = skip_word("true");
    if (*value || skip_word("false")) return ok();
    return error("\"true\" or \"false\" is missing");
  }
  Status read(DataType* dtype) {
    const std::string_view name = identifier();
    if (parse_dtype(name, dtype)) return ok();
    return error(fmt::format("there is no data type \"{}\"", name.substr(0, 60)));
  }
  Status read(std::string* value) {
    if (!skip('"')) return error("\" is missing");
    value->clear();
    while (!skip('"')) {
      if (rest_.empty()) return error("the closing \" is missing");
      char c = rest_[0];
      rest_.remove_prefix(1);
      if (c == '\\') HONE_RETURN_IF_ERROR(read_escape(&c));
      value->push_back(c);
    }
    return ok();
  }
  Status read_escape(char* c) {
    if (skip('"')) {
      *c = '"';
    } else if (skip('\\')) {
      *c = '\\';
    } else if (skip('x') && rest_.size() >= 2) {
      unsigned byte = 0;
      auto [end, code] = std::from_chars(rest_.data(), rest_.data() + 2, byte, 16);
      if (code != std::errc() || end != rest_.data() + 2) return error("a bad escape");
      rest_.remove_prefix(2);
      *c = static_cast<char>(byte);
    } else {
      return error("a bad escape");
    }
    return ok();
  }
  template <class T>
  Status read(std::vector<T>* list) {
    if (!skip('[')) return error("\"[\" is missing");
    list->clear();
    if (skip(']')) return ok();
    do {
      skip_space();
      if (list->size() >= kMaxListLength) return error("the list is too long");
      T item{};
      HONE_RETURN_IF_ERROR(read(&item));
      list->push_back(item);
    } while (skip(','));
    return skip(']') ? ok() : error("\"]\" is missing");
  }
  Status read(Program* program) {
    std::string text;
    HONE_RETURN_IF_ERROR(read(&text));
    int num_inputs = 0;
    auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), num_inputs);
    if (code != std::errc() || end == text.data() + text.size() || *end != ':') {
      return error("a program does not begin with its number of inputs and \":\"");
    }
    HONE_ASSIGN_OR_RETURN(
        *program, Program::parse(std::string_view(text).substr(end - text.data() + 1), num_inputs));
    return ok();
  }

  std::string_view text_, rest_;
  Attributes attributes_;
};

}  // namespace

std::string attributes_text(const Attributes& attributes, const Attributes* defaults) {
  // fields() hands out pointers for writing; copies keep the arguments untouched.
  Attributes copy = attributes;
  Attributes default_copy = defaults ? *defaults : Attributes();
  const std::vector<Field> fields = copy.fields();
  const std::vector<Field> default_fields = default_copy.fields();
  std::string out(1, '{');
  for (size_t i = 0; i < fields.size(); ++i) {
    const std::string text = value_text(fields[i].value);
    if (default_fields.size() == fields.size() && value_text(default_fields[i].value) == text) {
      continue;
    }
    if (out.size() > 1) out += ", ";
    out += fields[i].name;
    out += '=';
    out += text;
  }
  out += '}';
  return out;
}

Result<Attributes> parse_attributes(std::string_view text, const Attributes& defaults) {
  return AttributesParser(text, defaults).parse();
}

}  // namespace hone
