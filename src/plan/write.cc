#include <fmt/format.h>

#include <cstring>
#include <deque>
#include <map>

#include "base/hash.h"
#include "plan/plan.h"
#include "plan/plan_file.h"
#include "plan/plan_generated.h"

namespace hone {
namespace {

namespace schema = plan_schema;
using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;
using flatbuffers::String;
using flatbuffers::Vector;
using plan_file::SectionKind;

// The builder aborts beyond 2 GiB; text and lists of a sane plan are far below this.
constexpr size_t kMaxMetadataText = size_t{1} << 30;

// The constants section: equal contents are kept once.
class ConstantStore {
 public:
  struct Place {
    uint64_t offset = 0, size = 0;
  };

  Place add(const Tensor& tensor) {
    const std::string_view bytes = contents(tensor);
    const Hash128 hash = hash128(bytes);
    const auto [found, is_new] = places_.try_emplace({hash, bytes.size()}, end_);
    if (is_new) {
      pieces_.push_back(bytes);
      end_ = plan_file::align_up(end_ + bytes.size());
    }
    return {found->second, bytes.size()};
  }
  // Valid while this and the tensors live.
  const std::vector<std::string_view>& pieces() const { return pieces_; }

 private:
  // Strings: for each its length (u32) and its bytes.
  std::string_view contents(const Tensor& tensor) {
    if (!tensor.is_string()) return {static_cast<const char*>(tensor.raw()), tensor.bytes()};
    std::string& text = texts_.emplace_back();
    for (const std::string& value : tensor.string_values()) {
      const auto length = static_cast<uint32_t>(value.size());
      text.append(reinterpret_cast<const char*>(&length), sizeof length);
      text += value;
    }
    return text;
  }

  std::map<std::pair<Hash128, size_t>, uint64_t> places_;
  std::vector<std::string_view> pieces_;
  std::deque<std::string> texts_;
  uint64_t end_ = 0;
};

// Metadata as a FlatBuffer. One string or vector after another, none shared, in the order of the
// data: equal data gives equal bytes.
class MetadataWriter {
 public:
  explicit MetadataWriter(ConstantStore* constants) : constants_(constants) {}

  std::string_view write(const PlanData& plan) {
    const auto portable = write_portable(plan.portable);
    std::vector<Offset<schema::Tuned>> tuned;
    for (const Tuned& part : plan.tuned) tuned.push_back(write_tuned(part));
    const auto parts = fb_.CreateVector(tuned);
    schema::FinishMetadataBuffer(fb_, schema::CreateMetadata(fb_, portable, parts));
    return {reinterpret_cast<const char*>(fb_.GetBufferPointer()), fb_.GetSize()};
  }

 private:
  Offset<String> text(std::string_view text) { return fb_.CreateString(text.data(), text.size()); }
  Offset<Vector<Offset<String>>> texts(const std::vector<std::string>& list) {
    std::vector<Offset<String>> offsets;
    for (const std::string& item : list) offsets.push_back(text(item));
    return fb_.CreateVector(offsets);
  }
  Offset<Vector<int32_t>> ints(const std::vector<int>& list) {
    return fb_.CreateVector(list.data(), list.size());
  }
  Offset<Vector<int64_t>> longs(const std::vector<int64_t>& list) {
    return fb_.CreateVector(list.data(), list.size());
  }

  Offset<schema::Value> write_value(const PlanValue& value) {
    ConstantStore::Place place;
    if (value.has_data) place = constants_->add(value.constant);
    const auto name = text(value.name);
    const auto source = text(value.source);
    const auto shape = text(shape_text(value.type.shape));
    return schema::CreateValue(fb_, name, source, static_cast<uint8_t>(value.type.dtype), shape,
                               static_cast<uint8_t>(value.kind), value.has_data, place.offset,
                               place.size);
  }

  Offset<schema::Step> write_step(const PlanStep& step) {
    const auto name = text(step.name);
    const auto sources = texts(step.sources);
    const auto op = text(step.op->name);
    const auto attributes = text(attributes_text(step.attributes));
    const auto epilogue = text(step.epilogue.text());
    const auto inputs = ints(step.inputs);
    const auto outputs = ints(step.outputs);
    const auto device = text(step.device);
    return schema::CreateStep(fb_, name, sources, op, attributes, step.epilogue.num_inputs,
                              epilogue, inputs, outputs, step.group, device);
  }

  Offset<schema::Profile> write_profile(const PlanProfile& profile) {
    std::vector<Offset<schema::Range>> ranges;
    for (const PlanProfile::Range& range : profile.inputs) {
      const auto min = longs(range.min);
      const auto opt = longs(range.opt);
      const auto max = longs(range.max);
      ranges.push_back(schema::CreateRange(fb_, min, opt, max));
    }
    return schema::CreateProfile(fb_, fb_.CreateVector(ranges));
  }

