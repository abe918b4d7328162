// What chooses elements by value or by lists of indices: TopK, GatherNd, ScatterNd, Where, Unique,
// cumulative sums, non-maximum suppression.
#include <fmt/core.h>

#include <numeric>

#include "importers/tensorflow/node_importer.h"
#include "ops/selection.h"

namespace hone::tf {
namespace {

Result<DataType> type_attr(NodeImporter& n, const char* name, DataType fallback) {
  if (!n.node().attrs.count(name)) return fallback;
  return n.attr_type(name);
}

Result<Value*> cast(NodeImporter& n, Value* value, DataType dtype) {
  if (value->dtype() == dtype) return value;
  return n.add("Cast", CastAttributes{dtype}, {value});
}

Status import_top_k(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  HONE_ASSIGN_OR_RETURN(Value * k, n.input(1));
  HONE_ASSIGN_OR_RETURN(const DataType index, type_attr(n, "index_type", DataType::i32));
  TopKAttributes attributes;
  attributes.indices = index == DataType::i16 ? DataType::i32 : index;
  HONE_ASSIGN_OR_RETURN(const auto results, n.add_many("TopK", attributes, {x, k}));
  HONE_ASSIGN_OR_RETURN(Value * places, cast(n, results[1], index));
  n.output(results[0]);
  n.output(places);
  return ok();
}

Status import_gather_nd(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  HONE_ASSIGN_OR_RETURN(Value * indices, n.input(1));
  HONE_ASSIGN_OR_RETURN(const std::string policy, n.attr_string("bad_indices_policy", ""));
  if (policy == "IGNORE") return NodeImporter::unsupported("bad_indices_policy IGNORE");
  HONE_ASSIGN_OR_RETURN(Value * result, n.add("GatherND", GatherNdAttributes{}, {x, indices}));
  n.output(result);
  return ok();
}

// Updates of the same place add up.
Status import_scatter_nd(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * indices, n.input(0));
  HONE_ASSIGN_OR_RETURN(Value * updates, n.input(1));
  HONE_ASSIGN_OR_RETURN(Value * shape, n.input(2));
  HONE_ASSIGN_OR_RETURN(Value * zeros, n.add("Fill", {}, {shape, n.scalar(0, updates->dtype())}));
  HONE_ASSIGN_OR_RETURN(Value * result,
                        n.add("ScatterND", ScatterNdAttributes{"add"}, {zeros, indices, updates}));
  n.output(result);
  return ok();
}

Status tensor_scatter(NodeImporter& n, const char* reduction) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  HONE_ASSIGN_OR_RETURN(Value * indices, n.input(1));
  HONE_ASSIGN_OR_RETURN(Value * updates, n.input(2));
  HONE_ASSIGN_OR_RETURN(const std::string policy, n.attr_string("bad_indices_policy", ""));
  if (policy == "IGNORE") return NodeImporter::unsupported("bad_indices_policy IGNORE");
  HONE_ASSIGN_OR_RETURN(Value * result,
                        n.add("ScatterND", ScatterNdAttributes{reduction}, {x, indices, updates}));
  n.output(result);
  return ok();
}
Status import_scatter_update(NodeImporter& n) { return tensor_scatter(n, "none"); }
Status import_scatter_add(NodeImporter& n) { return tensor_scatter(n, "add"); }
Status import_scatter_sub(NodeImporter& n) { return tensor_scatter(n, "sub"); }
Status import_scatter_min(NodeImporter& n) { return tensor_scatter(n, "min"); }
Status import_scatter_max(NodeImporter& n) { return tensor_scatter(n, "max"); }

// `target` of the row: CumSum or CumProd.
Status import_cumulative(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  HONE_ASSIGN_OR_RETURN(const int64_t axis, n.scalar_int(1, "axis"));
  CumulativeAttributes attributes;
  HONE_ASSIGN_OR_RETURN(attributes.axis, NodeImporter::axis(axis, x->shape().size()));
  HONE_ASSIGN_OR_RETURN(attributes.exclusive, n.attr_bool("exclusive", false));
  HONE_ASSIGN_OR_RETURN(attributes.reverse, n.attr_bool("reverse", false));
  HONE_ASSIGN_OR_RETURN(Value * result, n.add(n.target(), attributes, {x}));
  n.output(result);
  return ok();
}

// The places as rows.
Status import_where(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  HONE_ASSIGN_OR_RETURN(Value * columns, n.add("NonZero", {}, {x}));
  HONE_ASSIGN_OR_RETURN(Value * rows, n.transpose(columns, {1, 0}));
  n.output(rows);
  return ok();
}

// In the order of first occurrence: elements, for each input element its place among them, and for
// UniqueWithCounts (`target` is set) how often each occurs.
Status import_unique(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  HONE_ASSIGN_OR_RETURN(const DataType index, type_attr(n, "out_idx", DataType::i32));
  HONE_ASSIGN_OR_RETURN(const auto results, n.add_many("Unique", UniqueAttributes{false}, {x}));
  HONE_ASSIGN_OR_RETURN(Value * places, cast(n, results[2], index));
  n.output(results[0]);
  n.output(places);
  if (!n.target()) return ok();
  HONE_ASSIGN_OR_RETURN(Value * counts, cast(n, results[3], index));
  n.output(counts);
  return ok();
}

