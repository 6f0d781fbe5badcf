#include "qconvert/transform/lower_hard_swish.h"

#include <utility>
#include <vector>

#include "qconvert/ir/topology.h"

namespace qconvert {

size_t LowerHardSwish(Graph& graph) {
  NameMaker names(graph);
  std::vector<Node> out;
  size_t lowered = 0;
  for (Node& node : graph.nodes) {
    if (!node.Is("HardSwish")) {
      out.push_back(std::move(node));
      continue;
    }
    const std::string gate = names.Make("gate");
    Node sigmoid = MakeNode("HardSigmoid", {node.inputs[0]}, {gate});
    if (!node.name.empty()) sigmoid.name = node.name + "/gate";
    sigmoid.origin = node.origin_name();
    sigmoid.Set("alpha", 1.0F / 6.0F);
    sigmoid.Set("beta", 0.5F);
    Node product = MakeNode("Mul", {node.inputs[0], gate}, node.outputs);
    product.name = node.name;
    product.origin = node.origin;
    const auto type = graph.value_info.find(node.outputs[0]);
    if (type != graph.value_info.end()) {
      Value gate_type = type->second;
      gate_type.name = gate;
      graph.value_info.emplace(gate, std::move(gate_type));
    }
    out.push_back(std::move(sigmoid));
    out.push_back(std::move(product));
    ++lowered;
  }
  graph.nodes = std::move(out);
  return lowered;
}

}  // namespace qconvert
