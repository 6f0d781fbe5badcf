#include "narrow_weights.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <span>
#include <utility>

#include "qconvert/base/metric.h"
#include "qconvert/config/any_settings.h"
#include "qconvert/plan/expected_noise.h"
#include "qconvert/targets/weight_slots.h"
#include "small_set_search.h"
#include "worst_samples.h"

namespace qconvert {
namespace {

constexpr int kByteBits = 8;
constexpr int kRounds = 4;
constexpr int kRoundBudget = 40;

bool IsNarrow(const NodeSettings& settings) {
  return settings.weights.is_int() && settings.weights.bit_width < kByteBits;
}

struct Item {
  std::string weight;
  double expected_noise = 0;
  std::vector<size_t> nodes;  // that read it
};

// Empty when the plan has no codes of this weight for the node.
std::span<const float> ScalesOf(const QuantizationPlan& plan, const Node& node, size_t n,
                                const std::string& weight) {
  const auto integer = plan.integer_nodes.find(n);
  if (integer != plan.integer_nodes.end() && integer->second.weight)
    return integer->second.weight->params.scales;
  const auto dynamic = plan.dynamic_nodes.find(n);
  if (dynamic != plan.dynamic_nodes.end()) {
    // Behind input 0, in their order: the W and R of a recurrent node have scales of their own.
    for (size_t w = 0; w < dynamic->second.weights.size(); ++w)
      if (node.input(w + 1) == weight) return dynamic->second.weights[w].params.scales;
  }
  const auto stored = plan.stored.find(weight);
  return stored == plan.stored.end() ? std::span<const float>{} : stored->second.scales;
}

// The weights of fewer than 8 bits, the most suspicious first.
std::vector<Item> FindItems(const Graph& graph, const ModelSettings& settings,
                            const QuantizationPlan& plan) {
  std::map<std::string, Item> by_name;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (!IsNarrow(settings.Of(graph.nodes[n]))) continue;
    for (const std::string& weight : WeightsOf(graph.nodes[n])) {
      const Tensor* floats = graph.FindInitializer(weight);
      const std::span<const float> scales = ScalesOf(plan, graph.nodes[n], n, weight);
      if (floats == nullptr || scales.empty()) continue;
      Item& item = by_name[weight];
      item.weight = weight;
      item.expected_noise = ExpectedWeightNoise(floats->values<float>(), scales);
      item.nodes.push_back(n);
    }
  }
  std::vector<Item> items;
  for (auto& [name, item] : by_name) items.push_back(std::move(item));
  std::stable_sort(items.begin(), items.end(), [](const Item& a, const Item& b) {
    return a.expected_noise > b.expected_noise;
  });
  return items;
}

class Widener {
 public:
  Widener(PlanInputs& inputs, const PlanDraft& draft, std::vector<Item> items)
      : inputs_(inputs),
        draft_(draft),
        items_(std::move(items)),
        settings_(inputs.settings),
        corrections_(inputs.corrections) {}

  WidenedWeights Run(Measured& measured) {
    for (size_t item = 0; item < items_.size(); ++item) all_.insert(item);
    const Measured in_bytes = MeasureAll(all_);
    std::set<size_t> wide;
    // Where not even all pass, no part of them would.
    if (in_bytes.verdict.passed) wide = FindFew(measured);
    if (!measured.verdict.passed) {
      measured = in_bytes;
      wide = all_;
    }
    Widen(wide);
    for (const size_t item : wide) out_.names.push_back(items_[item].weight);
    std::sort(out_.names.begin(), out_.names.end());
    return std::move(out_);
  }

 private:
  // Few samples may say too little: then the same on those that fail now, with less noise.
  std::set<size_t> FindFew(Measured& measured) {
    std::set<size_t> few;
    double target = NoiseOfSqnr(inputs_.gate.min_sqnr_db);
    double slack = 2;
    for (int round = 0; round < kRounds && few != all_ && !measured.verdict.passed; ++round) {
      const std::vector<size_t> samples = WorstSamples(measured.outputs, inputs_.gate);
      // The worst samples may miss with all in 8 bits, and all samples together pass.
      few = Search(std::max(target, slack * Noise(all_, samples)), samples);
      measured = MeasureAll(few);
      slack = (1 + slack) / 2;
      target /= 2;
    }
    return few;
  }

  double Noise(const std::set<size_t>& wide, const std::vector<size_t>& samples) {
    Widen(wide);
    ++out_.measurements;
    return MeasurePlan(inputs_, draft_, samples).judged_noise();
  }

  Measured MeasureAll(const std::set<size_t>& wide) {
    Widen(wide);
    ++out_.measurements;
    return MeasurePlan(inputs_, draft_);
  }

  std::set<size_t> Search(double target, const std::vector<size_t>& samples) {
    std::vector<size_t> suspects(items_.size());
    std::iota(suspects.begin(), suspects.end(), size_t{0});
    return FindSmallSet({.items = std::move(suspects),
                         .noise = [&](const auto& some) { return Noise(some, samples); },
                         .target = target,
                         .budget = kRoundBudget})
        .taken_out;
  }

  void Widen(const std::set<size_t>& wide) {
    // From the start each time: sets come in any order.
    inputs_.settings = settings_;
    inputs_.corrections = corrections_;
    for (const size_t item : wide) {
      for (const size_t n : items_[item].nodes) {
        const Node& node = inputs_.model.graph.nodes[n];
        NodeSettings own = settings_.Of(node);
        own.weights.bit_width = kByteBits;
        inputs_.settings.widened[node.name] = std::move(own);
        // They make up for codes of fewer bits.
        inputs_.corrections.bias.erase(n);
        inputs_.corrections.weights.erase(n);
      }
    }
  }

  PlanInputs& inputs_;
  const PlanDraft& draft_;
  const std::vector<Item> items_;
  const ModelSettings settings_;
  const LayerCorrections corrections_;
  std::set<size_t> all_;
  WidenedWeights out_;
};

}  // namespace

bool WantsNarrowWeights(const ModelSettings& settings) {
  return AnySettings(settings.config, IsNarrow);
}

WidenedWeights WidenNarrowWeights(PlanInputs& inputs, const PlanDraft& draft, Measured& measured) {
  if (measured.verdict.passed || !measured.verdict.CanImprove()) return {};
  std::vector<Item> items =
      FindItems(inputs.model.graph, inputs.settings, CompletePlan(inputs, draft));
  if (items.empty()) return {};
  return Widener(inputs, draft, std::move(items)).Run(measured);
}

}  // namespace qconvert
