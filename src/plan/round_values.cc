#include "qconvert/plan/round_values.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "qconvert/plan/safe_plan.h"
#include "qconvert/targets/op_rules.h"
#include "qconvert/targets/weight_slots.h"

namespace qconvert {
namespace {

// From here on they round to infinity: half way from the largest number to the next power of two.
constexpr float kFloat16Overflow = 65520.0F;
constexpr float kBfloat16Overflow = 0x1.FFp127F;

std::optional<DataType> HalfTypeOf(const TensorSettings& settings) {
  if (settings.datatype == Datatype::kFloat16) return DataType::kFloat16;
  if (settings.datatype == Datatype::kBfloat16) return DataType::kBfloat16;
  return std::nullopt;
}

bool Overflows(float value, DataType type) {
  return std::fabs(value) >= (type == DataType::kFloat16 ? kFloat16Overflow : kBfloat16Overflow);
}

// Smaller numbers than the least normal one lose bits, down to zero: bfloat16 holds what float32
// does.
constexpr float kFloat16Normal = 0x1p-14F;

bool Underflows(float largest, DataType type) {
  return type == DataType::kFloat16 && largest > 0 && largest < kFloat16Normal;
}

// True when the node only moves values that are all of `type`: rounding them again does nothing.
bool MovesRounded(const Graph& graph, const Node& node, DataType type, const RoundedFloats& found) {
  const OpRule& rule = FindOpRule(node);
  const bool moves =
      (rule.kind == OpKind::kMovement && WhyFloat(graph, node).empty()) || node.Is("Concat");
  const auto count = static_cast<std::ptrdiff_t>(std::min(rule.value_inputs, node.inputs.size()));
  return moves && std::all_of(node.inputs.begin(), node.inputs.begin() + count,
                              [&](const std::string& input) {
                                const auto it = found.types.find(input);
                                return it != found.types.end() && it->second == type;
                              });
}

// Whether numbers of this type stand for all that calibration saw of `value`.
bool Fits(const std::string& value, DataType type, const CalibrationTable& table) {
  const auto seen = table.values.find(value);
  // Of no known range: bfloat16 reaches as far as float32.
  if (seen == table.values.end()) return type == DataType::kBfloat16;
  const float largest = std::max(std::fabs(seen->second.min), std::fabs(seen->second.max));
  return !Overflows(largest, type) && !Underflows(largest, type);
}

void Add(const std::string& value, DataType type, const CalibrationTable& table,
         RoundedFloats& out) {
  if (Fits(value, type, table)) {
    out.types.emplace(value, type);
  } else {
    out.too_large.insert(value);
  }
}

bool IsFloatNode(const NodePlacement& node) { return node.domain == NodeDomain::kFloat; }

// The weights and the bias of a node, each with its settings.
std::map<std::string, const TensorSettings*> ConstantsOf(const Graph& graph, const Node& node,
                                                         const NodeSettings& settings) {
  std::map<std::string, const TensorSettings*> out;
  for (const std::string& name : WeightsOf(node)) out.emplace(name, &settings.weights);
  if (FindBias(graph, node) != nullptr) out.emplace(node.inputs[2], &settings.bias);
  return out;
}

}  // namespace

RoundedFloats FindRoundedValues(const Graph& graph, const Placement& placement,
                                const CalibrationTable& table, const ModelSettings& settings) {
  RoundedFloats out;
  const auto input_type = HalfTypeOf(settings.config.tensors.input);
  for (const Value& input : graph.inputs) {
    // What is quantized as it comes is not rounded twice.
    const bool is_float = input.type.element == DataType::kFloat;
    if (input_type && is_float && !placement.roots.contains(input.name))
      Add(input.name, *input_type, table, out);
  }
  const std::set<size_t> front = FindFrontEndNodes(graph);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    const auto type = HalfTypeOf(settings.Of(node).activation);
    if (!type || !IsFloatNode(placement.nodes[n]) || MovesRounded(graph, node, *type, out))
      continue;
    // A logarithm turns relative errors into absolute ones, and the quiet bands in front of it have
    // few bits or none below the least normal number.
    const bool loses_quiet = *type == DataType::kFloat16 && front.contains(n);
    for (const std::string& output : node.outputs) {
      if (output.empty() || TypeOfValue(graph, output) != DataType::kFloat) continue;
      if (loses_quiet) {
        out.too_large.insert(output);
      } else {
        Add(output, *type, table, out);
      }
    }
  }
  return out;
}

std::vector<std::string> FindFloat16Values(const Graph& graph, const ModelSettings& settings) {
  std::set<std::string> out;
  const auto add = [&](const std::string& value, const TensorSettings& of) {
    if (of.datatype == Datatype::kFloat16 && !value.empty() &&
        TypeOfValue(graph, value) == DataType::kFloat)
      out.insert(value);
  };
  for (const Value& input : graph.inputs) add(input.name, settings.config.tensors.input);
  for (const Node& node : graph.nodes)
    for (const std::string& output : node.outputs) add(output, settings.Of(node).activation);
  return {out.begin(), out.end()};
}

RoundedFloats FindRoundedWeights(const Graph& graph, const Placement& placement,
                                 const ModelSettings& settings) {
  std::map<std::string, std::set<DataType>> wanted;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (!IsFloatNode(placement.nodes[n])) continue;
    const Node& node = graph.nodes[n];
    const auto constants = ConstantsOf(graph, node, settings.Of(node));
    for (const std::string& input : node.inputs) {
      const Tensor* tensor = graph.FindInitializer(input);
      if (tensor == nullptr || tensor->type != DataType::kFloat) continue;
      const auto it = constants.find(input);
      const auto type = it == constants.end() ? std::nullopt : HalfTypeOf(*it->second);
      // A reader without a setting wants float32, which no other wish goes with.
      wanted[input].insert(type.value_or(DataType::kFloat));
    }
  }
  RoundedFloats out;
  for (const auto& [name, types] : wanted) {
    const DataType type = *types.begin();
    if (types.size() > 1 || type == DataType::kFloat || graph.IsOutput(name)) continue;
    const auto values = graph.FindInitializer(name)->values<float>();
    const float largest =
        std::accumulate(values.begin(), values.end(), 0.0F,
                        [](float most, float v) { return std::max(most, std::fabs(v)); });
    if (Overflows(largest, type) || Underflows(largest, type)) {
      out.too_large.insert(name);
    } else {
      out.types.emplace(name, type);
    }
  }
  return out;
}

}  // namespace qconvert
