#include "qconvert/plan/is_learned.h"

#include <algorithm>

namespace qconvert {
namespace {

bool HasSteps(const ConstantCodes& weight) { return !weight.steps.empty(); }

}  // namespace

bool IsLearned(const QuantizationPlan& plan) {
  const auto in_integer = [](const auto& node) {
    return node.second.weight && HasSteps(*node.second.weight);
  };
  const auto in_dynamic = [](const auto& node) {
    return std::any_of(node.second.weights.begin(), node.second.weights.end(), HasSteps);
  };
  const auto in_stored = [](const auto& weight) { return !weight.second.steps.empty(); };
  const auto in_range = [](const auto& value) { return value.second.method == "learned"; };
  const auto in_body = [](const auto& body) { return IsLearned(body.second); };
  return std::any_of(plan.integer_nodes.begin(), plan.integer_nodes.end(), in_integer) ||
         std::any_of(plan.dynamic_nodes.begin(), plan.dynamic_nodes.end(), in_dynamic) ||
         std::any_of(plan.stored.begin(), plan.stored.end(), in_stored) ||
         std::any_of(plan.values.begin(), plan.values.end(), in_range) ||
         std::any_of(plan.bodies.begin(), plan.bodies.end(), in_body);
}

}  // namespace qconvert
