#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <set>

#include "base/text.h"
#include "plan/plan.h"
#include "plan/plan_file.h"
#include "plan/plan_generated.h"
#include "plan/stages.h"

namespace hone {
namespace {

namespace schema = plan_schema;
using flatbuffers::Offset;
using flatbuffers::String;
using flatbuffers::Vector;

Status damaged(std::string what) { return Status(Code::kPlan, std::move(what)); }

// Errors of parsers (kModel, kShape) become errors of the plan.
Status as_plan_error(const Status& status) { return damaged(status.message()); }

template <class T>
using Tables = Vector<Offset<T>>;

// From the metadata to PlanData. What it reads is in bounds (the Verifier ran), but means nothing
// yet: verify_plan comes after. Nothing is allocated that the file does not pay for byte by byte:
// in a FlatBuffer a million offsets may lead to one string, here `budget_` runs out.
class MetadataReader {
 public:
  MetadataReader(const plan_file::Sections& sections, std::shared_ptr<const void> owner)
      : sections_(sections),
        owner_(std::move(owner)),
        budget_(sections.metadata.size()),
        place_budget_(2 * static_cast<uint64_t>(sections.constants.size())) {}

  Result<PlanData> read() {
    const schema::Metadata* metadata = root();
    if (!metadata || !metadata->portable() || !metadata->tuned()) {
      return damaged("the metadata are not a valid FlatBuffer of this format");
    }
    PlanData plan;
    HONE_RETURN_IF_ERROR(read_portable(*metadata->portable(), &plan.portable));
    if (metadata->tuned()->size() != sections_.packed.size()) {
      return damaged(fmt::format("{} tuned parts, but {} sections of packed weights",
                                 metadata->tuned()->size(), sections_.packed.size()));
    }
    HONE_RETURN_IF_ERROR(
        read_tables(metadata->tuned(), "tuned part", &plan.tuned, &MetadataReader::read_tuned));
    for (size_t i = 0; i < plan.tuned.size(); ++i) {
      plan.tuned[i].packed = reinterpret_cast<const std::byte*>(sections_.packed[i].data());
      plan.tuned[i].packed_bytes = sections_.packed[i].size();
      plan.tuned[i].owner = owner_;
    }
    return plan;
  }

 private:
  const schema::Metadata* root() const {
    const std::string_view bytes = sections_.metadata;
    // The Verifier asserts the upper bound; a buffer has at least an offset and an identifier.
    if (bytes.size() < 8 || bytes.size() >= FLATBUFFERS_MAX_BUFFER_SIZE) return nullptr;
    const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
    flatbuffers::Verifier::Options options;
    options.max_depth = 16;
    // A table takes 8 bytes at least (its offset and its vtable's); shared ones count each time.
    options.max_tables = static_cast<flatbuffers::uoffset_t>(bytes.size() / 8);
    flatbuffers::Verifier verifier(data, bytes.size(), options);
    if (!schema::VerifyMetadataBuffer(verifier)) return nullptr;
    return schema::GetMetadata(data);
  }

  Status spend(size_t bytes) {
    if (bytes > budget_) return damaged("strings or lists are shared or overlap");
    budget_ -= bytes;
    return ok();
  }

