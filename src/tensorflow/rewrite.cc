#include "tensorflow/rewrite.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>

#include "tensorflow/segmenter.h"

namespace hone::tensorflow {
namespace {

using tf::AttrValue;
using tf::ListAttr;
using tf::NodeDef;
using tf::ShapeProto;
using tf::TfType;

constexpr const char* kInitNode = "hone_init";
// TensorFlow refuses graphs without a producer version; 1087 is that of TensorFlow 2.8, older than
// all versions that are supported.
constexpr int kProducer = 1087;

ShapeProto shape_proto(const Shape& shape) {
  ShapeProto proto;
  for (const Dim& dim : shape) proto.dims.push_back(dim.is_const() ? dim.value() : -1);
  return proto;
}

class Rewriter {
 public:
  Rewriter(const tf::FrozenGraph& frozen, const tf::TypeHints& types,
           const std::vector<EngineNode>& engines)
      : frozen_(frozen),
        types_(types),
        engines_(engines),
        engine_of_(frozen.graph.nodes.size(), SIZE_MAX) {
    for (size_t e = 0; e < engines.size(); ++e) {
      for (size_t i : engines[e].segment.nodes) engine_of_[i] = e;
      for (size_t k = 0; k < engines[e].segment.outputs.size(); ++k) {
        moved_[engines[e].segment.outputs[k]] = output_tensor(e, k);
      }
    }
    for (size_t i = 0; i < frozen.graph.nodes.size(); ++i) {
      if (engine_of_[i] != SIZE_MAX) swallowed_[frozen.graph.nodes[i].name] = engine_of_[i];
    }
  }

  // What replaces a reference in a node that stays.
  std::string reference(const std::string& old) const {
    if (old.starts_with("^")) {
      const auto it = swallowed_.find(old.substr(1));
      return it == swallowed_.end() ? old : "^" + engines_[it->second].name;
    }
    const auto it = moved_.find(full_tensor_name(old));
    return it == moved_.end() ? old : it->second;
  }

  tf::GraphDef run() {
    tf::GraphDef graph;
    graph.library = frozen_.graph.library;
    graph.versions = frozen_.graph.versions;
    if (graph.versions.producer == 0) graph.versions.producer = kProducer;
    const std::set<std::string> used = constants_in_use();
    for (size_t i = 0; i < frozen_.graph.nodes.size(); ++i) {
      const NodeDef& node = frozen_.graph.nodes[i];
      if (engine_of_[i] != SIZE_MAX || (node.op == "Const" && !used.count(node.name))) continue;
      NodeDef copy = node;
      for (std::string& input : copy.inputs) input = reference(input);
      graph.nodes.push_back(std::move(copy));
    }
    for (size_t e = 0; e < engines_.size(); ++e) add_engine(e, &graph);
    add_init(&graph);
    return graph;
  }

 private:
  // Constants that a node outside of all engines reads, or that are outputs.
  std::set<std::string> constants_in_use() const {
    std::set<std::string> used;
    const auto use = [&used](const std::string& tensor) {
      std::string name = tensor.starts_with("^") ? tensor.substr(1) : tensor;
      used.insert(name.substr(0, name.rfind(':')));
    };
    for (size_t i = 0; i < frozen_.graph.nodes.size(); ++i) {
      if (engine_of_[i] != SIZE_MAX) continue;
      for (const std::string& input : frozen_.graph.nodes[i].inputs) use(input);
    }
    for (const tf::FrozenGraph::Port& port : frozen_.outputs) use(port.tensor);
    return used;
  }

  // Engine outputs of known shape go through EnsureShape: the op cannot tell TensorFlow its shapes.
  bool has_shape(size_t e, size_t k) const {
    const auto it = types_.find(engines_[e].segment.outputs[k]);
    return it != types_.end();
  }
  std::string output_tensor(size_t e, size_t k) const {
    if (has_shape(e, k)) return fmt::format("{}/shape_{}", engines_[e].name, k);
    return k == 0 ? engines_[e].name : fmt::format("{}:{}", engines_[e].name, k);
  }

