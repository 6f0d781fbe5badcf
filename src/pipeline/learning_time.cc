#include "learning_time.h"

#include <algorithm>

#include "learn_layer.h"
#include "qconvert/ir/value_types.h"
#include "qconvert/plan/multiply_adds.h"
#include "qconvert/targets/op_rules.h"
#include "qconvert/weights/learn_weights.h"

namespace qconvert {
namespace {

// Of a processor core with AVX2 that shares its units with another one; alone it does half as much
// again to twice as much, without AVX2 two thirds.
constexpr double kProductsPerSecond = 9.5e9;
constexpr double kBlockProductsPerSecond = 7e9;  // of images
// What a number that a node of a block writes takes beside its products: networks of depthwise
// convolutions are mostly that.
constexpr double kProductsOfNumber = 16;

// A sample with a free axis 0 is taken for one image.
double ImagesOfSample(const Graph& graph, const std::string& value) {
  const ValueType* type = FindValueType(graph, value);
  const bool is_known =
      type != nullptr && type->shape && !type->shape->empty() && type->shape->front().known();
  return is_known ? static_cast<double>(std::max<int64_t>(type->shape->front().value, 1)) : 1;
}

}  // namespace

std::map<size_t, double> LearningCosts(const Graph& graph,
                                       const std::map<size_t, CodedLayer>& layers,
                                       const LearningSettings& settings, const LearnedFrom& from) {
  const CostModel model(graph, from.sizes);
  std::map<size_t, double> costs;
  for (const auto& [n, layer] : layers) {
    if (!LearnsNode(graph, n, layer, settings)) continue;
    const Node& node = graph.nodes[n];
    const Tensor& weight = *graph.FindInitializer(node.inputs[1]);
    const auto channels = static_cast<double>(KernelOrder(node, weight).channels);
    const double positions = model.SizeOf(node.outputs[0]) / channels;
    costs.emplace(
        n, LearningCost(node, weight, settings, positions * static_cast<double>(from.samples)));
  }
  return costs;
}

double TimeOfLayers(const std::map<size_t, double>& costs) {
  double sum = 0;
  for (const auto& [n, cost] : costs) sum += cost;
  return sum / kProductsPerSecond;
}

double TimeOfBlocks(const Graph& graph, const std::map<size_t, CodedLayer>& layers,
                    const std::vector<Block>& blocks, BlockVariables variables,
                    const LearningSettings& settings, const LearnedFrom& from) {
  const CostModel model(graph, from.sizes);
  const bool are_codes = variables == BlockVariables::kCodes;
  std::map<size_t, double> alone;
  if (are_codes) alone = LearningCosts(graph, layers, settings, from);
  double products = 0;
  for (const Block& block : blocks) {
    double of_sample = 0;
    for (const size_t n : block.layers) {
      of_sample += CountMultiplyAdds(graph, model, graph.nodes[n]);
      alone.erase(n);
    }
    for (const size_t n : block.nodes)
      of_sample += kProductsOfNumber * model.SizeOf(graph.nodes[n].outputs[0]);
    const double images = ImagesOfSample(graph, block.entry);
    products +=
        BlockLearningCost(of_sample / images, images * static_cast<double>(from.samples), settings);
  }
  return products / kBlockProductsPerSecond + TimeOfLayers(alone);
}

}  // namespace qconvert
