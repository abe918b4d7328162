#include "importers/tensorflow/op_defs.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"

namespace hone::tf {
namespace {

// One output argument is "name", "name*attr" (attr of them, or as many as the list `attr` has).
OpDef multi(std::string name, const std::vector<std::string_view>& outputs) {
  OpDef op;
  op.name = std::move(name);
  for (const std::string_view output : outputs) {
    const auto parts = split(output, '*');
    ArgDef arg;
    arg.name = parts[0];
    if (parts.size() > 1) {
      const bool is_list = parts[1][0] == 'T' || parts[1] == "output_types";
      (is_list ? arg.type_list_attr : arg.number_attr) = parts[1];
    }
    op.outputs.push_back(std::move(arg));
  }
  return op;
}

// Ops with several outputs that occur in frozen graphs. From the op reference.
const std::vector<OpDef>& known_ops() {
  static const auto* ops = new std::vector<OpDef>{
      multi("Split", {"output*num_split"}),
      multi("SplitV", {"output*num_split"}),
      multi("Unpack", {"output*num"}),
      multi("IdentityN", {"output*T"}),
      multi("TopK", {"values", "indices"}),
      multi("TopKV2", {"values", "indices"}),
      multi("Unique", {"y", "idx"}),
      multi("UniqueV2", {"y", "idx"}),
      multi("UniqueWithCounts", {"y", "idx", "count"}),
      multi("Switch", {"output_false", "output_true"}),
      multi("Merge", {"output", "value_index"}),
      multi("If", {"output*Tout"}),
      multi("StatelessIf", {"output*Tout"}),
      multi("Case", {"output*Tout"}),
      multi("StatelessCase", {"output*Tout"}),
      multi("While", {"output*T"}),
      multi("StatelessWhile", {"output*T"}),
      multi("PartitionedCall", {"output*Tout"}),
      multi("StatefulPartitionedCall", {"output*Tout"}),
      multi("FusedBatchNorm",
            {"y", "batch_mean", "batch_variance", "reserve_space_1", "reserve_space_2"}),
      multi("FusedBatchNormV2",
            {"y", "batch_mean", "batch_variance", "reserve_space_1", "reserve_space_2"}),
      multi("FusedBatchNormV3", {"y", "batch_mean", "batch_variance", "reserve_space_1",
                                 "reserve_space_2", "reserve_space_3"}),
      multi("Moments", {"mean", "variance"}),
      multi("NonMaxSuppressionV4", {"selected_indices", "valid_outputs"}),
      multi("NonMaxSuppressionV5", {"selected_indices", "selected_scores", "valid_outputs"}),
      multi("CombinedNonMaxSuppression",
            {"nmsed_boxes", "nmsed_scores", "nmsed_classes", "valid_detections"}),
      multi("MaxPoolWithArgmax", {"output", "argmax"}),
      multi("BlockLSTM", {"i", "cs", "f", "o", "ci", "co", "h"}),
      multi("BlockLSTMV2", {"i", "cs", "f", "o", "ci", "co", "h"}),
      multi("LSTMBlockCell", {"i", "cs", "f", "o", "ci", "co", "h"}),
      multi("GRUBlockCell", {"r", "u", "c", "h"}),
      multi("CudnnRNNV3", {"output", "output_h", "output_c", "reserve_space", "host_reserved"}),
      multi("Svd", {"s", "u", "v"}),
      multi("Qr", {"q", "r"}),
      multi("TensorArrayV3", {"handle", "flow"}),
      multi("TensorListPopBack", {"output_handle", "tensor"}),
      multi("SoftmaxCrossEntropyWithLogits", {"loss", "backprop"}),
      multi("SparseSoftmaxCrossEntropyWithLogits", {"loss", "backprop"}),
  };
  return *ops;
}

bool starts_with_any(std::string_view op, std::initializer_list<std::string_view> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(), [&](std::string_view prefix) {
    return op.substr(0, prefix.size()) == prefix;
  });
}

// Stateful ops whose state is only read, or random: order and number of runs do not matter.
bool only_reads(std::string_view op) {
  static const std::set<std::string_view> kReaders = {
      "VarHandleOp", "ReadVariableOp", "ResourceGather", "ResourceGatherNd", "VariableShape",
      "VarIsInitializedOp", "Variable", "VariableV2", "HashTable", "HashTableV2",
      "MutableHashTableV2", "AnonymousHashTable", "LookupTableFind", "LookupTableFindV2",
      "LookupTableSizeV2", "LookupTableExportV2", "Multinomial", "Placeholder",
      // Calls and control flow have the side effects of their functions, which are looked at.
      "StatefulPartitionedCall", "PartitionedCall", "If", "While", "Case", "XlaHostCompute",
      "TensorArrayV3", "TensorArrayReadV3", "TensorArraySizeV3", "TensorArrayGatherV3", "Stack",
      "FakeQueue", "GetStepContainer", "RngReadAndSkip", "PyFunc", "EagerPyFunc", "MapDefun"};
  return kReaders.count(op) > 0 ||
         starts_with_any(op, {"Random", "Parameterized", "Truncated", "Stateless", "Stateful"});
}

// For graphs without OpDefs.
bool known_effect(std::string_view op) {
  return starts_with_any(op, {"Assign", "Resource", "Scatter", "Print", "Save", "Restore", "Write",
                              "LookupTableI", "LookupTableR", "Initialize", "TensorArrayWrite",
                              "TensorArrayScatter", "Queue", "Assert", "Delete", "Destroy"});
}

}  // namespace

