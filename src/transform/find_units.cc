#include "qconvert/transform/find_units.h"

#include <algorithm>
#include <set>

#include "matcher.h"
#include "spelled_units.h"

namespace qconvert {
namespace {

// The product and the sum with a constant behind a normalization, in this order.
void AddScaleAndShift(const Graph& graph, const Matcher& matcher, const Node& last,
                      std::set<const Node*>& nodes) {
  const Node* node = &last;
  for (const char* type : {"Mul", "Add"}) {
    const Node* reader = matcher.Reader(node->outputs[0]);
    if (reader == nullptr || !reader->Is(type) ||
        graph.FindInitializer(Matcher::Other(*reader, node->outputs[0])) == nullptr)
      continue;
    nodes.insert(reader);
    node = reader;
  }
}

}  // namespace

std::map<size_t, std::string> FindUnits(const Graph& graph) {
  const Matcher matcher(graph);
  std::map<size_t, std::string> units;
  const auto add = [&](const std::set<const Node*>& nodes, const char* op_type) {
    for (const Node* node : nodes) units.emplace(matcher.IndexOf(*node), op_type);
  };
  for (const Node& node : graph.nodes) {
    if (const auto gelu = FindSpelledGelu(matcher, node)) {
      add(gelu->nodes, "GELU");
    } else if (const auto mish = FindSpelledMish(matcher, node)) {
      // The operator alone is one node, of which nothing can be torn apart.
      if (mish->nodes.size() > 1) add(mish->nodes, "Mish");
    } else if (auto norm = FindSpelledNorm(matcher, node)) {
      AddScaleAndShift(graph, matcher, node, norm->nodes);
      add(norm->nodes, norm->is_centered ? "LayerNormalization" : "RMSNormalization");
    }
  }
  return units;
}

}  // namespace qconvert