// Time t of an entry of length len shows time len - 1 - t where t < len.
Status import_reverse_sequence(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * x, n.input(0));
  HONE_ASSIGN_OR_RETURN(Value * lengths, n.input(1));
  HONE_ASSIGN_OR_RETURN(int64_t time, n.attr_int("seq_dim", 0));
  HONE_ASSIGN_OR_RETURN(int64_t batch, n.attr_int("batch_dim", 0));
  const size_t rank = x->shape().size();
  HONE_ASSIGN_OR_RETURN(time, NodeImporter::axis(time, rank));
  HONE_ASSIGN_OR_RETURN(batch, NodeImporter::axis(batch, rank));
  if (time == batch) return Status(Code::kModel, "seq_dim and batch_dim are the same");
  std::vector<int64_t> perm = {batch, time}, back(rank);
  for (size_t i = 0; i < rank; ++i) {
    const auto axis = static_cast<int64_t>(i);
    if (axis != batch && axis != time) perm.push_back(axis);
  }
  for (size_t i = 0; i < rank; ++i) back[static_cast<size_t>(perm[i])] = static_cast<int64_t>(i);
  HONE_ASSIGN_OR_RETURN(x, n.transpose(x, perm));
  HONE_ASSIGN_OR_RETURN(lengths, cast(n, lengths, DataType::i64));
  HONE_ASSIGN_OR_RETURN(lengths, n.add("Unsqueeze", AxesAttributes{{1}}, {lengths}));
  HONE_ASSIGN_OR_RETURN(Value * sizes, n.add("Shape", {}, {x}));
  HONE_ASSIGN_OR_RETURN(Value * size,
                        n.add("Slice", {}, {sizes, n.int_constant({1}), n.int_constant({2})}));
  HONE_ASSIGN_OR_RETURN(size, n.add("Squeeze", AxesAttributes{{0}}, {size}));
  Value *zero = n.scalar(0, DataType::i64), *one = n.scalar(1, DataType::i64);
  HONE_ASSIGN_OR_RETURN(Value * times, n.add("Range", {}, {zero, size, one}));
  HONE_ASSIGN_OR_RETURN(Value * inside, n.add("Less", {}, {times, lengths}));
  HONE_ASSIGN_OR_RETURN(Value * last, n.add("Sub", {}, {lengths, one}));
  HONE_ASSIGN_OR_RETURN(Value * mirrored, n.add("Sub", {}, {last, times}));
  HONE_ASSIGN_OR_RETURN(Value * shown, n.add("Where", {}, {inside, mirrored, times}));
  HONE_ASSIGN_OR_RETURN(Value * result, n.add("Gather", GatherAttributes{1, 1}, {x, shown}));
  HONE_ASSIGN_OR_RETURN(result, n.transpose(result, back));
  n.output(result);
  return ok();
}

// --- Non-maximum suppression.

Result<double> scalar_float(NodeImporter& n, size_t i, const char* what) {
  HONE_ASSIGN_OR_RETURN(const Value* value, n.input(i));
  if (!value->constant() || !is_float(value->dtype()) || value->constant()->num_elements() != 1) {
    return NodeImporter::unsupported(fmt::format("input {} ({}) is not constant", i, what));
  }
  return value->constant()->as_doubles()->front();
}

Status import_combined_nms(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * boxes, n.input(0));
  HONE_ASSIGN_OR_RETURN(Value * scores, n.input(1));
  CombinedNmsAttributes attributes;
  HONE_ASSIGN_OR_RETURN(attributes.max_per_class, n.scalar_int(2, "max_output_size_per_class"));
  HONE_ASSIGN_OR_RETURN(attributes.max_total, n.scalar_int(3, "max_total_size"));
  HONE_ASSIGN_OR_RETURN(attributes.iou_threshold, scalar_float(n, 4, "iou_threshold"));
  HONE_ASSIGN_OR_RETURN(attributes.score_threshold, scalar_float(n, 5, "score_threshold"));
  HONE_ASSIGN_OR_RETURN(attributes.pad_per_class, n.attr_bool("pad_per_class", false));
  HONE_ASSIGN_OR_RETURN(attributes.clip_boxes, n.attr_bool("clip_boxes", true));
  HONE_ASSIGN_OR_RETURN(const auto results,
                        n.add_many("CombinedNonMaxSuppression", attributes, {boxes, scores}));
  for (Value* result : results) n.output(result);
  return ok();
}

