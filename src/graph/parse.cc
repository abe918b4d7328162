#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <unordered_set>

#include "base/text.h"
#include "graph/constant_text.h"
#include "graph/text.h"
#include "graph/type_match.h"

namespace hone {
namespace {

constexpr int64_t kMaxGeneratedBytes = int64_t{256} << 20;  // by splat and random, together

// A value on the left of "=".
struct Declaration {
  size_t at = 0;  // offset of its name in the text
  std::string name;
  std::optional<std::string> source;
  std::optional<TensorType> type;
};

// Characters and tokens. Every function that reads a token skips the blanks before it.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

 protected:
  Status error_at(size_t offset, std::string what) const {
    const std::string_view before = text_.substr(0, std::min(offset, text_.size()));
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const size_t line_start = before.rfind('\n') + 1;  // npos + 1 == 0
    return Status(Code::kModel, std::move(what))
        .at(fmt::format("{}:{}", line, before.size() - line_start + 1));
  }
  Status error(std::string what) const { return error_at(at_, std::move(what)); }
  // Another module's error, told as one of this text.
  Status error_at(size_t offset, const Status& status) const {
    return error_at(offset, status.message());
  }

  void skip_blanks() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '/' && text_.substr(at_, 2) == "//") {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
        ++at_;
      } else {
        return;
      }
    }
  }
  char peek() {
    skip_blanks();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool accept(char c) {
    if (at_end() || peek() != c) return false;
    ++at_;
    return true;
  }
  bool at_end() {
    skip_blanks();
    return at_ == text_.size();
  }
  Status expect(char c) {
    if (accept(c)) return ok();
    return error(fmt::format("'{}' is missing", c));
  }
  // The longest run of letters, digits, '_' and the characters of `more`; may be empty.
  std::string_view run_of(std::string_view more) {
    skip_blanks();
    const size_t start = at_;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || c == '_' ||
                        (c != '\0' && more.find(c) != std::string_view::npos);
      if (!good) break;
      ++at_;
    }
    return text_.substr(start, at_ - start);
  }
  bool accept_word(std::string_view word) {
    skip_blanks();
    const size_t start = at_;
    if (run_of("") == word) return true;
    at_ = start;
    return false;
  }
  // Everything up to `end`, which is skipped. Not for text that may hold quotes.
  Result<std::string_view> up_to(char end) {
    const size_t found = text_.find(end, at_);
    if (found == std::string_view::npos) return error(fmt::format("'{}' is missing", end));
    const std::string_view piece = text_.substr(at_, found - at_);
    at_ = found + 1;
    return piece;
  }

  Result<std::string> string() {
    HONE_RETURN_IF_ERROR(expect('"'));
    std::string value;
    while (at_ < text_.size() && text_[at_] != '"') {
      char c = text_[at_++];
      if (c == '\\') {
        c = at_ < text_.size() ? text_[at_++] : '\0';
        if (c == 'x') {
          unsigned byte = 0;
          const char* digits = text_.data() + at_;
          const size_t count = std::min<size_t>(2, text_.size() - at_);
          auto [end, code] = std::from_chars(digits, digits + count, byte, 16);
          if (code != std::errc() || end != digits + 2) return error("bad escape in a string");
          at_ += 2;
          c = static_cast<char>(byte);
        } else if (c != '"' && c != '\\') {
          return error("bad escape in a string");
        }
      }
      value += c;
    }
    if (at_ == text_.size()) return error("a string has no end");
    ++at_;
    return value;
  }

  template <class T>
  Result<T> integer(const char* what) {
    skip_blanks();
    const size_t start = at_;
    const std::string_view digits = run_of("-");
    T value{};
    auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (digits.empty() || code != std::errc() || end != digits.data() + digits.size()) {
      return error_at(start, fmt::format("{} is missing or out of range", what));
    }
    return value;
  }

  std::string_view text_;
  size_t at_ = 0;
};

class Parser : Scanner {
 public:
  Parser(std::string_view text, const ConstantStore* store) : Scanner(text), store_(store) {}

