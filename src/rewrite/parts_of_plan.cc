#include "qconvert/rewrite/parts_of_plan.h"

#include <map>
#include <memory>
#include <string>

#include "qconvert/ir/topology.h"
#include "qconvert/numbers/quantize.h"

namespace qconvert {

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
      graph.initializers[name] =
          MakeFloatTensor(name, weight.codes.dims, DequantizeTensor(weight.codes, weight.params));
    }
    graph.nodes[n].inputs[1] = name;
  }
  const Topology topology(graph);
  for (const auto& [n, integer] : plan.integer_nodes) {
    if (!integer.weight || graph.IsOutput(integer.weight->name)) continue;
    if (topology.Uses(integer.weight->name).empty()) graph.initializers.erase(integer.weight->name);
  }
}

QuantizationPlan WithFloatWeights(QuantizationPlan plan) {
  for (auto& [n, integer] : plan.integer_nodes) {
    integer.weight.reset();
    integer.bias.reset();
  }
  plan.dynamic_nodes.clear();
  plan.stored.clear();
  return plan;
}

}  // namespace qconvert
