#include "guard.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "qconvert/targets/weight_slots.h"
#include "small_set_search.h"

namespace qconvert {
namespace {

constexpr const char* kReason = "kept float for the error at the outputs";
constexpr int kRounds = 4;
constexpr size_t kQuickSamples = 2;
constexpr int kAimMeasurements = 12;
// An aim is cheap while a decibel costs at most this part of the estimated time.
constexpr double kTimeOfDecibel = 0.02;
constexpr double kLeastNoise = 1e-20;

class Guard {
 public:
  Guard(const Graph& graph, const PlaceOptions& base, const GuardOptions& options)
      : graph_(graph), base_(base), options_(options), full_(PlaceNodes(graph, base)) {
    for (size_t n = 0; n < graph.nodes.size(); ++n) {
      const bool integer = full_.nodes[n].domain == NodeDomain::kInteger;
      const bool movement = FindOpRule(graph.nodes[n]).kind == OpKind::kMovement;
      if ((integer && !movement) || options.dynamic.contains(n)) units_.push_back(n);
    }
    const auto noise = [&](size_t n) {
      return n < options.node_noise.size() ? options.node_noise[n] : 0;
    };
    std::stable_sort(units_.begin(), units_.end(),
                     [&](size_t a, size_t b) { return noise(a) > noise(b); });
  }

  GuardResult Run() {
    wide_ = options_.wide_weights;
    Accept({full_, options_.dynamic, wide_}, {});
    PickQuickSamples();
    WidenStoredWeights();
    if (!best_.measured.verdict.passed && best_.measured.verdict.CanImprove()) PutBackForTheGate();
    if (best_.measured.verdict.passed && options_.aim_sqnr_db > 0) PutBackForTheAim();
    best_.measurements = measurements_;
    for (const std::string& weight : best_.plan.wide_weights)
      if (!options_.wide_weights.contains(weight)) best_.kept_wide.push_back(weight);
    for (const size_t n : kept_float_) best_.kept_float.push_back(graph_.nodes[n].name);
    return std::move(best_);
  }

 private:
  // Estimated, of all nodes that an integer kernel takes. A placement counts those that are kept
  // float nowhere: the more are, the less it takes.
  double Time(const Placement& placement) const {
    return std::max(placement.chosen_ns + full_.float_ns - placement.float_ns, 1.0);
  }

  double allowed() const { return NoiseOfSqnr(options_.gate.min_sqnr_db); }
  bool HasBudget() const { return measurements_ < options_.max_measurements; }

  Measured Measure(const PlanDraft& plan, const std::vector<size_t>& samples) {
    if (++measurements_ == 1 && options_.whole) return *options_.whole;
    return options_.measure(plan, samples);
  }

  // Measures on all samples and takes the plan when it is better than the best so far: one that
  // passes before one that does not, then the one of less noise.
  bool Accept(PlanDraft plan, std::set<size_t> kept_float) {
    Measured measured = Measure(plan, {});
    const bool first = best_.measured.outputs.empty() && best_.measured.failure.empty();
    const bool passes = measured.verdict.passed;
    const bool passed = best_.measured.verdict.passed;
    const bool better = passes != passed ? passes
                                         : measured.judged_noise(options_.gate) <
                                               best_.measured.judged_noise(options_.gate);
    if (!first && !better) return false;
    best_.plan = std::move(plan);
    best_.measured = std::move(measured);
    kept_float_ = std::move(kept_float);
    return true;
  }

  // The samples that the whole plan is furthest off on; none picked means all.
  void PickQuickSamples() {
    const auto& outputs = best_.measured.outputs;
    if (outputs.empty()) {
      quick_ = {0};
      return;
    }
    std::vector<double> noise;
    for (const OutputComparison& output : outputs) {
      noise.resize(std::max(noise.size(), output.samples.size()), 0);
      if (!IsFloatingPoint(output.type) || output.value.is_random) continue;
      for (size_t k = 0; k < output.samples.size(); ++k)
        noise[k] = std::max(noise[k], output.SampleNoise(k));
    }
    if (noise.size() <= kQuickSamples) return;
    std::vector<size_t> order(noise.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return noise[a] > noise[b]; });
    quick_ = {order[0], order[1]};
    std::sort(quick_.begin(), quick_.end());
  }

