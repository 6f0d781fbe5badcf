#include "qconvert/transform/random_nodes.h"
#include "qconvert/ir/scope.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace qconvert {
namespace {

constexpr std::array kRandom = {"RandomNormal",      "RandomNormalLike", "RandomUniform",
                                "RandomUniformLike", "Multinomial",      "Bernoulli"};

bool IsTraining(const Node& node, const Graph& graph) {
  if (!node.Is("Dropout") || node.input(2).empty()) return false;
  const Tensor* mode = graph.FindInitializer(node.inputs[2]);
  // A computed mode may be either.
  return mode == nullptr || mode->byte_size() == 0 || (*mode->bytes)[0] != 0;
}

bool IsRandom(const Node& node, const Graph& graph) {
  return IsTraining(node, graph) ||
         std::any_of(kRandom.begin(), kRandom.end(), [&](const char* op) { return node.Is(op); });
}

// FNV-1a, folded to what a float holds exactly: most operators take their seed as one.
int64_t SeedOf(const std::string& name) {
  uint32_t hash = 2166136261U;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return 1 + (hash ^ hash >> 16) % (1 << 20);
}

}  // namespace

std::vector<std::string> FindRandomNodes(const Graph& graph) {
  std::vector<std::string> found;
  for (const Node& node : graph.nodes) {
    if (IsRandom(node, graph)) found.push_back(LabelOf(node));
    for (const Graph* body : SubgraphsOf(node)) {
      for (std::string& name : FindRandomNodes(*body)) found.push_back(std::move(name));
    }
  }
  return found;
}

void SeedRandomNodes(Graph& graph) {
  for (Node& node : graph.nodes) {
    for (Graph* body : SubgraphsOf(node)) SeedRandomNodes(*body);
    if (!IsRandom(node, graph) || node.outputs.empty()) continue;
    const int64_t seed = SeedOf(node.outputs[0]);
    if (node.Is("Dropout")) {
      node.Set("seed", seed);
    } else {
      node.Set("seed", static_cast<float>(seed));
    }
  }
}

}  // namespace qconvert