  Result<Graph> parse() {
    if (!accept_word("graph")) return error("this is not the text of a graph");
    if (peek() == '"') {
      HONE_ASSIGN_OR_RETURN(graph_.name, string());
    }
    HONE_RETURN_IF_ERROR(expect('{'));
    while (!accept('}')) HONE_RETURN_IF_ERROR(statement());
    if (!at_end()) return error("there is text after the graph");
    if (declared_symbols_) graph_.symbols() = std::move(*declared_symbols_);
    return std::move(graph_);
  }

 private:
  Status statement() {
    if (at_end()) return error("'}' is missing");
    if (peek() == '%') return node();
    const size_t start = at_;
    if (accept_word("input")) return input();
    if (accept_word("const")) return constant();
    if (accept_word("output")) return output();
    if (accept_word("symbols")) return symbols();
    if (accept_word("require")) return require();
    return error_at(start, "a statement is missing");
  }

  // --- Parts of statements.

  Result<std::string> value_name() {
    HONE_RETURN_IF_ERROR(expect('%'));
    if (at_ < text_.size() && text_[at_] == '"') return string();
    const size_t start = at_;
    const std::string_view name = run_of("./-");
    if (name.empty() || name.data() != text_.data() + start) {
      return error_at(start, "a name is missing after '%'");
    }
    return std::string(name);
  }

  // Null: absent.
  Result<Value*> value() {
    if (accept_word("_")) return static_cast<Value*>(nullptr);
    skip_blanks();
    const size_t start = at_;
    HONE_ASSIGN_OR_RETURN(const std::string name, value_name());
    Value* found = graph_.find_value(name);
    if (!found) return error_at(start, fmt::format("there is no value '{}' yet", printable(name)));
    return found;
  }

  Result<std::vector<Value*>> value_list() {
    std::vector<Value*> list;
    HONE_RETURN_IF_ERROR(expect('('));
    if (accept(')')) return list;
    do {
      HONE_ASSIGN_OR_RETURN(Value * next, value());
      list.push_back(next);
    } while (accept(','));
    HONE_RETURN_IF_ERROR(expect(')'));
    return list;
  }

  Result<TensorType> type() {
    TensorType type;
    skip_blanks();
    const size_t start = at_;
    const std::string_view name = run_of("");
    if (!parse_dtype(name, &type.dtype)) return error_at(start, "a data type is missing");
    skip_blanks();
    const size_t shape_start = at_;
    HONE_ASSIGN_OR_RETURN(const std::string_view inside, up_to(']'));
    auto shape = parse_shape(text_.substr(shape_start, inside.size() + 1));
    if (!shape.ok()) return error_at(shape_start, shape.status());
    type.shape = std::move(*shape);
    for (const Dim& dim : type.shape) {
      if (!dim.is_valid() || (dim.is_const() && dim.value() < 0)) {
        return error_at(shape_start, "a dimension is negative");
      }
    }
    return type;
  }

  // "%name: type @source", of which only the name must be there.
  Result<Declaration> declaration() {
    Declaration declared;
    skip_blanks();
    declared.at = at_;
    HONE_ASSIGN_OR_RETURN(declared.name, value_name());
    if (declared.name.empty()) return error_at(declared.at, "an empty name");
    if (graph_.find_value(declared.name)) {
      return error_at(declared.at,
                      fmt::format("there already is a value '{}'", printable(declared.name)));
    }
    if (accept(':')) {
      HONE_ASSIGN_OR_RETURN(declared.type, type());
    }
    if (accept('@')) {
      HONE_ASSIGN_OR_RETURN(declared.source, string());
    }
    return declared;
  }

  Result<Declaration> typed_declaration() {
    HONE_ASSIGN_OR_RETURN(Declaration declared, declaration());
    if (!declared.type) return error("a type is missing");
    return declared;
  }

  // --- Statements that are no nodes.

  Status input() {
    HONE_ASSIGN_OR_RETURN(Declaration declared, typed_declaration());
    Value* value = graph_.add_input(declared.name, std::move(*declared.type));
    if (declared.source) graph_.set_source(value, std::move(*declared.source));
    return ok();
  }

  Status output() {
    HONE_ASSIGN_OR_RETURN(Value * result, value());
    if (!result) return error("an output cannot be absent");
    std::string name = result->name();
    if (accept_word("as")) {
      HONE_ASSIGN_OR_RETURN(name, string());
    }
    graph_.add_output(result, std::move(name));
    return ok();
  }

