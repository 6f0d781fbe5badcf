#include "alone_meter.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "compared_models.h"
#include "prefixed_model.h"
#include "qconvert/report/verdict.h"

namespace qconvert {
namespace {

using Comparisons = std::vector<OutputComparison>;

// The switches of each node of a group, in a model of the group alone.
std::vector<std::set<size_t>> NumbersIn(const SwitchedModel& group, const SwitchedModel& whole,
                                        const std::vector<const SwitchedNode*>& nodes) {
  std::map<size_t, size_t> number_of;  // by node of the float graph
  // The group's model counts its own switches: nodes are what both know.
  for (size_t s = 0; s < group.switches.size(); ++s) number_of[group.switches[s].node] = s;
  std::vector<std::set<size_t>> numbers;
  for (const SwitchedNode* node : nodes) {
    numbers.emplace_back();
    for (const size_t s : node->numbers)
      numbers.back().insert(number_of.at(whole.switches[s].node));
  }
  return numbers;
}

// Nothing where the model of the group cannot be cut.
std::optional<std::vector<double>> MeasureGroup(const AloneOptions& options,
                                                const std::vector<const SwitchedNode*>& nodes) {
  std::set<size_t> places;
  for (const SwitchedNode* node : nodes)
    for (const size_t s : node->numbers) places.insert(options.switched.switches[s].node);
  SwitchedModel group = MakeSwitchedAt(options.exact, options.quantized, places);
  const auto numbers = NumbersIn(group, options.switched, nodes);
  PrepareForComparison(options.comparer.values(), group.model.graph);
  PrefixedModel model(std::move(group.model), group.input, options.place);
  std::vector<Comparisons> sums(nodes.size());
  // What no switch changes runs once per sample, for all nodes of the group.
  for (const size_t k : options.samples) {
    const Sample sample = options.comparer.ReadSample(k);
    if (!model.SetSample(sample.inputs)) return std::nullopt;
    for (size_t n = 0; n < nodes.size(); ++n) {
      const Comparisons seen =
          options.comparer.CompareSampleOf(k, sample, model.Run(SwitchFlags(group, numbers[n])));
      if (sums[n].empty()) sums[n].resize(seen.size());
      for (size_t o = 0; o < seen.size(); ++o) {
        sums[n][o].value = options.comparer.values()[o];
        sums[n][o].Merge(seen[o]);
      }
    }
  }
  std::vector<double> noise;
  for (const Comparisons& of_node : sums) {
    noise.push_back(WorstNoise(of_node));
    if (options.on_run) options.on_run();
  }
  return noise;
}

std::vector<double> MeasureOneByOne(const AloneOptions& options,
                                    const std::vector<const SwitchedNode*>& nodes) {
  SwitchMeter meter(options.switched, options.comparer, options.place, options.samples,
                    options.on_run);
  std::vector<double> noise;
  for (const SwitchedNode* node : nodes) noise.push_back(meter.Noise(node->numbers));
  return noise;
}

}  // namespace

std::vector<double> MeasureAlone(const AloneOptions& options,
                                 const std::vector<SwitchedNode>& nodes) {
  std::vector<size_t> order(nodes.size());  // as they stand in the graph
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return nodes[a].numbers < nodes[b].numbers; });
  // States and random draws go from run to run: only whole runs in order count then.
  const bool is_cut = !options.comparer.has_feedback() && !options.comparer.is_in_step();
  const size_t together = is_cut ? kNodesTogether : nodes.size();
  std::vector<double> out(nodes.size());
  for (size_t first = 0; first < order.size(); first += together) {
    std::vector<const SwitchedNode*> group;
    for (size_t k = first; k < std::min(first + together, order.size()); ++k)
      group.push_back(&nodes[order[k]]);
    std::optional<std::vector<double>> noise;
    if (is_cut) noise = MeasureGroup(options, group);
    if (!noise) noise = MeasureOneByOne(options, group);
    for (size_t k = 0; k < group.size(); ++k) out[order[first + k]] = (*noise)[k];
  }
  return out;
}

}  // namespace qconvert
