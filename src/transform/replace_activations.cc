#include "qconvert/transform/replace_activations.h"

#include "qconvert/ir/topology.h"

namespace qconvert {
namespace {

bool IsConstant(const Graph& graph, const std::string& name, float value) {
  const Tensor* tensor = graph.FindInitializer(name);
  return tensor != nullptr && IsFloatingPoint(tensor->type) && tensor->element_count() == 1 &&
         ToFloats(*tensor)[0] == value;
}

}  // namespace

size_t ConvertRelu6ToRelu(Graph& graph) {
  size_t converted = 0;
  for (Node& node : graph.nodes) {
    if (!node.Is("Clip") || !IsConstant(graph, node.input(1), 0) ||
        !IsConstant(graph, node.input(2), 6))
      continue;
    node.op_type = "Relu";
    node.inputs.resize(1);
    ++converted;
  }
  RemoveDeadNodes(graph);  // the bounds
  return converted;
}

size_t ConvertSiluToHardSwish(Graph& graph) {
  const Topology topology(graph);
  size_t converted = 0;
  for (Node& sigmoid : graph.nodes) {
    if (!sigmoid.Is("Sigmoid") || !topology.HasSingleUse(sigmoid.outputs[0])) continue;
    const Use use = topology.Uses(sigmoid.outputs[0])[0];
    const Node& product = graph.nodes[use.node];
    if (use.slot == Use::kCaptured || !product.Is("Mul") || product.inputs.size() != 2 ||
        product.inputs[1 - use.slot] != sigmoid.inputs[0])
      continue;
    sigmoid.op_type = "HardSigmoid";
    sigmoid.Set("alpha", 1.0F / 6.0F);
    sigmoid.Set("beta", 0.5F);
    ++converted;
  }
  return converted;
}

}  // namespace qconvert