  // Fresh symbols of the inference below must not meet those that the text has.
  Status symbols() {
    if (declared_symbols_) return error("'symbols' is there twice");
    HONE_ASSIGN_OR_RETURN(const int next, integer<int>("a number of symbols"));
    if (next < 0 || next > TypeMatcher::kMaxFresh) return error("too many symbols");
    declared_symbols_.emplace();
    declared_symbols_->next = next;
    graph_.symbols().next = std::max(graph_.symbols().next, next);
    return ok();
  }

  Status require() {
    if (!declared_symbols_) return error("'symbols' must come before 'require'");
    skip_blanks();
    const size_t start = at_;
    std::string_view line =
        text_.substr(start, std::min(text_.find('\n', start), text_.size()) - start);
    line = line.substr(0, line.find("//"));  // expressions write floordiv(a,b)
    const size_t equals = line.find("==");
    if (equals == std::string_view::npos) return error("'==' is missing");
    auto left = Dim::parse(trim(line.substr(0, equals)));
    auto right = Dim::parse(trim(line.substr(equals + 2)));
    if (!left.ok()) return error_at(start, left.status());
    if (!right.ok()) return error_at(start + equals + 2, right.status());
    declared_symbols_->must_be_equal.emplace_back(std::move(*left), std::move(*right));
    at_ = start + line.size();
    return ok();
  }

  // --- Constants.

  Status constant() {
    HONE_ASSIGN_OR_RETURN(Declaration declared, typed_declaration());
    auto shape = to_static(declared.type->shape);
    if (!shape) return error_at(declared.at, "the shape of a constant is not constant");
    HONE_RETURN_IF_ERROR(expect('='));
    HONE_ASSIGN_OR_RETURN(Tensor tensor, tensor_of(declared.type->dtype, std::move(*shape)));
    graph_.add_constant(declared.name, std::move(tensor), declared.source.value_or(declared.name));
    return ok();
  }

  Result<Tensor> tensor_of(DataType dtype, std::vector<int64_t> shape) {
    const size_t start = at_;
    auto elements = checked_num_elements(shape);
    auto bytes = checked_num_bytes(dtype, shape);
    if (!elements.ok()) return error_at(start, elements.status());
    if (!bytes.ok()) return error_at(start, bytes.status());
    if (accept('#')) return stored(dtype, shape);
    if (peek() == '[') return listed(dtype, std::move(shape), *elements);
    if (dtype == DataType::string) return error("'[' is missing");
    const bool random = accept_word("random");
    if (!random && !accept_word("splat")) return error("the elements of a constant are missing");
    generated_bytes_ += std::min(*bytes, kMaxGeneratedBytes + 1);
    if (generated_bytes_ > kMaxGeneratedBytes) {
      return error(fmt::format("splat and random constants take more than {}",
                               human_bytes(kMaxGeneratedBytes)));
    }
    auto tensor = Tensor::allocate(dtype, std::move(shape));
    if (!tensor.ok()) return error_at(start, tensor.status());
    HONE_RETURN_IF_ERROR(expect('('));
    if (random) {
      HONE_ASSIGN_OR_RETURN(const uint64_t seed, integer<uint64_t>("a seed"));
      fill_random(seed, &*tensor);
    } else {
      HONE_RETURN_IF_ERROR(splat(&*tensor));
    }
    HONE_RETURN_IF_ERROR(expect(')'));
    return tensor;
  }

  Status splat(Tensor* tensor) {
    char element[8] = {};
    HONE_RETURN_IF_ERROR(read_element(tensor->dtype(), element));
    char* data = static_cast<char*>(tensor->mutable_raw());
    const size_t size = dtype_size(tensor->dtype());
    for (int64_t i = 0; i < tensor->num_elements(); ++i)
      std::memcpy(data + i * size, element, size);
    return ok();
  }