  Status read(const String* from, std::string_view* to) {
    if (!from) return damaged("a text is missing");
    HONE_RETURN_IF_ERROR(spend(from->size() + sizeof(uint32_t)));
    *to = {from->c_str(), from->size()};
    return ok();
  }
  Status read(const String* from, std::string* to) {
    std::string_view text;
    HONE_RETURN_IF_ERROR(read(from, &text));
    *to = text;
    return ok();
  }
  Status read(const Vector<Offset<String>>* from, std::vector<std::string>* to) {
    HONE_RETURN_IF_ERROR(reserve(from, to));
    for (const String* item : *from) HONE_RETURN_IF_ERROR(read(item, &to->emplace_back()));
    return ok();
  }
  template <class T, class U>
  Status read(const Vector<T>* from, std::vector<U>* to) {
    HONE_RETURN_IF_ERROR(reserve(from, to));
    for (T item : *from) to->push_back(static_cast<U>(item));
    return ok();
  }
  template <class T, class U>
  Status reserve(const Vector<T>* from, std::vector<U>* to) {
    if (!from) return damaged("a list is missing");
    HONE_RETURN_IF_ERROR(spend(from->size() * sizeof(T) + sizeof(uint32_t)));
    to->reserve(from->size());
    return ok();
  }
  // Calls `read_one` for every table of a list; errors say which.
  template <class T, class U>
  Status read_tables(const Tables<T>* from, const char* what, std::vector<U>* to,
                     Status (MetadataReader::*read_one)(const T&, U*)) {
    HONE_RETURN_IF_ERROR(reserve(from, to));
    for (flatbuffers::uoffset_t i = 0; i < from->size(); ++i) {
      Status status = (this->*read_one)(*from->Get(i), &to->emplace_back());
      if (!status.ok()) return std::move(status).at(fmt::format("{} {}", what, i));
    }
    return ok();
  }

  Status read_dim(const String* from, Dim* to) {
    std::string_view text;
    HONE_RETURN_IF_ERROR(read(from, &text));
    auto dim = Dim::parse(text);
    if (!dim.ok()) return as_plan_error(dim.status());
    *to = std::move(*dim);
    return ok();
  }

  Status read_value(const schema::Value& from, PlanValue* to) {
    HONE_RETURN_IF_ERROR(read(from.name(), &to->name));
    HONE_RETURN_IF_ERROR(read(from.source(), &to->source));
    std::string_view shape;
    HONE_RETURN_IF_ERROR(read(from.shape(), &shape));
    auto parsed = parse_shape(shape);
    if (!parsed.ok()) return as_plan_error(parsed.status());
    to->type.shape = std::move(*parsed);
    if (from.dtype() < static_cast<uint8_t>(DataType::f32) ||
        from.dtype() > static_cast<uint8_t>(DataType::string)) {
      return damaged(fmt::format("there is no data type {}", from.dtype()));
    }
    to->type.dtype = static_cast<DataType>(from.dtype());
    if (from.kind() > static_cast<uint8_t>(ValueKind::kComputed)) {
      return damaged(fmt::format("there is no kind of value {}", from.kind()));
    }
    to->kind = static_cast<ValueKind>(from.kind());
    to->has_data = from.has_data();
    if (!to->has_data) {
      if (from.offset() == 0 && from.size() == 0) return ok();
      return damaged("a value without data has a place for them");
    }
    return read_constant(from.offset(), from.size(), to);
  }

  Status read_constant(uint64_t offset, uint64_t size, PlanValue* to) {
    const std::string_view section = sections_.constants;
    if (offset % plan_file::kAlignment != 0 || offset > section.size() ||
        size > section.size() - offset) {
      return damaged(fmt::format("{} bytes at {} are not inside the section 'constants' ({} bytes)",
                                 size, offset, section.size()));
    }
    const auto shape = to_static(to->type.shape);
    if (!shape) return damaged("a constant has a shape that is not constant");
    const std::string_view bytes = section.substr(offset, size);
    if (to->type.dtype == DataType::string) {
      return read_strings(*shape, offset, bytes, &to->constant);
    }
    auto needed = checked_num_bytes(to->type.dtype, *shape);
    if (!needed.ok()) return as_plan_error(needed.status());
    if (static_cast<uint64_t>(*needed) != size) {
      return damaged(fmt::format("{} needs {} bytes, not {}", type_text(to->type), *needed, size));
    }
    if (to->type.dtype == DataType::boolean) HONE_RETURN_IF_ERROR(check_booleans(offset, bytes));
    to->constant = Tensor::view(to->type.dtype, *shape, bytes.data(), owner_);
    return ok();
  }

  // Equal constants share their bytes; what is not equal does not overlap. So the bytes of all
  // different places are no more than the section has, and work and memory stay within the file's
  // size (twice, for strings and booleans may share).
  Status spend_place(uint64_t bytes) {
    if (bytes > place_budget_) return damaged("constants overlap");
    place_budget_ -= bytes;
    return ok();
  }

