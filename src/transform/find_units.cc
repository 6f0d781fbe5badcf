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

// x * c + b, or (x - a) * c with or without + b, of constants with many elements each: the product
// is `node`.
std::set<const Node*> FindScaleAndShift(const Graph& graph, const Matcher& matcher,
                                        const Node& node) {
  const auto is_vector = [&](const Node& step, const std::string& value) {
    const Tensor* constant = graph.FindInitializer(Matcher::Other(step, value));
    return constant != nullptr && constant->element_count() > 1;
  };
  if (!(node.Is("Mul") || node.Is("Div")) || node.inputs.size() != 2) return {};
  const std::string& x = node.inputs[graph.FindInitializer(node.inputs[0]) == nullptr ? 0 : 1];
  // c / x is no product.
  if (!is_vector(node, x) || (node.Is("Div") && x != node.inputs[0])) return {};
  std::set<const Node*> nodes = {&node};
  const Node* before = matcher.Writer(x, "Sub");
  if (before != nullptr && matcher.Reader(x) == &node && is_vector(*before, before->inputs[0]))
    nodes.insert(before);
  const Node* behind = matcher.Reader(node.outputs[0]);
  if (behind != nullptr && (behind->Is("Add") || behind->Is("Sub")) &&
      is_vector(*behind, node.outputs[0]))
    nodes.insert(behind);
  return nodes.size() > 1 ? nodes : std::set<const Node*>{};
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
    } else if (const auto steps = FindScaleAndShift(graph, matcher, node); !steps.empty()) {
      // Behind a spelled normalization they are its own already.
      add(steps, "BatchNormalization");
    }
  }
  return units;
}

}  // namespace qconvert