  Result<Tensor> stored(DataType dtype, const std::vector<int64_t>& shape) {
    const size_t start = at_;
    const std::string_view digits = run_of("");
    Hash128 hash;
    auto half = [digits](size_t from, uint64_t* value) {
      const char* begin = digits.data() + from;
      auto [end, code] = std::from_chars(begin, begin + 16, *value, 16);
      return code == std::errc() && end == begin + 16;
    };
    if (digits.size() != 32 || !half(0, &hash.high) || !half(16, &hash.low)) {
      return error_at(start, "a hash of 32 digits is missing");
    }
    const Tensor* tensor = store_ ? store_->find(hash) : nullptr;
    if (!tensor) {
      return error_at(start, "the constant is not in the text").fix("give the file of constants");
    }
    if (tensor->dtype() != dtype || tensor->shape() != shape) {
      return error_at(start, "the constant has another type: " + tensor->text(0));
    }
    return *tensor;
  }

  // "[1, 2, 3]". What is allocated is bounded by the text: an element takes two characters.
  Result<Tensor> listed(DataType dtype, std::vector<int64_t> shape, int64_t count) {
    const size_t start = at_;
    if (count > static_cast<int64_t>(text_.size() - at_)) {
      return error_at(start, "there are fewer elements than the type says");
    }
    std::vector<std::string> strings;
    const bool is_string = dtype == DataType::string;
    Result<Tensor> tensor = is_string ? Tensor() : Tensor::allocate(dtype, shape);
    if (!tensor.ok()) return error_at(start, tensor.status());
    char* data = is_string ? nullptr : static_cast<char*>(tensor->mutable_raw());
    HONE_RETURN_IF_ERROR(expect('['));
    for (int64_t i = 0; i < count; ++i) {
      if (i > 0) HONE_RETURN_IF_ERROR(expect(','));
      if (is_string) {
        HONE_ASSIGN_OR_RETURN(std::string element, string());
        strings.push_back(std::move(element));
      } else {
        HONE_RETURN_IF_ERROR(read_element(dtype, data + i * dtype_size(dtype)));
      }
    }
    HONE_RETURN_IF_ERROR(expect(']'));
    return is_string ? Tensor::strings(std::move(shape), std::move(strings)) : std::move(*tensor);
  }

  Status read_element(DataType dtype, void* out) {
    skip_blanks();
    const size_t start = at_;
    run_of(".+-");
    if (text_.substr(start, at_ - start) == "nan" && at_ < text_.size() && text_[at_] == '(') {
      HONE_RETURN_IF_ERROR(up_to(')').status());
    }
    Status status = element_from_text(dtype, text_.substr(start, at_ - start), out);
    return status.ok() ? ok() : error_at(start, status.what());
  }

  // --- Nodes.

  Status node() {
    std::vector<Declaration> outputs;
    std::unordered_set<std::string> names;
    do {
      HONE_ASSIGN_OR_RETURN(Declaration declared, declaration());
      if (!names.insert(declared.name).second) {
        return error_at(declared.at, "an output is there twice");
      }
      outputs.push_back(std::move(declared));
    } while (accept(','));
    HONE_RETURN_IF_ERROR(expect('='));
    skip_blanks();
    const size_t op_start = at_;
    const std::string_view op_name = run_of("");
    const OpDef* op = find_op(op_name);
    if (!op) {
      return error_at(op_start, fmt::format("there is no operator '{}'", printable(op_name, 60)));
    }
    HONE_ASSIGN_OR_RETURN(std::vector<Value*> inputs, value_list());
    HONE_ASSIGN_OR_RETURN(Attributes attributes, this->attributes(*op));
    NodeOptions options;
    options.name = outputs[0].name;
    HONE_RETURN_IF_ERROR(epilogue(&options.epilogue, &inputs));
    HONE_RETURN_IF_ERROR(names_of(&options));
    for (const Declaration& output : outputs) options.output_names.push_back(output.name);
    const int old_next = graph_.symbols().next;
    auto added = graph_.add_node(*op, std::move(attributes), std::move(inputs), std::move(options));
    if (!added.ok()) return error_at(op_start, added.status());
    if ((*added)->outputs().size() != outputs.size()) {
      return error_at(op_start, fmt::format("operator {} has {} outputs here", op->name,
                                            (*added)->outputs().size()));
    }
    return apply(outputs, *added, old_next);
  }