  // Without integer nodes: what stored weights do alone.
  PlanDraft FloatDraft() const {
    const std::set<size_t> all(units_.begin(), units_.end());
    PlanDraft draft{PlaceNodes(graph_, KeepFloat(all)), {}, wide_};
    AddWeightsOf(all, draft.wide_weights);
    return draft;
  }

  void WidenStoredWeights() {
    if (options_.weights.empty()) return;
    if (best_.measured.pooled_noise() <= options_.good_weight_noise) return;
    const Measured alone = units_.empty() ? best_.measured : Measure(FloatDraft(), {});
    double noise = alone.pooled_noise();
    const double most = std::min(options_.max_weight_noise, allowed() / 2);
    if (noise <= options_.good_weight_noise) return;
    const std::set<std::string> before = wide_;
    double target = most;
    for (int round = 0; noise > most && round < kRounds && HasBudget(); ++round, target /= 2) {
      wide_ = before;
      Widen(target);
      noise = Measure(FloatDraft(), {}).pooled_noise();
    }
    if (noise > options_.good_weight_noise) WidenTheCheapest();
    if (wide_ == before) return;
    Accept({full_, options_.dynamic, wide_}, {});
  }

  // Fewest weights that must have 16 bit for the quick samples to stay within `target`.
  void Widen(double target) {
    std::vector<size_t> items(options_.weights.size());
    std::iota(items.begin(), items.end(), size_t{0});
    std::stable_sort(items.begin(), items.end(), [&](size_t a, size_t b) {
      return options_.weights[a].expected_noise > options_.weights[b].expected_noise;
    });
    const auto widened = [&](const std::set<size_t>& wide) {
      PlanDraft draft = FloatDraft();
      for (const size_t item : wide) draft.wide_weights.insert(options_.weights[item].name);
      return draft;
    };
    const SmallSet found = FindSmallSet(
        {.items = items,
         .noise = [&](const auto& wide) { return Measure(widened(wide), quick_).pooled_noise(); },
         .target = target,
         .budget = options_.max_measurements / 3});
    for (const size_t item : found.taken_out) wide_.insert(options_.weights[item].name);
  }

  // Weights of most expected noise by byte, as many as kWidePart of all elements allows.
  void WidenTheCheapest() {
    std::vector<const WeightItem*> items;
    int64_t all = 0;
    for (const WeightItem& item : options_.weights) {
      all += item.elements;
      if (!wide_.contains(item.name)) items.push_back(&item);
    }
    std::stable_sort(items.begin(), items.end(), [](const WeightItem* a, const WeightItem* b) {
      return a->expected_noise * static_cast<double>(b->elements) >
             b->expected_noise * static_cast<double>(a->elements);
    });
    double left = GuardOptions::kWidePart * static_cast<double>(all);
    for (const WeightItem* item : items) {
      if (static_cast<double>(item->elements) > left) continue;
      left -= static_cast<double>(item->elements);
      wide_.insert(item->name);
    }
  }

  // Units that must be float for the gate, on all samples.
  void PutBackForTheGate() {
    double target = allowed();
    for (int round = 0; round < kRounds && HasBudget(); ++round, target /= 2) {
      const SmallSet found = FindUnits(target);
      if (!found.reached && round > 0) return;
      Accept(DraftWithout(found.taken_out, /*narrow=*/false), found.taken_out);
      if (!best_.measured.verdict.passed) continue;
      // Their weights in 8 bit where those do as well.
      Narrow(found.taken_out);
      return;
    }
  }

  void Narrow(const std::set<size_t>& taken_out) {
    PlanDraft narrow = DraftWithout(taken_out, /*narrow=*/true);
    if (narrow.wide_weights == best_.plan.wide_weights) return;
    Measured measured = Measure(narrow, {});
    if (!measured.verdict.passed) return;
    best_.plan = std::move(narrow);
    best_.measured = std::move(measured);
  }

