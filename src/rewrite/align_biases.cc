#include "qconvert/rewrite/align_biases.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "qconvert/ir/scope.h"
#include "qconvert/ir/topology.h"
#include "qconvert/ir/value_types.h"

namespace qconvert {
namespace {

class Aligner {
 public:
  Aligner(const Scope& scope, NameMaker& names, Graph& graph)
      : scope_(scope), names_(names), graph_(graph), topology_(graph) {}

  size_t Run() {
    for (const Node& node : graph_.nodes) {
      if (!node.Is("Add")) continue;
      for (const size_t slot : {size_t{0}, size_t{1}}) {
        if (const auto rank = RankOfProduct(node.inputs[1 - slot])) Align(node, slot, *rank);
      }
    }
    // Only now: the topology goes by the inputs that nodes had.
    for (const auto& [add, slot, bias] : changes_) graph_.nodes[add].inputs[slot] = bias;
    const size_t aligned = changes_.size();
    for (Node& node : added_) graph_.nodes.push_back(std::move(node));
    if (aligned > 0) {
      SortNodes(graph_);
      RemoveDeadNodes(graph_);
    }
    return aligned;
  }

 private:
  struct Change {
    size_t add = 0;
    size_t slot = 0;
    std::string bias;
  };

  // Of a product of codes that has more than a matrix' axes.
  std::optional<size_t> RankOfProduct(const std::string& value) const {
    const Node* product = topology_.Producer(value);
    if (product == nullptr || !product->Is("MatMul")) return std::nullopt;
    const Node* codes = topology_.Producer(product->inputs[0]);
    const std::vector<Dim>* shape = FindShape(graph_, value);
    if (codes == nullptr || !codes->Is("DequantizeLinear") || shape == nullptr || shape->size() < 3)
      return std::nullopt;
    return shape->size();
  }

  void Align(const Node& add, size_t slot, size_t rank) {
    const auto index = static_cast<size_t>(&add - graph_.nodes.data());
    const std::string& bias = add.inputs[slot];
    if (const Tensor* tensor = scope_.FindInitializer(bias)) {
      if (tensor->dims.size() == 1) changes_.push_back({index, slot, Reshaped(*tensor, rank)});
      return;
    }
    const Node* dequantize = topology_.Producer(bias);
    if (dequantize == nullptr || !dequantize->Is("DequantizeLinear")) return;
    const Tensor* codes = scope_.FindInitializer(dequantize->inputs[0]);
    if (codes == nullptr || codes->dims.size() != 1) return;
    // A copy, since others may read the first one.
    Node copy = *dequantize;
    copy.name.clear();
    copy.inputs[0] = Reshaped(*codes, rank);
    copy.outputs[0] = names_.Make("d");
    // The axis that may have several scales has moved to the end.
    copy.Set("axis", static_cast<int64_t>(rank) - 1);
    changes_.push_back({index, slot, copy.outputs[0]});
    added_.push_back(std::move(copy));
  }

  std::string Reshaped(Tensor tensor, size_t rank) {
    tensor.dims.insert(tensor.dims.begin(), rank - 1, 1);
    tensor.name = names_.Make("b");
    std::string name = tensor.name;
    graph_.initializers.emplace(name, std::move(tensor));
    return name;
  }

  const Scope& scope_;
  NameMaker& names_;
  Graph& graph_;
  const Topology topology_;
  std::vector<Change> changes_;
  std::vector<Node> added_;
};

size_t AlignLevel(const Scope* outer, NameMaker& names, Graph& graph, const std::string& way) {
  const Scope scope = outer == nullptr ? Scope(graph) : Scope(*outer, graph, way);
  size_t aligned = 0;
  for (Node& node : graph.nodes) {
    ForEachBody(node, way, [&](Graph& body, const std::string& inner) {
      aligned += AlignLevel(&scope, names, body, inner);
    });
  }
  return aligned + Aligner(scope, names, graph).Run();
}

}  // namespace

size_t AlignBiases(Graph& graph) {
  NameMaker names(graph);
  return AlignLevel(nullptr, names, graph, "");
}

}  // namespace qconvert
