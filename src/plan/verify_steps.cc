#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text.h"
#include "plan/equalities.h"
#include "plan/verify.h"

namespace hone::plan_checks {
namespace {

// Fresh symbols get numbers from here on: no graph makes so many that one of its own, given to an
// input of unknown size, is among them.
constexpr int kFirstFresh = 1 << 24;

// Walks the steps in order and infers everything anew.
class StepChecker {
 public:
  StepChecker(const Portable& portable, std::set<std::string>* symbols)
      : portable_(portable),
        symbols_(*symbols),
        equalities_(known_pairs()),
        group_of_(portable.values.size(), kNever),
        values_of_(portable.values.size()) {
    for (size_t i = 0; i < portable.values.size(); ++i) {
      if (portable.values[i].kind != ValueKind::kComputed) group_of_[i] = kFromStart;
    }
    scope_.next = kFirstFresh;
  }

  Status run() {
    for (size_t i = 0; i < portable_.steps.size(); ++i) {
      if (Status status = check(portable_.steps[i]); !status.ok()) {
        return std::move(status).at(step_place(portable_, i));
      }
    }
    for (size_t i = 0; i < group_of_.size(); ++i) {
      if (group_of_[i] != kNever) continue;
      return wrong(
          fmt::format("no step computes value {} '{}'", i, printable(portable_.values[i].name)));
    }
    return ok();
  }

 private:
  static constexpr int kNever = -2, kFromStart = -1;
  using Pairs = std::vector<std::pair<Dim, Dim>>;

  Status check(const PlanStep& step) {
    HONE_RETURN_IF_ERROR(check_texts(step));
    if (step.group < 0 || step.group < group_) return wrong("the groups do not ascend");
    group_ = step.group;
    HONE_RETURN_IF_ERROR(check_inputs(step));
    HONE_RETURN_IF_ERROR(check_arity(step));
    HONE_RETURN_IF_ERROR(check_outputs(step));
    return check_types(step);
  }

  Status check_texts(const PlanStep& step) const {
    HONE_RETURN_IF_ERROR(check_name(step.name, "its name"));
    if (step.sources.size() > kMaxListed) return wrong("too many source nodes");
    for (const std::string& source : step.sources) {
      HONE_RETURN_IF_ERROR(check_name(source, "the name of a source node"));
    }
    if (step.device == "cpu") return ok();
    return wrong(fmt::format("there is no device '{}'", printable(step.device, 60)));
  }

  Status check_index(int index) const {
    if (index >= 0 && static_cast<size_t>(index) < portable_.values.size()) return ok();
    return wrong(fmt::format("there is no value {}", index));
  }

  // Steps of one group may run side by side, so inputs come from groups before.
  Status check_inputs(const PlanStep& step) const {
    if (step.inputs.size() > kMaxListed) return wrong("too many inputs");
    for (int index : step.inputs) {
      HONE_RETURN_IF_ERROR(check_index(index));
      if (group_of_[index] == kNever || group_of_[index] >= step.group) {
        return wrong(fmt::format("it reads value {} '{}', which is not computed before", index,
                                 printable(portable_.values[index].name)));
      }
    }
    return ok();
  }

  Status check_arity(const PlanStep& step) const {
    if (!step.op) return wrong("it has no operator");
    if (!step.attributes.same_type(step.op->defaults)) {
      return wrong("it has the attributes of another operator");
    }
    const Program& epilogue = step.epilogue;
    if (epilogue.empty() &&
        (epilogue.num_inputs < 0 || epilogue.num_inputs > 1 || !epilogue.constants.empty())) {
      return wrong("its epilogue has inputs or constants, but no instructions");
    }
    if (Status status = epilogue.verify(); !status.ok()) return wrong(status.message());
    if (!epilogue.empty() && epilogue.num_inputs < 1) return wrong("its epilogue has no input");
    const int extra = epilogue.num_inputs > 1 ? epilogue.num_inputs - 1 : 0;
    const int root = static_cast<int>(step.inputs.size()) - extra;
    if (root < step.op->min_inputs || (step.op->max_inputs >= 0 && root > step.op->max_inputs)) {
      return wrong(fmt::format("operator {} has {} inputs, {} of them for the epilogue",
                               step.op->name, step.inputs.size(), extra));
    }
    const int outputs = step.op->num_outputs;
    if (step.outputs.empty() ||
        (outputs >= 0 && step.outputs.size() != static_cast<size_t>(outputs))) {
      return wrong(fmt::format("operator {} has {} outputs", step.op->name, step.outputs.size()));
    }
    return ok();
  }

  Status check_outputs(const PlanStep& step) {
    for (int index : step.outputs) {
      HONE_RETURN_IF_ERROR(check_index(index));
      if (group_of_[index] != kNever) {
        return wrong(fmt::format("it writes value {} '{}', which has its bytes from elsewhere",
                                 index, printable(portable_.values[index].name)));
      }
      group_of_[index] = step.group;
    }
    return ok();
  }

