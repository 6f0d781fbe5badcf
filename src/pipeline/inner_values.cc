#include "inner_values.h"

#include <unordered_set>

namespace qconvert {

std::string SeenByReaders(const Graph& graph, const Topology& topology, const std::string& value) {
  for (const Use& use : topology.Uses(value)) {
    const Node& quantize = graph.nodes[use.node];
    if (quantize.op_type != "QuantizeLinear" || use.slot != 0) continue;
    for (const Use& reader : topology.Uses(quantize.outputs[0])) {
      const Node& dequantize = graph.nodes[reader.node];
      if (dequantize.op_type == "DequantizeLinear" && reader.slot == 0)
        return dequantize.outputs[0];
    }
  }
  return value;
}

std::vector<InnerValue> MatchInnerValues(const Graph& a, const Graph& b, const ValueSizes& sizes) {
  const Topology topology_a(a);
  const Topology topology_b(b);
  std::unordered_set<std::string> written;
  for (const Node& node : b.nodes) written.insert(node.outputs.begin(), node.outputs.end());
  std::vector<InnerValue> values;
  for (const Node& node : a.nodes) {
    for (const std::string& output : node.outputs) {
      if (!written.contains(output) || !sizes.contains(output)) continue;
      // Outputs are compared in any case.
      if (topology_a.IsGraphOutput(output) || topology_b.IsGraphOutput(output)) continue;
      values.push_back({output, node.op_type, SeenByReaders(a, topology_a, output),
                        SeenByReaders(b, topology_b, output)});
    }
  }
  return values;
}

std::vector<std::vector<InnerValue>> GroupBySize(const std::vector<InnerValue>& values,
                                                 const ValueSizes& sizes, size_t bytes) {
  std::vector<std::vector<InnerValue>> groups;
  size_t used = 0;
  for (const InnerValue& value : values) {
    const size_t size = static_cast<size_t>(sizes.at(value.name)) * sizeof(float);
    // One that is larger than that has a group to itself.
    if (groups.empty() || used + size > bytes) {
      groups.emplace_back();
      used = 0;
    }
    groups.back().push_back(value);
    used += size;
  }
  return groups;
}

}  // namespace qconvert
