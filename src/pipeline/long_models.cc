#include "long_models.h"

#include <fmt/format.h>

#include <algorithm>

#include "qconvert/ir/topology.h"
#include "qconvert/targets/pair_view.h"

namespace qconvert {
namespace {

bool HasWeightsLaidOut(const Graph& graph, const Node& node) {
  return node.Is("Conv") && graph.FindInitializer(node.input(1)) != nullptr;
}

bool WaitsForNone(const Topology& topology, const Node& node) {
  return std::none_of(node.inputs.begin(), node.inputs.end(), [&](const std::string& input) {
    return topology.Producer(input) != nullptr;
  });
}

}  // namespace

size_t AffordedMeasurements(size_t most, size_t nodes) {
  return std::max<size_t>(nodes <= kManyNodes ? most : most * kManyNodes / nodes, 1);
}

bool AffordsAnotherChoice(size_t measurements, size_t nodes) {
  return nodes == 0 || measurements <= kMostNodesMeasured / nodes;
}

std::string LimitEffort(size_t nodes, QuantConfig& config) {
  if (nodes <= kManyNodes || config.effort != Effort::kNormal) return "";
  config.effort = Effort::kFast;
  return fmt::format(
      "{} nodes: corrections that nobody asks for are left out and fewer plans measured, which "
      "takes long with so many (--effort high tries corrections all the same)",
      nodes);
}

bool IsLongToOptimize(const Graph& graph, double most_steps) {
  const auto nodes = static_cast<double>(graph.nodes.size());
  if (nodes * nodes <= most_steps) return false;
  const Topology topology(graph);
  size_t computing = 0;
  size_t listed = 0;
  for (const Node& node : graph.nodes) {
    computing += IsQuantize(node) || IsDequantize(node) ? 0 : 1;
    listed += WaitsForNone(topology, node) || HasWeightsLaidOut(graph, node) ? 1 : 0;
  }
  return computing > kManyNodes || nodes * static_cast<double>(listed) > most_steps;
}

std::string TellLong(size_t nodes) {
  return fmt::format(
      "the engine takes long to optimize the {} nodes of the file: it was run as it is written, "
      "without integer kernels, and whoever loads it waits as long (--scheme weight-only keeps it "
      "short)",
      nodes);
}

}  // namespace qconvert