// V1 to V3: iou_threshold is an attribute at first, then an input, then comes score_threshold.
Status import_nms(NodeImporter& n) {
  HONE_ASSIGN_OR_RETURN(Value * boxes, n.input(0));
  HONE_ASSIGN_OR_RETURN(Value * scores, n.input(1));
  HONE_ASSIGN_OR_RETURN(Value * limit, n.input(2));
  Value* iou = nullptr;
  if (n.num_inputs() > 3) {
    HONE_ASSIGN_OR_RETURN(iou, n.input(3));
  } else {
    HONE_ASSIGN_OR_RETURN(const double threshold, n.attr_float("iou_threshold", 0.5));
    iou = n.scalar(threshold, DataType::f32);
  }
  if (boxes->shape().size() != 2 || scores->shape().size() != 1) {
    return Status(Code::kModel, "boxes and scores have the wrong ranks");
  }
  HONE_ASSIGN_OR_RETURN(boxes, n.add("Unsqueeze", AxesAttributes{{0}}, {boxes}));
  HONE_ASSIGN_OR_RETURN(scores, n.add("Unsqueeze", AxesAttributes{{0, 1}}, {scores}));
  std::vector<Value*> inputs = {boxes, scores, limit, iou};
  if (n.num_inputs() > 4) {
    HONE_ASSIGN_OR_RETURN(Value * threshold, n.input(4));
    inputs.push_back(threshold);
  }
  HONE_ASSIGN_OR_RETURN(Value * rows, n.add("NonMaxSuppression", NmsAttributes{}, inputs));
  HONE_ASSIGN_OR_RETURN(
      Value * column,
      n.add("Slice", {}, {rows, n.int_constant({2}), n.int_constant({3}), n.int_constant({1})}));
  HONE_ASSIGN_OR_RETURN(column, n.add("Squeeze", AxesAttributes{{1}}, {column}));
  HONE_ASSIGN_OR_RETURN(column, cast(n, column, DataType::i32));
  n.output(column);
  return ok();
}

// V4 and V5: with the number of boxes, and filled up with zeros if pad_to_max_output_size.
Status import_padded_nms(NodeImporter& n) {
  const bool soft = n.num_inputs() > 5;
  HONE_ASSIGN_OR_RETURN(Value * boxes, n.input(0));
  HONE_ASSIGN_OR_RETURN(Value * scores, n.input(1));
  PaddedNmsAttributes attributes;
  HONE_ASSIGN_OR_RETURN(attributes.size, n.scalar_int(2, "max_output_size"));
  HONE_ASSIGN_OR_RETURN(attributes.iou_threshold, scalar_float(n, 3, "iou_threshold"));
  HONE_ASSIGN_OR_RETURN(attributes.score_threshold, scalar_float(n, 4, "score_threshold"));
  if (soft) {
    HONE_ASSIGN_OR_RETURN(attributes.soft_sigma, scalar_float(n, 5, "soft_nms_sigma"));
  }
  HONE_ASSIGN_OR_RETURN(const bool pad, n.attr_bool("pad_to_max_output_size", false));
  HONE_ASSIGN_OR_RETURN(auto results,
                        n.add_many("NonMaxSuppressionPadded", attributes, {boxes, scores}));
  if (!pad) {
    HONE_ASSIGN_OR_RETURN(Value * end, n.add("Unsqueeze", AxesAttributes{{0}}, {results[2]}));
    for (size_t i = 0; i < 2; ++i) {
      HONE_ASSIGN_OR_RETURN(results[i], n.add("Slice", {}, {results[i], n.int_constant({0}), end}));
    }
  }
  n.output(results[0]);
  if (soft) n.output(results[1]);
  n.output(results[2]);
  return ok();
}

constexpr OpImporter kTable[] = {
    {"CombinedNonMaxSuppression", import_combined_nms, "constant limits and thresholds"},
    {"Cumprod", import_cumulative, "constant axis", "CumProd"},
    {"Cumsum", import_cumulative, "constant axis", "CumSum"},
    {"GatherNd", import_gather_nd, "length of the index tuples known"},
    {"NonMaxSuppression", import_nms, "f32"},
    {"NonMaxSuppressionV2", import_nms, "f32"},
    {"NonMaxSuppressionV3", import_nms, "f32"},
    {"NonMaxSuppressionV4", import_padded_nms, "f32; constant limits and thresholds"},
    {"NonMaxSuppressionV5", import_padded_nms, "f32; constant limits and thresholds"},
    {"ReverseSequence", import_reverse_sequence, ""},
    {"ScatterNd", import_scatter_nd, "length of the index tuples known"},
    {"TensorScatterAdd", import_scatter_add, "length of the index tuples known"},
    {"TensorScatterMax", import_scatter_max, "length of the index tuples known"},
    {"TensorScatterMin", import_scatter_min, "length of the index tuples known"},
    {"TensorScatterSub", import_scatter_sub, "length of the index tuples known"},
    {"TensorScatterUpdate", import_scatter_update, "length of the index tuples known"},
    {"TopKV2", import_top_k, ""},
    {"Unique", import_unique, "numbers"},
    {"UniqueWithCounts", import_unique, "numbers", "counts"},
    {"Where", import_where, "one input"},
};

}  // namespace

std::span<const OpImporter> detection_importers() { return kTable; }

}  // namespace hone::tf
