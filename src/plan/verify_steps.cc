#include <fmt/format.h>

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
  StepChecker(const Portable& portable, const std::set<std::string>& symbols)
      : portable_(portable),
        symbols_(symbols),
        equalities_(portable.must_be_equal),
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
    for (size_t i = 0; i < step.outputs.size(); ++i) {
      // A dimension that inference does not know is a symbol that no declared type can have, so it
      // is an error here: sizes that are known only while running cannot be in a plan.
      const TensorType& declared = portable_.values[step.outputs[i]].type;
      if (declared == context.outputs[i]) continue;
      return wrong(fmt::format("output {} has the type {}, but should have {}", i,
                               type_text(declared), type_text(context.outputs[i])));
    }
    HONE_RETURN_IF_ERROR(check_equalities());
    if (!step.epilogue.empty()) return ok();  // it changes the elements
    for (size_t i = 0; i < step.outputs.size() && i < context.output_values.size(); ++i) {
      values_of_[step.outputs[i]] = std::move(context.output_values[i]);
    }
    return ok();
  }

  // A hostile plan might name a symbol of an input as the next fresh one.
  Status check_fresh(int first) const {
    SymbolScope scope;
    scope.next = first;
    while (scope.next < scope_.next) {
      const Dim symbol = scope.fresh();
      if (symbols_.contains(symbol.symbol_name())) {
        return wrong(fmt::format("an input uses the reserved name '{}'", symbol.symbol_name()));
      }
    }
    return ok();
  }

  // What the step relies on must be among what binding checks: else a plan that leaves a check out
  // would make a kernel read beyond its tensors.
  Status check_equalities() {
    for (const auto& [a, b] : scope_.must_be_equal) {
      if (equalities_.implied(a, b)) continue;
      return wrong(fmt::format("it needs {} = {}, which is not among the plan's shape checks",
                               a.text(), b.text()));
    }
    return ok();
  }

  const Portable& portable_;
  const std::set<std::string>& symbols_;
  Equalities equalities_;
  SymbolScope scope_;
  int group_ = 0;
  std::vector<int> group_of_;         // of the step that computes a value
  std::vector<DimValues> values_of_;  // known elements of small integer values
};

}  // namespace

Status check_steps(const Portable& portable, const std::set<std::string>& symbols) {
  return StepChecker(portable, symbols).run();
}

}  // namespace hone::plan_checks
