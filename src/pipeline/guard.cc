#include "guard.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "noise_search.h"

namespace qconvert {
namespace {

constexpr const char* kReason = "kept float: its error alone would harm an output";
constexpr int kRounds = 6;
constexpr int kMaxPolishing = 48;  // measurements for making stored weights good

class Guard {
 public:
  Guard(const Graph& graph, const PlaceOptions& base, const GuardOptions& options)
      : graph_(graph),
        base_(base),
        options_(options),
        full_(PlaceNodes(graph, base)),
        budget_left_(options.max_measurements) {
    for (size_t n = 0; n < graph.nodes.size(); ++n) {
      const bool integer = full_.nodes[n].domain == NodeDomain::kInteger;
      const bool movement = FindOpRule(graph.nodes[n]).kind == OpKind::kMovement;
      if ((integer && !movement) || options.dynamic.contains(n)) units_.push_back(n);
    }
    all_weights_.insert(options.weights.begin(), options.weights.end());
    all_weights_.insert(options.other_weights.begin(), options.other_weights.end());
  }

  GuardResult Run() {
    GuardResult result;
    result.plan = {full_, options_.dynamic, {}};
    if (!StoredWeightsHold()) result.plan.wide_weights = FindHarmfulWeights();
    const double noise = NoiseOfSqnr(options_.gate.min_sqnr_db);
    if (Accepts(result.plan)) return Finish(std::move(result));
    NoiseSearch search(
        units_, [&](const std::vector<size_t>& on) { return MeasureUnits(on); }, budget_left_);
    double allowed = std::max(noise - weight_noise_, noise / 2);
    for (int round = 0; round < kRounds; ++round, allowed /= 2) {
      search.Refine(std::max(allowed, 0.0));
      result.plan.placement = PlaceNodes(graph_, KeepFloat(search.taken_out()));
      for (const size_t n : search.taken_out()) result.plan.dynamic.erase(n);
      if (Accepts(result.plan) || search.taken_out().size() == units_.size()) break;
      if (budget_left_ <= 0) break;
    }
    for (const size_t n : search.taken_out()) {
      const Node& node = graph_.nodes[n];
      result.kept_float.push_back(node.name);
    }
    return Finish(std::move(result));
  }

 private:
  GuardResult Finish(GuardResult result) {
    result.outputs = std::move(outputs_);
    result.verdict = std::move(verdict_);
    result.measurements = options_.max_measurements - budget_left_;
    result.kept_wide.assign(result.plan.wide_weights.begin(), result.plan.wide_weights.end());
    return result;
  }

  bool Accepts(const GuardedPlan& plan) {
    --budget_left_;
    outputs_ = options_.measure(plan, GuardLook::kThorough);
    verdict_ = JudgeOutputs(outputs_, options_.gate);
    return !verdict_.CanImprove();
  }

  // Noise of stored weights alone, all but `wide_weights`.
  double WeightNoise(std::set<std::string> wide_weights, GuardLook look) {
    const std::set<size_t> all(units_.begin(), units_.end());
    return WorstNoise(options_.measure(
        GuardedPlan{PlaceNodes(graph_, KeepFloat(all)), {}, std::move(wide_weights)}, look));
  }

  bool StoredWeightsHold() {
    if (options_.weights.empty()) return true;
    --budget_left_;
    const std::set<std::string> others(options_.other_weights.begin(),
                                       options_.other_weights.end());
    weight_noise_ = WeightNoise(others, GuardLook::kThorough);
    return weight_noise_ <= options_.good_weight_noise;
  }

  std::set<std::string> FindHarmfulWeights() {
    std::vector<size_t> items(options_.weights.size());
    std::iota(items.begin(), items.end(), size_t{0});
    const auto measure = [&](const std::vector<size_t>& on) {
      std::set<std::string> off = all_weights_;
      for (const size_t item : on) off.erase(options_.weights[item]);
      return WeightNoise(std::move(off), GuardLook::kQuick);
    };
    NoiseSearch search(items, measure, budget_left_);
    search.Refine(options_.max_weight_noise);
    double part = 0;
    for (const size_t item : search.taken_out()) part += PartOfWeights(item);
    const int stop = budget_left_ - kMaxPolishing;
    search.RefineWhile(options_.good_weight_noise, [&](size_t item) {
      part += PartOfWeights(item);
      return part <= GuardOptions::kWidePart && budget_left_ > stop;
    });
    weight_noise_ = search.remaining_noise();
    std::set<std::string> harmful;
    for (const size_t item : search.taken_out()) harmful.insert(options_.weights[item]);
    return harmful;
  }

  double PartOfWeights(size_t item) const {
    const auto& elements = options_.weight_elements;
    const auto all = std::accumulate(elements.begin(), elements.end(), int64_t{0});
    return static_cast<double>(elements[item]) / static_cast<double>(std::max<int64_t>(all, 1));
  }

  // Noise of these units on integers, all else float, in terms of the gate.
  double MeasureUnits(const std::vector<size_t>& on) {
    std::set<size_t> others(units_.begin(), units_.end());
    for (const size_t n : on) others.erase(n);
    PlaceOptions options = KeepFloat(others);
    options.place_by = PlaceBy::kKernels;
    GuardedPlan plan{PlaceNodes(graph_, options), options_.dynamic, all_weights_};
    for (const size_t n : others) plan.dynamic.erase(n);
    return JudgeOutputs(options_.measure(std::move(plan), GuardLook::kQuick), options_.gate).noise;
  }

  PlaceOptions KeepFloat(const std::set<size_t>& kept) const {
    PlaceOptions options = base_;
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {  // float anyway: no statistics were taken
      const bool is_float = full_.nodes[n].domain == NodeDomain::kFloat;
      if (is_float && FindOpRule(graph_.nodes[n]).kind != OpKind::kMovement) {
        options.keep_float.emplace(n, full_.nodes[n].reason);
      }
    }
    for (const size_t n : kept) {
      options.keep_float.emplace(n, kReason);
      for (const size_t t : full_.nodes[n].unit.tail) options.keep_float.emplace(t, kReason);
    }
    return options;
  }

  const Graph& graph_;
  const PlaceOptions& base_;
  const GuardOptions& options_;
  const Placement full_;
  std::vector<size_t> units_;
  std::set<std::string> all_weights_;
  int budget_left_;
  double weight_noise_ = 0;  // of the weights that stay stored in 8 bit
  std::vector<OutputComparison> outputs_;
  Verdict verdict_;
};

}  // namespace

GuardResult RunGuard(const Graph& graph, const PlaceOptions& base, const GuardOptions& options) {
  return Guard(graph, base, options).Run();
}

}  // namespace qconvert