  void add_engine(size_t e, tf::GraphDef* graph) const {
    const EngineNode& engine = engines_[e];
    NodeDef node;
    node.name = engine.name;
    node.op = "HoneEngineOp";
    ListAttr in_types, out_types, out_shapes;
    for (const std::string& tensor : engine.segment.inputs) {
      node.inputs.push_back(reference(tensor));
      in_types.type.push_back(tf::to_tf(types_.find(tensor)->second.dtype));
    }
    for (const std::string& tensor : engine.segment.outputs) {
      const TensorType& type = types_.find(tensor)->second;
      out_types.type.push_back(tf::to_tf(type.dtype));
      out_shapes.shape.push_back(shape_proto(type.shape));
    }
    std::set<std::string> control;
    for (size_t i : engine.segment.nodes) {
      for (const std::string& input : frozen_.graph.nodes[i].inputs) {
        if (input.starts_with("^") && swallowed_.find(input.substr(1)) == swallowed_.end())
          control.insert(input);
      }
    }
    node.inputs.insert(node.inputs.end(), control.begin(), control.end());
    node.attrs["InT"] = in_types;
    node.attrs["OutT"] = out_types;
    node.attrs["output_shapes"] = out_shapes;
    node.attrs["plan"] = "key:" + engine.plan_key;
    node.attrs["segment"] = engine.name;
    node.attrs["threads"] = int64_t{engine.threads};
    graph->nodes.push_back(node);
    for (size_t k = 0; k < engine.segment.outputs.size(); ++k) {
      if (!has_shape(e, k)) continue;
      NodeDef ensure;
      ensure.name = output_tensor(e, k);
      ensure.op = "EnsureShape";
      ensure.inputs = {k == 0 ? engine.name : fmt::format("{}:{}", engine.name, k)};
      ensure.attrs["T"] = out_types.type[k];
      ensure.attrs["shape"] = out_shapes.shape[k];
      graph->nodes.push_back(std::move(ensure));
    }
  }

  // Const (asset path) -> HoneInitEngine per plan, and one NoOp behind all of them.
  void add_init(tf::GraphDef* graph) const {
    NodeDef all;
    all.name = kInitNode;
    all.op = "NoOp";
    for (const EngineNode& engine : engines_) {
      NodeDef asset;
      asset.name = engine.name + "/asset";
      asset.op = "Const";
      asset.attrs["dtype"] = TfType::kString;
      asset.attrs["value"] = tf::TensorProto(Tensor::strings({}, {engine.asset}));
      NodeDef load;
      load.name = engine.name + "/init";
      load.op = "HoneInitEngine";
      load.inputs = {asset.name};
      load.attrs["key"] = engine.plan_key;
      load.attrs["threads"] = int64_t{engine.threads};
      all.inputs.push_back("^" + load.name);
      graph->nodes.push_back(std::move(asset));
      graph->nodes.push_back(std::move(load));
    }
    graph->nodes.push_back(std::move(all));
  }

  const tf::FrozenGraph& frozen_;
  const tf::TypeHints& types_;
  const std::vector<EngineNode>& engines_;
  std::vector<size_t> engine_of_;             // node index -> engine index
  std::map<std::string, std::string> moved_;  // old tensor -> new reference
  std::map<std::string, size_t> swallowed_;   // node name -> engine index
};

tf::TensorSpec spec_of(const tf::FrozenGraph::Port& port, const std::string& tensor) {
  tf::TensorSpec spec;
  spec.name = full_tensor_name(tensor);
  spec.dtype = port.dtype;
  spec.shape = port.shape;
  return spec;
}

}  // namespace

Result<std::string> write_converted_model(const tf::FrozenGraph& frozen, const tf::TypeHints& types,
                                          const std::vector<EngineNode>& engines,
                                          const std::string& signature,
                                          const std::vector<std::string>& tags) {
  Rewriter rewriter(frozen, types, engines);
  tf::MetaGraph meta;
  meta.tags = tags;
  meta.graph = rewriter.run();
  tf::SignatureDef definition;
  definition.method_name = "tensorflow/serving/predict";
  for (const auto& port : frozen.inputs) definition.inputs[port.key] = spec_of(port, port.tensor);
  for (const auto& port : frozen.outputs) {
    definition.outputs[port.key] = spec_of(port, rewriter.reference(port.tensor));
  }
  meta.signatures[signature] = std::move(definition);
  for (const EngineNode& engine : engines)
    meta.assets.push_back({engine.name + "/asset:0", engine.asset});
  meta.collections["saved_model_main_op"] = tf::node_list_collection({kInitNode});
  return tf::serialize_saved_model(meta);
}

}  // namespace hone::tensorflow
