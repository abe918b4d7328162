#include "tensorflow/segmenter.h"

#include <algorithm>
#include <set>
#include <unordered_map>

namespace hone::tensorflow {
namespace {

// The graph of clusters: at first one per node, then contracted edge by edge.
class Clusters {
 public:
  Clusters(const tf::FrozenGraph& frozen, const tf::Analysis& analysis)
      : nodes_(frozen.graph.nodes),
        leader_(nodes_.size()),
        candidate_(nodes_.size()),
        out_(nodes_.size()),
        in_(nodes_.size()) {
    for (size_t i = 0; i < nodes_.size(); ++i) {
      leader_[i] = i;
      candidate_[i] = analysis.verdicts[i].importable;
      index_[nodes_[i].name] = i;
    }
    for (size_t i = 0; i < nodes_.size(); ++i) {
      for (const std::string& reference : nodes_[i].inputs) {
        const size_t producer = producer_of(reference);
        if (producer == SIZE_MAX || nodes_[producer].op == "Const" || producer == i) continue;
        out_[producer].insert(i);
        in_[i].insert(producer);
      }
    }
  }

  // From the last node to the first, absorb the successors of each as far as possible.
  void grow() {
    for (size_t i = nodes_.size(); i-- > 0;) {
      if (!candidate_[i]) continue;
      while (absorb_successor(find(i))) {
      }
    }
  }

  size_t find(size_t i) {
    while (leader_[i] != i) i = leader_[i] = leader_[leader_[i]];
    return i;
  }
  bool candidate(size_t i) const { return candidate_[i]; }
  size_t producer_of(const std::string& reference) const {
    std::string name = reference.starts_with("^") ? reference.substr(1) : reference;
    name = name.substr(0, name.rfind(':'));
    const auto it = index_.find(name);
    return it == index_.end() ? SIZE_MAX : it->second;
  }

 private:
  bool absorb_successor(size_t cluster) {
    for (size_t next : std::set<size_t>(out_[cluster])) {
      if (candidate_[next] && !other_path(cluster, next)) {
        contract(cluster, next);
        return true;
      }
    }
    return false;
  }

  // Is there a way from `from` to `to` besides the direct edges? Then contracting them would make a
  // cycle.
  bool other_path(size_t from, size_t to) {
    std::vector<size_t> stack;
    std::set<size_t> seen;
    for (size_t producer : in_[to]) {
      if (producer != from && seen.insert(producer).second) stack.push_back(producer);
    }
    while (!stack.empty()) {
      const size_t at = stack.back();
      stack.pop_back();
      if (at == from) return true;
      for (size_t producer : in_[at]) {
        if (seen.insert(producer).second) stack.push_back(producer);
      }
    }
    return false;
  }

  void contract(size_t into, size_t other) {
    leader_[other] = into;
    const auto move_edges = [&](std::vector<std::set<size_t>>& forward,
                                std::vector<std::set<size_t>>& backward) {
      for (size_t neighbour : forward[other]) {
        backward[neighbour].erase(other);
        if (neighbour == into) continue;
        backward[neighbour].insert(into);
        forward[into].insert(neighbour);
      }
      forward[other].clear();
      forward[into].erase(other);
    };
    move_edges(out_, in_);
    move_edges(in_, out_);
    out_[into].erase(into);
    in_[into].erase(into);
  }

  const std::vector<tf::NodeDef>& nodes_;
  std::vector<size_t> leader_;
  std::vector<bool> candidate_;
  std::vector<std::set<size_t>> out_, in_;  // of leaders
  std::unordered_map<std::string, size_t> index_;
};

int effective_size(const std::vector<tf::NodeDef>& nodes, const std::vector<size_t>& members) {
  int size = 0;
  for (size_t i : members) size += !is_free_op(nodes[i].op);
  return size;
}

// Tensors that cross the border of the segment.
void find_borders(const tf::FrozenGraph& frozen, Clusters& clusters,
                  const std::vector<bool>& inside, tf::Segment* segment) {
  const auto& nodes = frozen.graph.nodes;
  std::set<std::string> inputs, outputs;
  const auto produced_inside = [&](const std::string& reference) {
    const size_t producer = clusters.producer_of(reference);
    return producer != SIZE_MAX && inside[producer];
  };
  for (size_t i = 0; i < nodes.size(); ++i) {
    for (const std::string& reference : nodes[i].inputs) {
      if (reference.starts_with("^")) continue;
      const std::string tensor = full_tensor_name(reference);
      if (inside[i] && !produced_inside(reference)) {
        const size_t producer = clusters.producer_of(reference);
        const bool constant = producer != SIZE_MAX && nodes[producer].op == "Const";
        if (!constant && inputs.insert(tensor).second) segment->inputs.push_back(tensor);
      } else if (!inside[i] && produced_inside(reference) && outputs.insert(tensor).second) {
        segment->outputs.push_back(tensor);
      }
    }
  }
  for (const tf::FrozenGraph::Port& port : frozen.outputs) {
    const std::string tensor = full_tensor_name(port.tensor);
    if (produced_inside(tensor) && outputs.insert(tensor).second)
      segment->outputs.push_back(tensor);
  }
}

}  // namespace

bool is_free_op(const std::string& op) {
  static const std::set<std::string> kFree = {"Const",        "Identity",       "IdentityN",
                                              "NoOp",         "Placeholder",    "Snapshot",
                                              "StopGradient", "PreventGradient"};
  return kFree.count(op) > 0;
}

std::string full_tensor_name(const std::string& reference) {
  return reference.find(':') == std::string::npos ? reference + ":0" : reference;
}

std::vector<tf::Segment> find_segments(const tf::FrozenGraph& frozen, const tf::Analysis& analysis,
                                       const SegmentOptions& options,
                                       std::vector<size_t>* too_small) {
  const auto& nodes = frozen.graph.nodes;
  Clusters clusters(frozen, analysis);
  clusters.grow();
  std::vector<std::vector<size_t>> groups(nodes.size());
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (clusters.candidate(i)) groups[clusters.find(i)].push_back(i);
  }
  std::vector<tf::Segment> segments;
  const auto drop = [too_small](const std::vector<size_t>& members) {
    if (too_small) too_small->insert(too_small->end(), members.begin(), members.end());
  };
  for (const std::vector<size_t>& members : groups) {
    if (members.empty()) continue;
    tf::Segment segment;
    segment.nodes = members;
    std::vector<bool> inside(nodes.size(), false);
    for (size_t i : members) inside[i] = true;
    find_borders(frozen, clusters, inside, &segment);
    if (effective_size(nodes, members) < std::max(options.minimum_size, 1) ||
        segment.inputs.empty() || segment.outputs.empty()) {
      drop(members);
      continue;
    }
    segments.push_back(std::move(segment));
  }
  std::stable_sort(segments.begin(), segments.end(),
                   [&nodes](const tf::Segment& a, const tf::Segment& b) {
                     return effective_size(nodes, a.nodes) > effective_size(nodes, b.nodes);
                   });
  if (options.maximum_engines > 0 &&
      segments.size() > static_cast<size_t>(options.maximum_engines)) {
    for (size_t i = static_cast<size_t>(options.maximum_engines); i < segments.size(); ++i)
      drop(segments[i].nodes);
    segments.resize(static_cast<size_t>(options.maximum_engines));
  }
  return segments;
}

}  // namespace hone::tensorflow