  // Units whose error costs most and whose integers save little, besides those that the gate needs.
  void PutBackForTheAim() {
    const double aim = NoiseOfSqnr(options_.aim_sqnr_db);
    const double before = best_.measured.judged_noise(options_.gate);
    if (before <= aim || !HasBudget()) return;
    const std::set<size_t> needed = kept_float_;
    const std::set<std::string> wide = best_.plan.wide_weights;
    std::vector<size_t> others;
    for (const size_t n : units_)
      if (!needed.contains(n)) others.push_back(n);
    const auto draft_without = [&](const std::set<size_t>& without) {
      std::set<size_t> all = needed;
      all.insert(without.begin(), without.end());
      PlanDraft draft = DraftWithout(all, /*narrow=*/true);
      draft.wide_weights = wide;
      return draft;
    };
    const auto noise = [&](const std::set<size_t>& without) {
      return Measure(draft_without(without), quick_).judged_noise(options_.gate);
    };
    const double quick_before = noise({});
    const SmallSet found = FindSmallSet(
        {.items = others,
         .noise = noise,
         .target = aim,
         .budget = std::min(kAimMeasurements, options_.max_measurements - measurements_)});
    // Where all of it costs too much, the most suspicious half, quarter, ... may not.
    std::vector<size_t> taken_out;
    for (const size_t n : others)
      if (found.taken_out.contains(n)) taken_out.push_back(n);
    double after = found.noise;
    for (; !taken_out.empty(); taken_out.resize(taken_out.size() / 2)) {
      const std::set<size_t> some(taken_out.begin(), taken_out.end());
      if (some.size() < found.taken_out.size()) {
        if (!HasBudget()) return;
        after = noise(some);
      }
      PlanDraft draft = draft_without(some);
      const double cost = (Time(draft.placement) - Time(best_.plan.placement)) / Time(full_);
      const double decibels = 10 * std::log10(quick_before / std::max(after, kLeastNoise));
      if (decibels < 1 || cost > kTimeOfDecibel * decibels) continue;
      std::set<size_t> kept = needed;
      kept.insert(some.begin(), some.end());
      Accept(std::move(draft), std::move(kept));
      return;
    }
  }

  SmallSet FindUnits(double target) {
    const auto noise = [&](const std::set<size_t>& without) {
      const PlanDraft draft = DraftWithout(without, /*narrow=*/false);
      return Measure(draft, quick_).judged_noise(options_.gate);
    };
    return FindSmallSet({.items = units_,
                         .noise = noise,
                         .target = target,
                         .budget = options_.max_measurements - measurements_});
  }

  PlanDraft DraftWithout(const std::set<size_t>& taken_out, bool narrow) const {
    PlanDraft draft{PlaceNodes(graph_, KeepFloat(taken_out)), options_.dynamic, wide_};
    for (const size_t n : taken_out) draft.dynamic.erase(n);
    if (!narrow) AddWeightsOf(taken_out, draft.wide_weights);
    return draft;
  }

  void AddWeightsOf(const std::set<size_t>& nodes, std::set<std::string>& weights) const {
    for (const size_t n : nodes) {
      for (const std::string& weight : WeightsOf(graph_.nodes[n]))
        if (graph_.FindInitializer(weight) != nullptr) weights.insert(weight);
    }
  }

  PlaceOptions KeepFloat(const std::set<size_t>& kept) const {
    PlaceOptions options = base_;
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {  // what is float stays so
      const bool is_float = full_.nodes[n].domain == NodeDomain::kFloat;
      if (is_float && FindOpRule(graph_.nodes[n]).kind != OpKind::kMovement)
        options.keep_float.emplace(n, full_.nodes[n].reason);
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
  std::vector<size_t> units_;    // the most suspicious first
  std::vector<size_t> quick_;    // samples for measuring parts
  std::set<std::string> wide_;   // weights in 16 bit
  std::set<size_t> kept_float_;  // units of the best plan that the guard put back
  GuardResult best_;
  int measurements_ = 0;
};

}  // namespace

GuardResult RunGuard(const Graph& graph, const PlaceOptions& base, const GuardOptions& options) {
  return Guard(graph, base, options).Run();
}

}  // namespace qconvert
