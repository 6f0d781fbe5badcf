#include "residual_sums.h"

#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

#include "qconvert/ir/topology.h"

namespace qconvert {
namespace {

const std::set<std::string_view> kActivations = {"Clip",      "Elu",   "HardSwish",
                                                 "LeakyRelu", "PRelu", "Relu"};

}  // namespace

std::map<size_t, ResidualSum> ResidualSums(const Graph& graph) {
  const Topology topology(graph);
  std::map<size_t, ResidualSum> sums;
  std::unordered_map<std::string, ResidualSum> made;  // by value that a sum, then activations made
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    if (kActivations.contains(node.op_type)) {
      const auto input = made.find(node.inputs[0]);
      if (input != made.end()) made.emplace(node.outputs[0], input->second);
    }
    if (!node.Is("Add") || node.inputs.size() != 2) continue;
    const bool is_first = topology.Uses(node.inputs[0]).size() > 1;
    const bool is_second = topology.Uses(node.inputs[1]).size() > 1;
    if (is_first == is_second) continue;
    const std::string& trunk = node.inputs[is_first ? 0 : 1];
    const std::string& branch = node.inputs[is_first ? 1 : 0];
    if (topology.Producer(branch) == nullptr) continue;  // a constant
    const auto before = made.find(trunk);
    sums[n] = before == made.end() ? ResidualSum{1, trunk}
                                   : ResidualSum{before->second.number + 1, before->second.begin};
    made.emplace(node.outputs[0], sums[n]);
  }
  return sums;
}

}  // namespace qconvert
