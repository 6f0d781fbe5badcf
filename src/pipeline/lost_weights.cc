#include "lost_weights.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <numeric>
#include <utility>

#include "qconvert/plan/node_settings.h"
#include "qconvert/weights/store_weights.h"
#include "small_set_search.h"

namespace qconvert {
namespace {

constexpr StoredForm kWide{.bits = 16};
constexpr int kBudget = 20;  // measurements

// Of a code that is rounded; all of a value that has none.
// A rounding error is uniform over one code: its mean square is 1/12.
double RelativeError(int code) { return code == 0 ? 1 : 1 / (12.0 * code * code); }

double MeanLoss(std::span<const float> floats, std::span<const int16_t> codes) {
  double sum = 0;
  double count = 0;
  for (size_t i = 0; i < floats.size(); ++i) {
    // A zero has its code, and loses nothing.
    if (floats[i] == 0) continue;
    sum += RelativeError(codes[i]);
    ++count;
  }
  return count > 0 ? sum / count : 0;
}

}  // namespace

std::vector<std::string> WeightsByLoss(const PlanInputs& inputs) {
  const Graph& graph = inputs.model.graph;
  const std::set<std::string> keep = FindFloatWeights(graph, inputs.settings);
  std::vector<std::pair<WeightUse, StoredForm>> wanted;
  for (WeightUse& use : FindWeightUses(graph, {}))
    if (use.owner == &graph && !keep.contains(use.name)) wanted.emplace_back(std::move(use), kWide);
  inputs.codes.MakeStored(wanted);
  std::map<std::string, double> loss;
  std::vector<std::string> names;
  for (const auto& [use, form] : wanted) {
    const StoredWeight* stored = inputs.codes.FindStored(use.way, form);
    if (stored == nullptr) continue;
    names.push_back(use.name);
    loss[use.name] =
        MeanLoss(graph.FindInitializer(use.name)->values<float>(), stored->codes.values<int16_t>());
  }
  std::stable_sort(names.begin(), names.end(), [&](const std::string& a, const std::string& b) {
    return loss.at(a) > loss.at(b);
  });
  return names;
}

std::set<std::string> FindLostWeights(const LostOptions& options) {
  const auto names_of = [&](const std::set<size_t>& items) {
    std::set<std::string> names;
    for (const size_t item : items) names.insert(options.weights[item]);
    return names;
  };
  std::vector<size_t> suspects(options.weights.size());
  std::iota(suspects.begin(), suspects.end(), size_t{0});
  const auto noise = [&](const std::set<size_t>& floats) {
    const Measured measured = options.measure(names_of(floats));
    const double pooled = measured.pooled_noise();
    return measured.verdict.passed ? pooled : std::max(pooled, measured.judged_noise());
  };
  return names_of(FindSmallSet({.items = std::move(suspects),
                                .noise = noise,
                                .target = options.max_noise,
                                .budget = kBudget})
                      .taken_out);
}

}  // namespace qconvert