  Status check_booleans(uint64_t offset, std::string_view bytes) {
    if (!booleans_.emplace(offset, bytes.size()).second) return ok();
    HONE_RETURN_IF_ERROR(spend_place(bytes.size()));
    const bool valid =
        std::all_of(bytes.begin(), bytes.end(), [](char byte) { return byte == 0 || byte == 1; });
    return valid ? ok() : damaged("a boolean is neither 0 nor 1");
  }

  Status read_strings(const std::vector<int64_t>& shape, uint64_t offset, std::string_view bytes,
                      Tensor* to) {
    auto count = checked_num_elements(shape);
    if (!count.ok()) return as_plan_error(count.status());
    auto [place, is_new] = strings_.try_emplace({offset, bytes.size()});
    if (is_new) {
      HONE_RETURN_IF_ERROR(spend_place(bytes.size()));
      HONE_RETURN_IF_ERROR(split_strings(*count, bytes, &place->second));
    }
    if (place->second.num_elements() != *count) return damaged("another number of strings");
    *to = place->second.reshaped(shape);
    return ok();
  }
  static Status split_strings(int64_t count, std::string_view bytes, Tensor* to) {
    uint32_t length = 0;
    if (static_cast<uint64_t>(count) > bytes.size() / sizeof length) {
      return damaged("more strings than there are bytes for");
    }
    std::vector<std::string> values;
    values.reserve(count);
    for (int64_t i = 0; i < count; ++i) {
      if (bytes.size() < sizeof length) return damaged("the strings end early");
      std::memcpy(&length, bytes.data(), sizeof length);
      bytes.remove_prefix(sizeof length);
      if (bytes.size() < length) return damaged("the strings end early");
      values.emplace_back(bytes.substr(0, length));
      bytes.remove_prefix(length);
    }
    if (!bytes.empty()) return damaged("there are bytes after the last string");
    *to = Tensor::strings({count}, std::move(values));
    return ok();
  }

  Status read_step(const schema::Step& from, PlanStep* to) {
    HONE_RETURN_IF_ERROR(read(from.name(), &to->name));
    HONE_RETURN_IF_ERROR(read(from.sources(), &to->sources));
    HONE_RETURN_IF_ERROR(read(from.inputs(), &to->inputs));
    HONE_RETURN_IF_ERROR(read(from.outputs(), &to->outputs));
    HONE_RETURN_IF_ERROR(read(from.device(), &to->device));
    to->group = from.group();
    std::string_view op, attributes, epilogue;
    HONE_RETURN_IF_ERROR(read(from.op(), &op));
    HONE_RETURN_IF_ERROR(read(from.attributes(), &attributes));
    HONE_RETURN_IF_ERROR(read(from.epilogue(), &epilogue));
    to->op = find_op(op);
    if (!to->op) return damaged(fmt::format("there is no operator '{}'", printable(op, 60)));
    auto parsed = parse_attributes(attributes, to->op->defaults);
    if (!parsed.ok()) return as_plan_error(parsed.status());
    to->attributes = std::move(*parsed);
    auto program = Program::parse(epilogue, from.epilogue_inputs());
    if (!program.ok()) return as_plan_error(program.status());
    to->epilogue = std::move(*program);
    return ok();
  }

  Status read_range(const schema::Range& from, PlanProfile::Range* to) {
    HONE_RETURN_IF_ERROR(read(from.min(), &to->min));
    HONE_RETURN_IF_ERROR(read(from.opt(), &to->opt));
    return read(from.max(), &to->max);
  }
  Status read_profile(const schema::Profile& from, PlanProfile* to) {
    return read_tables(from.inputs(), "input", &to->inputs, &MetadataReader::read_range);
  }
  Status read_equal(const schema::EqualDims& from, std::pair<Dim, Dim>* to) {
    HONE_RETURN_IF_ERROR(read_dim(from.a(), &to->first));
    return read_dim(from.b(), &to->second);
  }