  Result<Attributes> attributes(const OpDef& op) {
    if (peek() != '{') return op.defaults;
    const size_t start = at_;
    bool in_string = false;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '"') in_string = !in_string;
      if (c == '\\' && in_string) ++at_;
      if (c == '}' && !in_string) break;
    }
    if (at_ >= text_.size()) return error_at(start, "'}' is missing");
    ++at_;
    auto result = parse_attributes(text_.substr(start, at_ - start), op.defaults);
    if (!result.ok()) return error_at(start, result.status());
    return result;
  }

  Status epilogue(Program* program, std::vector<Value*>* inputs) {
    if (!accept_word("epilogue")) return ok();
    HONE_RETURN_IF_ERROR(expect('{'));
    const size_t start = at_;
    HONE_ASSIGN_OR_RETURN(const std::string_view body, up_to('}'));
    std::string instructions(trim(body));
    if (!instructions.empty() && instructions.back() != ';') instructions += ';';
    HONE_ASSIGN_OR_RETURN(const std::vector<Value*> extra, value_list());
    // Far above what Program::parse takes, which says so.
    const int num_inputs = static_cast<int>(std::min<size_t>(extra.size(), 1 << 20)) + 1;
    auto parsed = Program::parse(instructions, num_inputs);
    if (!parsed.ok()) return error_at(start, parsed.status());
    if (parsed->empty()) return error_at(start, "the epilogue has no instructions");
    if (std::find(extra.begin(), extra.end(), nullptr) != extra.end()) {
      return error_at(start, "an epilogue has no absent inputs");
    }
    *program = std::move(*parsed);
    inputs->insert(inputs->end(), extra.begin(), extra.end());
    return ok();
  }

  // ["name"] [from ["a", "b"]]
  Status names_of(NodeOptions* options) {
    skip_blanks();
    const size_t start = at_;
    if (peek() == '"') {
      HONE_ASSIGN_OR_RETURN(options->name, string());
      if (options->name.empty()) return error_at(start, "an empty name");
    }
    if (graph_.find_node(options->name)) {
      return error_at(start, fmt::format("there already is a node '{}'", printable(options->name)));
    }
    if (!accept_word("from")) return ok();
    HONE_RETURN_IF_ERROR(expect('['));
    if (accept(']')) return ok();
    do {
      HONE_ASSIGN_OR_RETURN(std::string source, string());
      options->sources.push_back(std::move(source));
    } while (accept(','));
    return expect(']');
  }

  // Compares the declared types with the inferred ones; a fresh symbol of inference becomes what
  // the text calls it.
  Status apply(std::vector<Declaration>& outputs, Node* node, int old_next) {
    const int next = graph_.symbols().next;
    std::map<std::string, Dim> renamed;
    for (size_t i = 0; i < outputs.size(); ++i) {
      Value* value = node->output(i);
      if (outputs[i].source) graph_.set_source(value, std::move(*outputs[i].source));
      if (!outputs[i].type) continue;
      const TensorType& declared = *outputs[i].type;
      if (!matcher_.agree(declared, value->type(), next)) {
        return error_at(outputs[i].at,
                        fmt::format("the type is {}, not {}", printable(type_text(value->type())),
                                    printable(type_text(declared))));
      }
      for (size_t axis = 0; axis < declared.shape.size() && next > old_next; ++axis) {
        const Dim& inferred = value->shape()[axis];
        if (inferred.is_symbol() && inferred != declared.shape[axis]) {
          renamed.emplace(inferred.symbol_name(), declared.shape[axis]);
        }
      }
      graph_.set_type(value, declared);
    }
    if (renamed.empty()) return ok();
    for (Value* value : node->outputs()) {
      DimValues values = value->values();
      if (!values) continue;
      for (Dim& dim : *values) dim = dim.substitute(renamed);
      graph_.set_values(value, std::move(values));
    }
    return ok();
  }

  const ConstantStore* store_;
  Graph graph_;
  TypeMatcher matcher_;
  std::optional<SymbolScope> declared_symbols_;
  int64_t generated_bytes_ = 0;
};

}  // namespace

Result<Graph> parse_graph(std::string_view text, const ConstantStore* store) {
  return Parser(text, store).parse();
}

}  // namespace hone
