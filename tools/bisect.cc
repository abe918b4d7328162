#include "bisect.h"

#include <algorithm>
#include <numeric>
#include <optional>

#include "inputs.h"
#include "passes/edit.h"
#include "runtime/engine_impl.h"

namespace hone::tools {
namespace {

// What the model calls the tensor. Values that lie in another order of axes than the source's have
// no source name, but keep their name where that is free.
std::string name_in_model(std::string_view name, std::string_view source) {
  return std::string(source.empty() ? name : source);
}

// Channels moved from the second axis to the last, and back: the orders that importers make.
std::vector<std::vector<int64_t>> likely_orders(size_t rank) {
  std::vector<int64_t> same(rank), last(rank), second(rank);
  std::iota(same.begin(), same.end(), 0);
  std::vector<std::vector<int64_t>> orders = {same};
  if (rank < 3) return orders;
  last = same;
  std::rotate(last.begin() + 1, last.begin() + 2, last.end());
  orders.push_back(last);
  second = same;
  std::rotate(second.begin() + 1, second.end() - 1, second.end());
  orders.push_back(second);
  return orders;
}

std::optional<OutputError> smallest_error(const Tensor& expected, const Tensor& actual) {
  std::optional<OutputError> best;
  if (expected.rank() != actual.rank()) return best;
  for (const auto& order : likely_orders(static_cast<size_t>(expected.rank()))) {
    const auto turned = transposed(expected, order);
    if (!turned.ok()) continue;
    const auto error = output_error(*turned, actual);
    if (error.ok() && (!best || error->max_relative < best->max_relative)) best = *error;
  }
  return best;
}

}  // namespace

std::set<std::string> tensors_inside(const Engine& engine) {
  std::set<std::string> names;
  const Portable& portable = engine.impl()->plan->data.portable;
  for (const PlanStep& step : portable.steps) {
    for (int v : step.outputs) {
      names.insert(name_in_model(portable.values[v].name, portable.values[v].source));
    }
  }
  return names;
}

Result<std::vector<LayerError>> layer_errors(const Engine& engine,
                                             const std::vector<Tensor>& inputs,
                                             const Truth& truth) {
  std::vector<LayerError> layers;
  const auto listener = [&](const DebugTensor& shown) -> Status {
    const auto expected = truth.taps.find(name_in_model(shown.name, shown.source));
    if (expected == truth.taps.end()) return ok();
    HONE_ASSIGN_OR_RETURN(
        const Tensor actual,
        Tensor::copy_of(
            shown.view.dtype, shown.view.shape, shown.view.data,
            static_cast<size_t>(checked_num_bytes(shown.view.dtype, shown.view.shape).value())));
    const auto error = smallest_error(expected->second, actual);
    if (!error) return ok();  // split, merged or flattened on the way: nothing to compare
    layers.push_back({std::string(shown.step), std::string(shown.op), std::string(shown.tactic),
                      expected->first, *error});
    return ok();
  };
  ExecutionContext context = engine.create_context();
  HONE_RETURN_IF_ERROR(context.debug(views_of(inputs), listener));
  return layers;
}

}  // namespace hone::tools
