#include "qconvert/targets/fusions.h"

#include <algorithm>

#include "qconvert/targets/weight_slots.h"

namespace qconvert {
namespace {

bool IsBiasAdd(const Graph& graph, const Node& matmul, const Node& add) {
  const Tensor* weight = graph.FindInitializer(matmul.input(1));
  if (!add.Is("Add") || weight == nullptr || weight->dims.size() != 2) return false;
  return std::any_of(add.inputs.begin(), add.inputs.end(), [&](const std::string& input) {
    const Tensor* bias = graph.FindInitializer(input);
    return bias != nullptr && bias->type == DataType::kFloat && bias->dims.size() == 1 &&
           bias->dims[0] == weight->dims[1];
  });
}

bool IsClamp(const Graph& graph, const Node& node) {
  if (node.Is("Relu")) return true;
  if (!node.Is("Clip")) return false;
  for (size_t i = 1; i < node.inputs.size(); ++i) {
    if (node.inputs[i].empty()) continue;
    const Tensor* bound = graph.FindInitializer(node.inputs[i]);
    if (bound == nullptr || bound->element_count() != 1) return false;
  }
  return true;
}

// The engine fuses a MatMul with the Add that reads it.
bool FusesWithAdd(const Graph& graph, const Topology& topology, size_t n, const FusedUnit& unit) {
  if (!graph.nodes[n].Is("MatMul") || unit.bias_add != FusedUnit::kNone) return false;
  const auto& uses = topology.Uses(unit.output);
  return std::any_of(uses.begin(), uses.end(),
                     [&](const Use& use) { return graph.nodes[use.node].Is("Add"); });
}

}  // namespace

FusedUnit FindFusedUnit(const Graph& graph, const Topology& topology, size_t n) {
  const Node& node = graph.nodes[n];
  FusedUnit unit{{}, FusedUnit::kNone, node.outputs[0]};
  const auto extend = [&](size_t reader) {
    unit.tail.push_back(reader);
    unit.output = graph.nodes[reader].outputs[0];
  };
  if (node.Is("MatMul") && topology.HasSingleUse(unit.output)) {
    const size_t reader = topology.Uses(unit.output)[0].node;
    if (IsBiasAdd(graph, node, graph.nodes[reader])) {
      unit.bias_add = reader;
      extend(reader);
    }
  }
  if (!topology.HasSingleUse(unit.output)) return unit;
  const size_t reader = topology.Uses(unit.output)[0].node;
  if (IsClamp(graph, graph.nodes[reader])) extend(reader);
  return unit;
}

std::optional<float> ClampBound(const Graph& graph, const Node& clamp, size_t slot) {
  if (clamp.Is("Relu")) return slot == 1 ? std::optional(0.0F) : std::nullopt;
  const Tensor* bound = graph.FindInitializer(clamp.input(slot));
  if (bound == nullptr || bound->element_count() != 1) return std::nullopt;
  return ToFloats(*bound)[0];
}

const Tensor* FindUnitBias(const Graph& graph, const Node& node, const FusedUnit& unit) {
  if (unit.bias_add == FusedUnit::kNone) return FindBias(graph, node);
  for (const std::string& input : graph.nodes[unit.bias_add].inputs)
    if (const Tensor* tensor = graph.FindInitializer(input)) return tensor;
  return nullptr;
}

bool CanLeaveFloat(const Graph& graph, const Topology& topology, size_t n, const FusedUnit& unit) {
  const bool linear = graph.nodes[n].Is("Gemm") || graph.nodes[n].Is("MatMul");
  const bool bare =
      unit.tail.empty() || (unit.tail.size() == 1 && unit.bias_add != FusedUnit::kNone);
  return linear && bare && !FusesWithAdd(graph, topology, n, unit);
}

int64_t ChannelsOfOwnDequantize(const Graph& graph, const Node& node) {
  const Tensor* weight = graph.FindInitializer(node.input(1));
  if (weight == nullptr || weight->dims.size() < 2) return 0;
  if (node.Is("Conv")) return weight->dims[1] * node.GetInt("group", 1);
  if (node.Is("ConvTranspose")) return weight->dims[0];
  if (node.Is("Gemm") && node.GetInt("transA", 0) == 0)
    return weight->dims[node.GetInt("transB", 0) != 0 ? 1 : 0];
  return 0;
}

}  // namespace qconvert