  Status check_types(const PlanStep& step) {
    InferContext context;
    context.attributes = &step.attributes;
    context.symbols = &scope_;
    context.inputs.reserve(step.inputs.size());
    for (int index : step.inputs) {
      const PlanValue& value = portable_.values[index];
      context.inputs.push_back(
          {value.type, value.has_data ? &value.constant : nullptr, values_of_[index]});
    }
    scope_.must_be_equal.clear();
    const int first_fresh = scope_.next;
    if (Status status = infer_types(*step.op, step.epilogue, context); !status.ok()) {
      return wrong(status.message());
    }
    HONE_RETURN_IF_ERROR(check_fresh(first_fresh));
    if (context.outputs.size() != step.outputs.size()) {
      return wrong(fmt::format("operator {} gives {} outputs, not {}", step.op->name,
                               context.outputs.size(), step.outputs.size()));
    }
    const std::set<std::string> fresh = fresh_names(first_fresh);
    // What the step relies on is checked before it runs, unless it is about its own result.
    Pairs later = take_pairs_with(fresh);
    HONE_RETURN_IF_ERROR(check_equalities(scope_.must_be_equal));
    if (!fresh.empty()) HONE_RETURN_IF_ERROR(name_fresh(step, fresh, &context, &later));
    HONE_RETURN_IF_ERROR(check_equalities(later));
    for (size_t i = 0; i < step.outputs.size(); ++i) {
      // A dimension that inference does not know and that has got no name is a symbol that no
      // declared type can have, so it is an error here.
      const TensorType& declared = portable_.values[step.outputs[i]].type;
      if (declared == context.outputs[i]) continue;
      return wrong(fmt::format("output {} has the type {}, but should have {}", i,
                               type_text(declared), type_text(context.outputs[i])));
    }
    if (!step.epilogue.empty()) return ok();  // it changes the elements
    for (size_t i = 0; i < step.outputs.size() && i < context.output_values.size(); ++i) {
      values_of_[step.outputs[i]] = std::move(context.output_values[i]);
    }
    return ok();
  }

  // Sizes that are known only when the step has run: where inference has a fresh symbol and the
  // plan a new symbol, the latter gets its value there. It takes the place of the fresh one.
  Status name_fresh(const PlanStep& step, const std::set<std::string>& fresh, InferContext* context,
                    Pairs* pairs) {
    std::map<std::string, Dim> names;
    std::set<std::string> added;
    for (size_t i = 0; i < step.outputs.size(); ++i) {
      const Shape& declared = portable_.values[step.outputs[i]].type.shape;
      const Shape& inferred = context->outputs[i].shape;
      for (size_t d = 0; d < inferred.size() && inferred.size() == declared.size(); ++d) {
        if (!inferred[d].is_symbol() || !declared[d].is_symbol()) continue;
        const std::string& name = declared[d].symbol_name();
        if (!fresh.contains(inferred[d].symbol_name()) || symbols_.contains(name)) continue;
        if (names.contains(inferred[d].symbol_name()) || !added.insert(name).second) continue;
        names.emplace(inferred[d].symbol_name(), declared[d]);
      }
    }
    if (names.empty()) return ok();
    if (++stages_ > kMaxStages) return wrong("too many steps have results of unknown size");
    symbols_.insert(added.begin(), added.end());
    for (TensorType& type : context->outputs) type.shape = substitute(type.shape, names);
    for (DimValues& values : context->output_values) {
      if (values) *values = substitute(*values, names);
    }
    for (auto& [a, b] : *pairs) {
      a = a.substitute(names);
      b = b.substitute(names);
    }
    equalities_ = Equalities(known_pairs());
    return ok();
  }

  // Names of the symbols that the last inference made.
  std::set<std::string> fresh_names(int first) const {
    std::set<std::string> names;
    SymbolScope scope;
    scope.next = first;
    while (scope.next < scope_.next) names.insert(scope.fresh().symbol_name());
    return names;
  }

  Pairs take_pairs_with(const std::set<std::string>& symbols) {
    Pairs taken;
    if (symbols.empty()) return taken;
    std::erase_if(scope_.must_be_equal, [&](const std::pair<Dim, Dim>& pair) {
      std::set<std::string> used;
      collect_symbols({pair.first, pair.second}, &used);
      const bool take = std::any_of(used.begin(), used.end(), [&](const std::string& name) {
        return symbols.contains(name);
      });
      if (take) taken.push_back(pair);
      return take;
    });
    return taken;
  }

  // The checks that a run has made before it comes to the present step, and those that it makes
  // right behind it: with symbols that have values by then.
  Pairs known_pairs() const {
    Pairs pairs;
    for (const auto& pair : portable_.must_be_equal) {
      std::set<std::string> used;
      collect_symbols({pair.first, pair.second}, &used);
      if (std::includes(symbols_.begin(), symbols_.end(), used.begin(), used.end())) {
        pairs.push_back(pair);
      }
    }
    return pairs;
  }

  // A hostile plan might name a symbol of an input as the next fresh one.
  Status check_fresh(int first) const {
    for (const std::string& name : fresh_names(first)) {
      if (!symbols_.contains(name)) continue;
      return wrong(fmt::format("an input or a step uses the reserved name '{}'", name));
    }
    return ok();
  }

  // What the step relies on must be among what binding checks: else a plan that leaves a check out
  // would make a kernel read beyond its tensors.
  Status check_equalities(const Pairs& pairs) {
    for (const auto& [a, b] : pairs) {
      if (equalities_.implied(a, b)) continue;
      return wrong(fmt::format("it needs {} = {}, which is not among the plan's shape checks",
                               a.text(), b.text()));
    }
    return ok();
  }

  const Portable& portable_;
  std::set<std::string>& symbols_;  // that have values when the present step has run
  Equalities equalities_;
  int stages_ = 1;
  SymbolScope scope_;
  int group_ = 0;
  std::vector<int> group_of_;         // of the step that computes a value
  std::vector<DimValues> values_of_;  // known elements of small integer values
};

}  // namespace

Status check_steps(const Portable& portable, std::set<std::string>* symbols) {
  return StepChecker(portable, symbols).run();
}

}  // namespace hone::plan_checks
