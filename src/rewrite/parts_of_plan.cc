#include "qconvert/rewrite/parts_of_plan.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "qconvert/ir/topology.h"
#include "qconvert/numbers/numeric_format.h"
#include "qconvert/numbers/quantize.h"
#include "qconvert/rewrite/round_values.h"

namespace qconvert {
namespace {

// What the codes stand for at most: parameters that are shared or limited reach other ends than the
// range that they came from.
Range ReachOf(const ValuePlan& value) {
  const double scale = value.params.scales[0];
  const int32_t zero = value.params.zero_points.empty() ? 0 : value.params.zero_points[0];
  return {static_cast<float>((value.format.qmin - zero) * scale),
          static_cast<float>((value.format.qmax - zero) * scale)};
}

// What the codes stand for.
Tensor FloatsOf(const std::string& name, const ConstantCodes& weight) {
  return FillFloatTensor(name, weight.codes.dims, [&](std::span<float> floats) {
    DequantizeTensor(weight.codes, weight.params, floats);
  });
}

}  // namespace

void RoundIntegerWeights(Graph& graph, const QuantizationPlan& plan) {
  NameMaker names(graph);
  std::map<std::shared_ptr<const std::string>, std::string> made;  // nodes may share codes
  for (const auto& [n, integer] : plan.integer_nodes) {
    if (!integer.weight) continue;
    const ConstantCodes& weight = *integer.weight;
    const auto [it, is_new] = made.try_emplace(weight.codes.bytes);
    std::string& name = it->second;
    if (is_new) {
      name = names.Make(weight.name);
      graph.initializers[name] = FloatsOf(name, weight);
    }
    graph.nodes[n].inputs[1] = name;
  }
  DropUnreadWeights(graph, plan);
}

void DropUnreadWeights(Graph& graph, const QuantizationPlan& plan) {
  const Topology topology(graph);
  for (const auto& [n, integer] : plan.integer_nodes) {
    if (!integer.weight || topology.IsGraphOutput(integer.weight->name)) continue;
    if (topology.Uses(integer.weight->name).empty()) graph.initializers.erase(integer.weight->name);
  }
}

QuantizationPlan WithFloatWeights(QuantizationPlan plan) {
  for (auto& [n, integer] : plan.integer_nodes) {
    integer.weight.reset();
    integer.bias.reset();
  }
  // Both are of nodes whose weights alone have codes.
  plan.dynamic_nodes.clear();
  plan.stored.clear();
  for (auto& [way, body] : plan.bodies) body = WithFloatWeights(std::move(body));
  return plan;
}

void RoundValuesTo16Bits(Graph& graph, const QuantizationPlan& plan) {
  constexpr int kWideBits = 16;
  std::map<std::string, ValueGrid> grids;
  for (const auto& [name, value] : plan.values) {
    if (!value.format.is_integer()) continue;
    // A symmetric format may be unsigned: then its zero point is the lowest code.
    const bool is_signed = value.format.symmetric && value.format.qmin < value.format.zero;
    const NumericFormat format = IntegerFormat(kWideBits, is_signed, value.format.symmetric);
    grids[name] = {ParamsFromRange(ReachOf(value), format), format};
  }
  RoundToGrids(graph, grids);
}

}  // namespace qconvert