  Status read_portable(const schema::Portable& from, Portable* to) {
    HONE_RETURN_IF_ERROR(read(from.model_name(), &to->model_name));
    HONE_RETURN_IF_ERROR(
        read_tables(from.values(), "value", &to->values, &MetadataReader::read_value));
    HONE_RETURN_IF_ERROR(read_tables(from.steps(), "step", &to->steps, &MetadataReader::read_step));
    HONE_RETURN_IF_ERROR(read(from.inputs(), &to->inputs));
    HONE_RETURN_IF_ERROR(read(from.outputs(), &to->outputs));
    HONE_RETURN_IF_ERROR(read(from.input_names(), &to->input_names));
    HONE_RETURN_IF_ERROR(read(from.output_names(), &to->output_names));
    HONE_RETURN_IF_ERROR(
        read_tables(from.profiles(), "profile", &to->profiles, &MetadataReader::read_profile));
    HONE_RETURN_IF_ERROR(read_tables(from.must_be_equal(), "shape check", &to->must_be_equal,
                                     &MetadataReader::read_equal));
    to->strict_fp32 = from.strict_fp32();
    return ok();
  }

  Status read_rejected(const schema::Rejected& from, RejectedTactic* to) {
    HONE_RETURN_IF_ERROR(read(from.tactic(), &to->tactic));
    return read(from.reason(), &to->reason);
  }
  Status read_tuned_step(const schema::TunedStep& from, TunedStep* to) {
    HONE_RETURN_IF_ERROR(read(from.tactic(), &to->tactic));
    HONE_RETURN_IF_ERROR(read(from.configs(), &to->configs));
    HONE_RETURN_IF_ERROR(read(from.packed_key(), &to->packed_key));
    HONE_RETURN_IF_ERROR(read(from.replaced_inputs(), &to->replaced_inputs));
    to->version = from.version();
    to->packed_offset = from.packed_offset();
    to->packed_bytes = from.packed_bytes();
    to->milliseconds = from.milliseconds();
    return read_tables(from.rejected(), "rejected tactic", &to->rejected,
                       &MetadataReader::read_rejected);
  }
  Status read_tuned(const schema::Tuned& from, Tuned* to) {
    HONE_RETURN_IF_ERROR(read(from.features(), &to->features));
    HONE_RETURN_IF_ERROR(read(from.cpu(), &to->cpu));
    to->threads = from.threads();
    return read_tables(from.steps(), "step", &to->steps, &MetadataReader::read_tuned_step);
  }

  const plan_file::Sections& sections_;
  const std::shared_ptr<const void> owner_;
  size_t budget_;  // bytes of strings and lists still to come
  uint64_t place_budget_;
  std::set<std::pair<uint64_t, uint64_t>> booleans_;  // places that were checked
  std::map<std::pair<uint64_t, uint64_t>, Tensor> strings_;
};

Result<PlanData> read(std::string_view bytes, std::shared_ptr<const void> owner) {
  auto sections = plan_file::read_sections(bytes);
  if (!sections.ok()) return sections.status();
  auto plan = MetadataReader(*sections, std::move(owner)).read();
  if (!plan.ok()) {
    return Status(plan.status()).at(section_name(plan_file::SectionKind::kMetadata, 0));
  }
  HONE_RETURN_IF_ERROR(verify_plan(*plan));
  find_stages(&plan->portable);
  return plan;
}

}  // namespace

Result<PlanData> read_plan(std::string_view bytes, std::shared_ptr<const void> owner,
                           const std::string& name) {
  // Everything in the file is aligned relative to its first byte.
  if (reinterpret_cast<uintptr_t>(bytes.data()) % plan_file::kAlignment != 0) {
    return Status(Code::kInternal, "the bytes of a plan are not 64-byte aligned in memory")
        .at(name);
  }
  auto plan = read(bytes, std::move(owner));
  if (!plan.ok()) return Status(plan.status()).at(name);
  return plan;
}

}  // namespace hone
