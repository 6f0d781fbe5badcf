#include "search_nodes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "qconvert/base/log.h"
#include "search_activations.h"

namespace qconvert {
namespace {

constexpr size_t kSamples = 4;
constexpr const char* kReason = "the search gives it floats";

class NodeSearcher {
 public:
  NodeSearcher(PlanInputs& inputs, const std::set<std::string>& wide_weights, PlaceOptions& place)
      : inputs_(inputs),
        search_(*inputs.settings.config.node_search),
        wide_weights_(wide_weights),
        place_(place),
        samples_(inputs.comparer.Spread(kSamples)) {}

  void Run() {
    const std::vector<size_t> order = WorstFirst();
    const auto asked = static_cast<size_t>(search_.count);
    if (asked > 0) {
      for (size_t k = 0; k < std::min(asked, order.size()); ++k) Change(order[k]);
    } else {
      ChangeUntilNear(order);
    }
    std::vector<std::string> names;
    for (const size_t n : changed_) names.push_back(NodeAt(n).name);
    LogInfo(fmt::format("layerwise_search: {} of {} nodes get more bits: {}", names.size(),
                        order.size(), fmt::join(names, ", ")));
  }

 private:
  const Node& NodeAt(size_t n) const { return inputs_.model.graph.nodes[n]; }

  double DistanceOf(const PlaceOptions& place) {
    const Graph& graph = inputs_.model.graph;
    return Distance(search_.metric,
                    MeasurePlan(inputs_, {PlaceNodes(graph, place), {}, wide_weights_}, samples_));
  }

  std::vector<size_t> Candidates() const {
    const Placement placement = PlaceNodes(inputs_.model.graph, place_);
    std::vector<size_t> nodes;
    for (size_t n = 0; n < placement.nodes.size(); ++n) {
      const bool is_own = inputs_.settings.layer_of.contains(NodeAt(n).name);
      if (placement.nodes[n].domain == NodeDomain::kInteger && !is_own) nodes.push_back(n);
    }
    return nodes;
  }

  // Equal ones in the order of the graph.
  std::vector<size_t> WorstFirst() {
    const std::vector<size_t> nodes = Candidates();
    std::vector<std::pair<double, size_t>> by_distance;
    for (const size_t node : nodes) {
      PlaceOptions alone = place_;
      for (const size_t other : nodes)
        if (other != node) alone.keep_float.emplace(other, "another node is measured");
      const double distance = DistanceOf(alone);
      LogDebug(fmt::format("layerwise_search: {} alone on integers: {}", NodeAt(node).name,
                           TextOfDistance(search_.metric, distance)));
      by_distance.emplace_back(-distance, node);
    }
    std::sort(by_distance.begin(), by_distance.end());
    std::vector<size_t> order;
    for (const auto& [distance, node] : by_distance) order.push_back(node);
    return order;
  }

  // As if the settings had an entry for the node: one for all that are found.
  void Change(size_t n) {
    std::vector<LayerSettings>& layers = inputs_.settings.config.layers;
    if (changed_.empty()) {
      NodeSettings own = inputs_.settings.config.tensors;  // their methods are chosen by now
      for (const TensorType type : kTensorTypes) {
        own[type].bit_width = search_.tensors[type].bit_width;
        own[type].datatype = search_.tensors[type].datatype;
      }
      layers.push_back({{.kind = LayerMatch::Kind::kNode, .pattern = "layerwise_search"}, own});
    }
    if (search_.tensors.activation.datatype == Datatype::kFloat32)
      place_.keep_float.emplace(n, kReason);
    inputs_.settings.layer_of[NodeAt(n).name] = layers.size() - 1;
    changed_.push_back(n);
  }

  void ChangeUntilNear(const std::vector<size_t>& order) {
    const double wanted = IsHigherBetter(search_.metric) ? -search_.similarity : search_.similarity;
    for (size_t more = 1; changed_.size() < order.size(); more *= 2) {
      const double distance = DistanceOf(place_);
      LogDebug(fmt::format("layerwise_search: {} nodes with more bits: {}", changed_.size(),
                           TextOfDistance(search_.metric, distance)));
      if (distance <= wanted) break;
      const size_t end = std::min(changed_.size() + more, order.size());
      for (size_t k = changed_.size(); k < end; ++k) Change(order[k]);
    }
  }

  PlanInputs& inputs_;
  const NodeSearch search_;
  const std::set<std::string>& wide_weights_;
  PlaceOptions& place_;
  const std::vector<size_t> samples_;
  std::vector<size_t> changed_;
};

}  // namespace

void SearchNodes(PlanInputs& inputs, const std::set<std::string>& wide_weights,
                 PlaceOptions& place) {
  if (inputs.settings.config.node_search && inputs.comparer.count() > 0)
    NodeSearcher(inputs, wide_weights, place).Run();
}

}  // namespace qconvert