FunctionIndex::FunctionIndex(const FunctionLibrary& library) {
  for (const FunctionDef& function : library.functions) {
    functions_.emplace(function.signature.name, &function);
  }
}

const FunctionDef* FunctionIndex::find(std::string_view name) const {
  const auto it = functions_.find(name);
  return it == functions_.end() ? nullptr : it->second;
}

OpDefs::OpDefs(const std::vector<OpDef>& ops, const FunctionIndex* functions)
    : functions_(functions) {
  for (const OpDef& op : ops) ops_.emplace(op.name, &op);
  for (const OpDef& op : known_ops()) ops_.emplace(op.name, &op);
}

const OpDef* OpDefs::find(std::string_view op) const {
  if (functions_ != nullptr) {
    if (const FunctionDef* function = functions_->find(op)) return &function->signature;
  }
  const auto it = ops_.find(op);
  return it == ops_.end() ? nullptr : it->second;
}

namespace {

constexpr int64_t kMostOutputs = 1 << 16;

Result<int64_t> arg_size(const NodeDef& node, const ArgDef& arg) {
  int64_t size = 1;
  if (!arg.number_attr.empty()) {
    HONE_ASSIGN_OR_RETURN(size, node.required_attr<int64_t>(arg.number_attr));
  } else if (!arg.type_list_attr.empty()) {
    HONE_ASSIGN_OR_RETURN(const ListAttr list, node.required_attr<ListAttr>(arg.type_list_attr));
    size = static_cast<int64_t>(list.type.size());
  }
  if (size < 0 || size > kMostOutputs) {
    return Status(Code::kModel, fmt::format("output '{}' has {} tensors", arg.name, size))
        .at(fmt::format("node '{}' ({})", printable(node.name), printable(node.op)));
  }
  return size;
}

}  // namespace

Result<int> OpDefs::num_outputs(const NodeDef& node) const {
  const OpDef* op = find(node.op);
  if (op == nullptr) return 1;
  int64_t total = 0;
  for (const ArgDef& arg : op->outputs) {
    HONE_ASSIGN_OR_RETURN(const int64_t size, arg_size(node, arg));
    total = std::min(total + size, kMostOutputs);
  }
  return static_cast<int>(total);
}

Result<int> OpDefs::output_index(const NodeDef& node, std::string_view arg, int index) const {
  const OpDef* op = find(node.op);
  if (op == nullptr) return index;
  int64_t base = 0;
  for (const ArgDef& output : op->outputs) {
    HONE_ASSIGN_OR_RETURN(const int64_t size, arg_size(node, output));
    if (output.name == arg) {
      if (index < size) return static_cast<int>(base + index);
      break;
    }
    base = std::min(base + size, kMostOutputs);
  }
  return Status(Code::kModel, fmt::format("there is no output '{}:{}'", printable(arg), index))
      .at(fmt::format("node '{}' ({})", printable(node.name), printable(node.op)));
}

bool OpDefs::has_side_effects(std::string_view op) const {
  if (only_reads(op)) return false;
  if (functions_ != nullptr && functions_->find(op) != nullptr) return false;  // looked into
  const auto it = ops_.find(op);
  if (it != ops_.end() && it->second->is_stateful) return true;
  return known_effect(op);
}

Result<const FunctionDef*> called_function(const NodeDef& node, const FunctionIndex& functions) {
  if (node.op != "PartitionedCall" && node.op != "StatefulPartitionedCall") {
    return functions.find(node.op);
  }
  const FuncAttr* f = node.attr<FuncAttr>("f");
  if (f == nullptr) return node.bad_attr("f");
  const FunctionDef* function = functions.find(f->name);
  if (function == nullptr) {
    return Status(Code::kModel, fmt::format("calls function '{}', which is not in the library",
                                            printable(f->name)))
        .at(fmt::format("node '{}'", printable(node.name)));
  }
  return function;
}

std::vector<std::string> named_functions(const NodeDef& node) {
  std::vector<std::string> names;
  for (const auto& [key, value] : node.attrs) {
    if (const auto* func = value.get<FuncAttr>()) names.push_back(func->name);
    if (const auto* list = value.get<ListAttr>()) {
      for (const FuncAttr& func : list->func) names.push_back(func.name);
    }
  }
  return names;
}

Result<TensorRef> parse_ref(std::string_view text) {
  const auto bad = [&](const char* why) {
    return Status(Code::kModel, fmt::format("'{}' does not name a tensor", printable(text)))
        .because(why);
  };
  TensorRef ref;
  if (!text.empty() && text[0] == '^') {
    ref.control = true;
    text.remove_prefix(1);
  }
  const auto parts = split(text, ':');
  ref.node = parts[0];
  if (ref.node.empty()) return bad("the name is empty");
  if (parts.size() > 3 || (ref.control && parts.size() > 1)) return bad("it has too many parts");
  if (parts.size() == 3) ref.arg = parts[1];
  if (parts.size() > 1) {
    const auto index = parse_int64(parts.back());
    if (!index && parts.size() == 2) {  // "node:arg" is short for "node:arg:0"
      ref.arg = parts[1];
      return ref;
    }
    if (!index || *index < 0 || *index > kMostOutputs) return bad("its index is no number");
    ref.index = static_cast<int>(*index);
  }
  return ref;
}

}  // namespace hone::tf