  Offset<schema::Portable> write_portable(const Portable& portable) {
    const auto model_name = text(portable.model_name);
    std::vector<Offset<schema::Value>> values;
    for (const PlanValue& value : portable.values) values.push_back(write_value(value));
    std::vector<Offset<schema::Step>> steps;
    for (const PlanStep& step : portable.steps) steps.push_back(write_step(step));
    std::vector<Offset<schema::Profile>> profiles;
    for (const PlanProfile& profile : portable.profiles) profiles.push_back(write_profile(profile));
    std::vector<Offset<schema::EqualDims>> equal;
    for (const auto& [a, b] : portable.must_be_equal) {
      const auto a_text = text(a.text());
      const auto b_text = text(b.text());
      equal.push_back(schema::CreateEqualDims(fb_, a_text, b_text));
    }
    const auto values_list = fb_.CreateVector(values);
    const auto steps_list = fb_.CreateVector(steps);
    const auto inputs = ints(portable.inputs);
    const auto outputs = ints(portable.outputs);
    const auto input_names = texts(portable.input_names);
    const auto output_names = texts(portable.output_names);
    const auto profiles_list = fb_.CreateVector(profiles);
    const auto equal_list = fb_.CreateVector(equal);
    return schema::CreatePortable(fb_, model_name, values_list, steps_list, inputs, outputs,
                                  input_names, output_names, profiles_list, equal_list,
                                  portable.strict_fp32);
  }

  Offset<schema::TunedStep> write_tuned_step(const TunedStep& step) {
    const auto tactic = text(step.tactic);
    const auto configs = texts(step.configs);
    const auto packed_key = text(step.packed_key);
    const std::vector<uint32_t> replaced(step.replaced_inputs.begin(), step.replaced_inputs.end());
    const auto replaced_inputs = fb_.CreateVector(replaced);
    std::vector<Offset<schema::Rejected>> rejected;
    for (const RejectedTactic& other : step.rejected) {
      const auto name = text(other.tactic);
      const auto reason = text(other.reason);
      rejected.push_back(schema::CreateRejected(fb_, name, reason));
    }
    return schema::CreateTunedStep(fb_, tactic, step.version, configs, packed_key,
                                   step.packed_offset, step.packed_bytes, replaced_inputs,
                                   step.milliseconds, fb_.CreateVector(rejected));
  }

  Offset<schema::Tuned> write_tuned(const Tuned& tuned) {
    const auto features = text(tuned.features);
    const auto cpu = text(tuned.cpu);
    std::vector<Offset<schema::TunedStep>> steps;
    for (const TunedStep& step : tuned.steps) steps.push_back(write_tuned_step(step));
    return schema::CreateTuned(fb_, features, cpu, tuned.threads, fb_.CreateVector(steps));
  }

  ConstantStore* constants_;
  FlatBufferBuilder fb_{4096};
};

size_t total_size(const std::vector<std::string>& list) {
  size_t size = 0;
  for (const std::string& item : list) size += item.size();
  return size;
}

// An upper bound of what can be long in the metadata, before the FlatBuffer is begun.
size_t metadata_text(const PlanData& plan) {
  size_t size = 0;
  for (const PlanValue& value : plan.portable.values) {
    size += 128 + value.name.size() + value.source.size() + shape_text(value.type.shape).size();
  }
  for (const PlanStep& step : plan.portable.steps) {
    size += 256 + step.name.size() + total_size(step.sources) + 8 * step.sources.size() +
            attributes_text(step.attributes).size() + step.epilogue.text().size() +
            4 * (step.inputs.size() + step.outputs.size());
  }
  for (const Tuned& part : plan.tuned) {
    for (const TunedStep& step : part.steps) {
      size += 256 + total_size(step.configs) + step.packed_key.size();
      for (const RejectedTactic& other : step.rejected) {
        size += 32 + other.tactic.size() + other.reason.size();
      }
    }
  }
  return size;
}

}  // namespace

Result<PlanPieces> lay_out_plan(const PlanData& plan) {
  if (Status status = verify_plan(plan); !status.ok()) {
    return std::move(status).at("plan to be written");
  }
  if (metadata_text(plan) > kMaxMetadataText) {
    return Status(Code::kOutOfResources, "the names and texts of the plan take over 1 GiB");
  }
  // What the pieces point into, besides the plan.
  struct Keep {
    ConstantStore constants;
    MetadataWriter metadata{&constants};
    std::unique_ptr<const plan_file::FilePieces> file;
  };
  const auto keep = std::make_shared<Keep>();
  std::vector<plan_file::SectionPieces> sections;
  sections.push_back({SectionKind::kMetadata, 0, {keep->metadata.write(plan)}});
  sections.push_back({SectionKind::kConstants, 0, keep->constants.pieces()});
  for (const Tuned& part : plan.tuned) {
    const std::string_view packed(reinterpret_cast<const char*>(part.packed), part.packed_bytes);
    sections.push_back(
        {SectionKind::kPacked, static_cast<uint32_t>(sections.size() - 2), {packed}});
  }
  keep->file = plan_file::lay_out(sections);
  return PlanPieces{keep, keep->file->pieces, keep->file->size};
}

Result<std::string> write_plan(const PlanData& plan) {
  HONE_ASSIGN_OR_RETURN(const PlanPieces file, lay_out_plan(plan));
  std::string bytes;
  bytes.reserve(file.size);
  for (std::string_view piece : file.pieces) bytes += piece;
  return bytes;
}

}  // namespace hone
