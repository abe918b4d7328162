#include <fmt/format.h>

#include "base/text.h"
#include "graph/text.h"

namespace hone {
namespace {

// Pairs the values and nodes of two graphs. The first difference is kept in `why`.
class Comparer {
 public:
  Comparer(const Graph& a, const Graph& b, bool exact) : a_(a), b_(b), exact_(exact) {}

  bool equal() {
    if (exact_ && a_.name != b_.name) return differ("the graphs have different names");
    if (!pair_lists(a_.inputs(), b_.inputs(), "graph inputs")) return false;
    return exact_ ? equal_in_order() : equal_from_outputs();
  }
  const std::string& why() const { return why_; }

 private:
  bool differ(std::string why) {
    if (why_.empty()) why_ = std::move(why);
    return false;
  }
  bool differ(const Value* value, std::string_view what) {
    return differ(fmt::format("value '{}': {}", printable(value->name()), what));
  }
  bool differ(const Node* node, std::string_view what) {
    return differ(
        fmt::format("node '{}' ({}): {}", printable(node->name()), node->op().name, what));
  }

  template <class ListA, class ListB>
  bool pair_lists(const ListA& a, const ListB& b, const char* what) {
    if (a.size() != b.size()) {
      return differ(fmt::format("{} {} against {}", a.size(), what, b.size()));
    }
    auto it = b.begin();
    for (Value* value : a) {
      if (!pair(value, *it++)) return false;
    }
    return true;
  }

  // Two values met in the same place.
  bool pair(const Value* a, const Value* b) {
    if (!a || !b) return a == b || differ(a ? a : b, "absent in one graph");
    auto [entry, fresh] = pairs_.emplace(a, b);
    auto [back, back_fresh] = back_pairs_.emplace(b, a);
    if (entry->second != b || back->second != a) return differ(a, "used in different places");
    if (!fresh) return true;
    if (!equal_types(a->type(), b->type())) {
      return differ(a,
                    fmt::format("type {} against {}", type_text(a->type()), type_text(b->type())));
    }
    if (exact_ && a->name() != b->name()) return differ(a, "name against '" + b->name() + "'");
    if (exact_ && a->source() != b->source()) {
      return differ(a, fmt::format("source '{}' against '{}'", a->source(), b->source()));
    }
    if (a->is_constant() != b->is_constant() || a->is_graph_input() != b->is_graph_input() ||
        !a->producer() != !b->producer() || a->output_index() != b->output_index()) {
      return differ(a, "made in different ways");
    }
    if (a->is_constant() && !(*a->constant() == *b->constant())) {
      return differ(
          a, fmt::format("elements {} against {}", a->constant()->text(), b->constant()->text()));
    }
    if (a->producer()) to_do_.push_back({a->producer(), b->producer()});
    return true;
  }

  bool equal_types(const TensorType& a, const TensorType& b) {
    if (exact_ || a == b) return a == b;
    if (a.dtype != b.dtype || a.shape.size() != b.shape.size()) return false;
    for (size_t i = 0; i < a.shape.size(); ++i) {
      if (a.shape[i] == b.shape[i]) continue;
      if (!a.shape[i].is_symbol() || !b.shape[i].is_symbol()) return false;
      auto [entry, fresh] = symbols_.emplace(a.shape[i].symbol_name(), b.shape[i].symbol_name());
      if (entry->second != b.shape[i].symbol_name()) return false;
    }
    return true;
  }

  bool equal_nodes(const Node* a, const Node* b) {
    if (&a->op() != &b->op()) return differ(a, std::string("operator against ") + b->op().name);
    if (!(a->attributes() == b->attributes())) {
      return differ(a, fmt::format("attributes {} against {}", attributes_text(a->attributes()),
                                   attributes_text(b->attributes())));
    }
    if (!(a->epilogue() == b->epilogue())) {
      return differ(
          a, fmt::format("epilogue {} against {}", a->epilogue().text(), b->epilogue().text()));
    }
    if (exact_ && a->name() != b->name()) return differ(a, "name against '" + b->name() + "'");
    if (exact_ && a->sources() != b->sources()) return differ(a, "different sources");
    return pair_lists(a->inputs(), b->inputs(), "inputs") || differ(a, why_);
  }

  bool equal_in_order() {
    if (!pair_lists(a_.constants(), b_.constants(), "constants")) return false;
    const std::vector<Node*> a = a_.nodes(), b = b_.nodes();
    if (a.size() != b.size()) {
      return differ(fmt::format("{} nodes against {}", a.size(), b.size()));
    }
    for (size_t i = 0; i < a.size(); ++i) {
      if (!equal_nodes(a[i], b[i])) return false;
      if (!pair_lists(a[i]->outputs(), b[i]->outputs(), "outputs")) return false;
    }
    if (!pair_lists(a_.outputs(), b_.outputs(), "graph outputs")) return false;
    if (a_.output_names() != b_.output_names()) return differ("graph outputs have different names");
    if (a_.symbols().next != b_.symbols().next ||
        a_.symbols().must_be_equal != b_.symbols().must_be_equal) {
      return differ("symbols or run-time checks differ");
    }
    return true;
  }

  bool equal_from_outputs() {
    if (!pair_lists(a_.outputs(), b_.outputs(), "graph outputs")) return false;
    if (a_.output_names() != b_.output_names()) return differ("graph outputs have different names");
    std::unordered_map<const Node*, const Node*> done;
    while (!to_do_.empty()) {
      auto [a, b] = to_do_.back();
      to_do_.pop_back();
      auto [entry, fresh] = done.emplace(a, b);
      if (entry->second != b) return differ(a, "used in different places");
      if (fresh && !equal_nodes(a, b)) return false;
    }
    return true;
  }

  const Graph& a_;
  const Graph& b_;
  const bool exact_;
  std::unordered_map<const Value*, const Value*> pairs_, back_pairs_;
  std::unordered_map<std::string, std::string> symbols_;
  std::vector<std::pair<const Node*, const Node*>> to_do_;
  std::string why_;
};

bool compare(const Graph& a, const Graph& b, bool exact, std::string* why) {
  Comparer comparer(a, b, exact);
  const bool equal = comparer.equal();
  if (why) *why = comparer.why();
  return equal;
}

}  // namespace

bool graphs_equal(const Graph& a, const Graph& b, std::string* why) {
  return compare(a, b, true, why);
}

bool same_structure(const Graph& a, const Graph& b, std::string* why) {
  return compare(a, b, false, why);
}

}  // namespace hone
