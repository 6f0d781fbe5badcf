#include "qconvert/plan/moved_values.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "qconvert/ir/one_of.h"
#include "qconvert/targets/op_rules.h"

namespace qconvert {

std::vector<std::string> WithSources(const Topology& topology, std::string value) {
  std::vector<std::string> out = {value};
  for (const Node* producer = topology.Producer(value);
       producer != nullptr && FindOpRule(*producer).kind == OpKind::kMovement;
       producer = topology.Producer(value)) {
    // Input 0 is what movement moves; others are shapes and indices.
    value = producer->inputs[0];
    out.push_back(value);
  }
  return out;
}

std::vector<bool> FindMovesIntoBodies(const Graph& graph, const Topology& topology) {
  static constexpr std::array<std::string_view, 6> kPulledThrough = {
      "MaxPool", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Slice"};
  std::vector<bool> moves(graph.nodes.size(), false);
  for (size_t n = graph.nodes.size(); n-- > 0;) {  // readers come after producers
    const Node& node = graph.nodes[n];
    if (!IsOneOf(node, kPulledThrough)) continue;
    const std::vector<Use>& uses = topology.Uses(node.outputs[0]);
    moves[n] = std::any_of(uses.begin(), uses.end(), [&](const Use& use) {
      return use.slot == Use::kCaptured || (use.slot == 0 && moves[use.node]);
    });
  }
  return moves;
}

}  // namespace qconvert
