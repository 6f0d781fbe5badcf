#include "check_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <unordered_set>
#include <vector>

#include "qconvert/base/error.h"
#include "qconvert/ir/bias_length.h"
#include "qconvert/ir/scope.h"
#include "qconvert/ir/topology.h"
#include "qconvert/targets/weight_slots.h"

namespace qconvert {
namespace {

class WeightChecker {
 public:
  explicit WeightChecker(const std::string& place) : place_(place) {}

  void Check(const Scope& scope) {
    const Topology topology(scope.graph());
    for (const Node& node : scope.graph().nodes) {
      if (TakesConstants(node, topology)) CheckInputs(node, scope);
      ForEachBody(node, scope.way(), [&](const Graph& body, const std::string& way) {
        Check(Scope(scope, body, way));
      });
    }
  }

 private:
  static bool TakesConstants(const Node& node, const Topology& topology) {
    const bool adds = node.Is("Add") && node.inputs.size() == 2;
    return node.Is("BatchNormalization") || (!WeightsOf(node).empty() && !node.Is("Gather")) ||
           (adds && std::any_of(node.inputs.begin(), node.inputs.end(), [&](const auto& input) {
              const Node* producer = topology.Producer(input);
              return producer != nullptr && producer->Is("MatMul");
            }));
  }

  void CheckInputs(const Node& node, const Scope& scope) {
    for (size_t slot = 0; slot < node.inputs.size(); ++slot) {
      const std::string& input = node.inputs[slot];
      const Tensor* tensor = scope.FindInitializer(input);
      if (tensor == nullptr || tensor->type != DataType::kFloat) continue;
      // What is added to a product has its own shape: only a vector is a bias, others may be masks.
      if (node.Is("Add") && tensor->dims.size() > 1) continue;
      // Nodes may share a tensor: it is read once.
      if (!checked_.insert(tensor->bytes.get()).second) continue;
      const auto values = tensor->values<float>();
      const auto bad =
          std::count_if(values.begin(), values.end(), [](float v) { return !std::isfinite(v); });
      if (bad == 0) continue;
      throw Error(ExitCode::kNumeric, place_,
                  fmt::format("{} of {} values of {} \"{}\" are NaN or infinite (node \"{}\")", bad,
                              values.size(), node.Is("Add") || slot > 1 ? "bias" : "weight", input,
                              node.name));
    }
  }

  const std::string& place_;
  std::unordered_set<const std::string*> checked_;
};

std::optional<std::vector<int64_t>> DimsOf(const Scope& scope, const std::string& value) {
  const std::optional<ValueType> type = scope.FindType(value);
  if (!type || !type->shape) return std::nullopt;
  std::vector<int64_t> dims;
  for (const Dim& dim : *type->shape) {
    if (!dim.known()) return std::nullopt;
    dims.push_back(dim.value);
  }
  return dims;
}

void CheckBiases(const Scope& scope, const std::string& place) {
  for (const Node& node : scope.graph().nodes) {
    const std::string why =
        WhyWrongBias(node, [&](const std::string& value) { return DimsOf(scope, value); });
    if (!why.empty())
      throw Error(ExitCode::kModel, place, fmt::format("node \"{}\" {}", LabelOf(node), why));
    ForEachBody(node, scope.way(), [&](const Graph& body, const std::string& way) {
      CheckBiases(Scope(scope, body, way), place);
    });
  }
}

}  // namespace

void CheckBiasLengths(const Graph& graph, const std::string& place) {
  CheckBiases(Scope(graph), place);
}

void CheckWeightsFinite(const Graph& graph, const std::string& place) {
  WeightChecker(place).Check(Scope(graph));
}

}  // namespace qconvert
