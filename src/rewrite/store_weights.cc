#include "qconvert/rewrite/store_weights.h"

#include <iterator>
#include <utility>
#include <vector>

#include "qconvert/ir/topology.h"
#include "qconvert/weights/store_weights.h"

namespace qconvert {
namespace {

class Storer {
 public:
  Storer(Model& model, const std::map<std::string, StoredWeight>& stored)
      : stored_(stored), names_(model.graph) {}

  void Store(Graph& graph, const std::string& prefix) {
    for (Node& node : graph.nodes) {
      const std::vector<Graph*> bodies = SubgraphsOf(node);
      for (size_t b = 0; b < bodies.size(); ++b) Store(*bodies[b], prefix + BodyPrefix(node, b));
    }
    std::vector<const StoredWeight*> found;
    for (const auto& [name, tensor] : graph.initializers) {
      const auto it = stored_.find(prefix + name);
      if (it != stored_.end()) found.push_back(&it->second);
    }
    std::vector<Node> nodes;
    for (const StoredWeight* weight : found) Emit(*weight, graph, nodes);
    graph.nodes.insert(graph.nodes.begin(), std::make_move_iterator(nodes.begin()),
                       std::make_move_iterator(nodes.end()));
  }

 private:
  void Emit(const StoredWeight& weight, Graph& graph, std::vector<Node>& out) {
    const std::string codes = names_.Make("w");
    Tensor integers = weight.codes;
    integers.name = codes;
    graph.initializers.emplace(codes, std::move(integers));
    graph.initializers.erase(weight.name);
    out.push_back(MakeNode("Cast", {codes}, {weight.name}));
    out.back().Set("to", int64_t{1});  // TensorProto.FLOAT
    if (weight.scales.empty()) return;
    const std::string scale = names_.Make("s");
    const std::string cast = out.back().outputs[0] = names_.Make("t");
    graph.initializers.emplace(scale, MakeFloatTensor(scale, weight.scale_dims, weight.scales));
    out.push_back(MakeNode("Mul", {cast, scale}, {weight.name}));
    if (weight.dims.empty()) return;
    const std::string split = names_.Make("t");
    const std::string dims = names_.Make("c");
    out.back().outputs[0] = split;
    graph.initializers.emplace(
        dims, MakeTensor<int64_t>(dims, DataType::kInt64,
                                  {static_cast<int64_t>(weight.dims.size())}, weight.dims));
    out.push_back(MakeNode("Reshape", {split, dims}, {weight.name}));
  }

  const std::map<std::string, StoredWeight>& stored_;
  NameMaker names_;
};

}  // namespace

void StoreWeights(Model& model, const std::map<std::string, StoredWeight>& stored) {
  Storer(model, stored).Store(model.graph, "");
}

}  // namespace qconvert
