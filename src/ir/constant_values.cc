#include "qconvert/ir/constant_values.h"

#include <algorithm>

namespace qconvert {
namespace {

bool IsRandom(const Node& node) {
  return node.op_type.starts_with("Random") || node.Is("Multinomial") || node.Is("Bernoulli");
}

}  // namespace

bool IsConstant(const Graph& graph, const std::set<std::string>& made, const std::string& value) {
  return made.contains(value) || (graph.FindInitializer(value) != nullptr && !graph.IsInput(value));
}

std::set<std::string> FindConstantValues(const Graph& graph) {
  std::set<std::string> made;
  for (const Node& node : graph.nodes) {
    const bool is_constant =
        !IsRandom(node) && SubgraphsOf(node).empty() &&
        std::all_of(node.inputs.begin(), node.inputs.end(), [&](const std::string& input) {
          return input.empty() || IsConstant(graph, made, input);
        });
    if (is_constant) made.insert(node.outputs.begin(), node.outputs.end());
  }
  return made;
}

}  // namespace qconvert
