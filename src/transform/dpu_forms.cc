#include "qconvert/transform/dpu_forms.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "qconvert/ir/pool_window.h"
#include "qconvert/ir/topology.h"

namespace qconvert {
namespace {

constexpr double kSlopeSteps = 256;
constexpr float kSixth = 2731.0F / 16384;  // 1/6 as the DPU multiplies
constexpr double kMostAverage = 128;       // the widest multiplier

struct Known {
  int64_t height;
  int64_t width;
  double factor;
};
constexpr Known kKnown[] = {{3, 3, 63.0 / 64},      {5, 5, 250.0 / 256}, {6, 6, 252.0 / 256},
                            {3, 6, 252.0 / 256},    {6, 3, 252.0 / 256}, {7, 7, 1029.0 / 1024},
                            {14, 14, 4116.0 / 4096}};

bool IsNear(float a, float b) { return std::abs(a - b) < 1e-4F; }

bool IsUsualHardSigmoid(const Node& node) {
  return node.Is("HardSigmoid") && IsNear(node.GetFloat("alpha", 0.2F), 1.0F / 6) &&
         IsNear(node.GetFloat("beta", 0.5F), 0.5F);
}

void MakeDpuSigmoid(Node& node) {
  node.op_type = "HardSigmoid";
  node.Set("alpha", kSixth);
  node.Set("beta", 3 * kSixth);
}

// The product behind the pool writes the pool's name: readers stay as they are.
void MultiplyBehind(Graph& graph, Node& pool, double factor, NameMaker& names,
                    std::vector<Node>& out) {
  const std::string output = pool.outputs[0];
  const std::string average = names.Make(output + "_average");
  const std::string constant = names.Make(output + "_dpu_factor");
  graph.initializers[constant] =
      MakeFloatTensor(constant, {}, std::vector<float>{static_cast<float>(factor)});
  const auto it = graph.value_info.find(output);
  if (it != graph.value_info.end()) {
    Value value = it->second;
    value.name = average;
    graph.value_info[average] = std::move(value);
  }
  Node product = MakeNode("Mul", {average, constant}, {output});
  product.name = pool.name.empty() ? "" : pool.name + "/dpu_factor";
  product.origin = pool.origin_name();
  pool.outputs[0] = average;
  out.push_back(std::move(product));
}

size_t ScaleAverages(Graph& graph) {
  NameMaker names(graph);
  std::vector<Node> nodes;
  size_t changed = 0;
  for (Node& node : graph.nodes) {
    const std::vector<int64_t> window = AverageWindow(graph, node);
    const double factor = window.size() == 2 ? DpuAverageFactor(window[0], window[1]) : 1;
    std::vector<Node> behind;
    if (factor != 1) MultiplyBehind(graph, node, factor, names, behind);
    changed += behind.size();
    nodes.push_back(std::move(node));
    for (Node& one : behind) nodes.push_back(std::move(one));
  }
  graph.nodes = std::move(nodes);
  return changed;
}

}  // namespace

double DpuAverageFactor(int64_t height, int64_t width) {
  for (const Known& one : kKnown)
    if (one.height == height && one.width == width) return one.factor;
  const auto area = static_cast<double>(height * width);
  if (!(area >= 1)) return 1;
  double best = 0;
  // So that the multiplier, 2^shift / area, stays within its most.
  const int most = static_cast<int>(std::ceil(std::log2(kMostAverage * area)));
  for (int shift = 0; shift <= most; ++shift) {
    const double average = std::round(std::ldexp(1.0, shift) / area) / std::ldexp(1.0, shift);
    if (std::abs(average - 1 / area) < std::abs(best - 1 / area)) best = average;
  }
  return area * best;
}

size_t UseDpuForms(Graph& graph, const DpuForms& forms) {
  size_t changed = 0;
  for (Node& node : graph.nodes) {
    if (forms.leaky_relu && node.Is("LeakyRelu")) {
      const double slope = node.GetFloat("alpha", 0.01F);
      node.Set("alpha", static_cast<float>(std::round(kSlopeSteps * slope) / kSlopeSteps));
      ++changed;
    } else if ((forms.hard_sigmoid && IsUsualHardSigmoid(node)) ||
               (forms.sigmoid && node.Is("Sigmoid"))) {
      MakeDpuSigmoid(node);
      ++changed;
    }
  }
  return changed + (forms.average_pool ? ScaleAverages(graph) : 0);
}

}  // namespace qconvert
