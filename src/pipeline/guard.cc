#include "guard.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "qconvert/targets/weight_slots.h"
#include "small_set_search.h"
#include "widen_weights.h"
#include "worst_samples.h"

namespace qconvert {
namespace {

constexpr const char* kReason = "kept float for the error at the outputs";
constexpr int kRounds = 4;
constexpr int kAimMeasurements = 20;
// An aim is cheap while a decibel costs at most this part of the estimated time.
constexpr double kTimeOfDecibel = 0.02;
constexpr double kLeastNoise = 1e-20;
constexpr size_t kStretches = 12;
// Of the float time: what a stretch is taken to save at least.
constexpr double kLeastSaving = 0.001;

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
    WidenStoredWeights();
    quick_ = WorstSamples(best_.measured.outputs, options_.gate);
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
    return placement.chosen_ns + full_.float_ns - placement.float_ns;
  }

  // Whether the same nodes take integers.
  static bool AreAlike(const PlanDraft& a, const PlanDraft& b) {
    const auto& nodes = b.placement.nodes;
    return a.dynamic == b.dynamic &&
           std::equal(a.placement.nodes.begin(), a.placement.nodes.end(), nodes.begin(),
                      nodes.end(),
                      [](const auto& x, const auto& y) { return x.domain == y.domain; });
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
    const bool better =
        passes != passed ? passes : measured.judged_noise() < best_.measured.judged_noise();
    if (!first && !better) return false;
    best_.plan = std::move(plan);
    best_.measured = std::move(measured);
    kept_float_ = std::move(kept_float);
    return true;
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
    const WidenOptions options{
        .weights = options_.weights,
        .max_noise = std::min(options_.max_weight_noise, allowed() / 2),
        .good_noise = options_.good_weight_noise,
        .gate = options_.gate,
        .measure =
            [&](const std::set<std::string>& wide, const std::vector<size_t>& samples) {
              if (units_.empty() && wide.empty()) return best_.measured;
              PlanDraft draft = FloatDraft();
              draft.wide_weights.insert(wide.begin(), wide.end());
              return Measure(draft, samples);
            },
        .budget = options_.max_measurements / 3};
    const std::set<std::string> widened = WidenWeights(options);
    if (widened.empty()) return;
    wide_.insert(widened.begin(), widened.end());
    Accept({full_, options_.dynamic, wide_}, {});
  }

  // Cuts the model into stretches and measures each alone on integers: the order of suspicion is
  // then noise by time saved of a stretch, and inside it what every node is expected to bring. What
  // goes back together lies together, and needs few conversions.
  void SuspectByStretches() {
    if (by_stretches_ || units_.size() < 2 * kStretches) return;
    by_stretches_ = true;
    std::vector<size_t> in_order = units_;
    std::sort(in_order.begin(), in_order.end());
    const CostModel costs(graph_, base_.sizes, base_.costs);
    std::map<size_t, double> suspicion;  // by unit
    for (size_t k = 0; k < kStretches; ++k) {
      const auto at = [&](size_t part) {
        return in_order.begin() + static_cast<ptrdiff_t>(part * in_order.size() / kStretches);
      };
      const std::set<size_t> stretch(at(k), at(k + 1));
      double saved = kLeastSaving * full_.float_ns;
      for (const size_t n : stretch)
        saved +=
            std::max(costs.FloatCost(graph_.nodes[n]) - costs.IntegerCost(graph_.nodes[n]), 0.0);
      const double noise = Measure(DraftOfOnly(stretch), quick_).verdict.noise;
      for (const size_t n : stretch) suspicion[n] = noise / saved;
    }
    std::stable_sort(units_.begin(), units_.end(),
                     [&](size_t a, size_t b) { return suspicion[a] > suspicion[b]; });
  }

  // These on integers, whatever time that takes, and nothing else.
  PlanDraft DraftOfOnly(const std::set<size_t>& units) const {
    std::set<size_t> others;
    for (const size_t n : units_)
      if (!units.contains(n)) others.insert(n);
    PlaceOptions options = KeepFloat(others);
    options.place_by = PlaceBy::kKernels;
    PlanDraft draft{PlaceNodes(graph_, options), options_.dynamic, wide_};
    for (const size_t n : others) draft.dynamic.erase(n);
    AddWeightsOf(others, draft.wide_weights);
    return draft;
  }

  // Units that must be float for the gate, on all samples.
  void PutBackForTheGate() {
    SuspectByStretches();
    double target = allowed();
    std::set<size_t> taken_out;
    for (int round = 0; round < kRounds && HasBudget(); ++round, target /= 2) {
      SmallSet found = FindUnits(target);
      if (!found.reached && round > 0) break;
      taken_out = std::move(found.taken_out);
      if (PassesWithout(taken_out)) return;
      quick_ = WorstSamples(best_.measured.outputs, options_.gate);
    }
    PutBackToTheEnd(taken_out.size());
  }

  std::set<size_t> FirstSuspects(size_t count) const {
    return {units_.begin(),
            units_.begin() + static_cast<ptrdiff_t>(std::min(count, units_.size()))};
  }

  // What few samples say is not enough here, where more than `failing` suspects have to go back:
  // twice as many until all samples pass, then about the fewest of them.
  void PutBackToTheEnd(size_t failing) {
    size_t passing = failing;
    do {
      failing = passing;
      passing = std::min(std::max<size_t>(2 * failing, 1), units_.size());
      if (failing == passing) return;
    } while (!PassesWithout(FirstSuspects(passing)));
    while (passing - failing > std::max<size_t>(1, passing / 8)) {
      const size_t middle = failing + (passing - failing) / 2;
      PlanDraft draft = DraftWithout(FirstSuspects(middle), /*narrow=*/true);
      draft.wide_weights.insert(best_.plan.wide_weights.begin(), best_.plan.wide_weights.end());
      Measured measured = Measure(draft, {});
      if (!measured.verdict.passed) {
        failing = middle;
        continue;
      }
      passing = middle;
      best_.plan = std::move(draft);
      best_.measured = std::move(measured);
      kept_float_ = FirstSuspects(middle);
    }
  }

  bool PassesWithout(const std::set<size_t>& taken_out) {
    Accept(DraftWithout(taken_out, /*narrow=*/false), taken_out);
    if (!best_.measured.verdict.passed) return false;
    Narrow(taken_out);  // weights in 8 bit where those do as well
    return true;
  }

  // To pass is not enough: in float they save no time, and may bring no more noise than others that
  // are stored.
  void Narrow(const std::set<size_t>& taken_out) {
    PlanDraft narrow = DraftWithout(taken_out, /*narrow=*/true);
    if (narrow.wide_weights == best_.plan.wide_weights) return;
    Measured measured = Measure(narrow, {});
    const double added = measured.pooled_noise() - best_.measured.pooled_noise();
    if (!measured.verdict.passed || added > options_.max_weight_noise) return;
    best_.plan = std::move(narrow);
    best_.measured = std::move(measured);
  }

  // Besides those that the gate needs, the first 1, 2, 4, ... suspects, or parts of them: whatever
  // is worth most, decibels up to the aim against the time they cost.
  void PutBackForTheAim() {
    const double aim = NoiseOfSqnr(options_.aim_sqnr_db);
    if (best_.measured.judged_noise() <= aim) return;
    SuspectByStretches();
    const PlanDraft base = best_.plan;
    const double before = std::max(Measure(base, quick_).judged_noise(), kLeastNoise);
    const std::set<size_t> needed = kept_float_;
    std::set<size_t> best_set;
    double best_worth = 0;
    int budget = kAimMeasurements;
    // Whether they are the best so far, and reach the aim.
    const auto reach = [&](const std::set<size_t>& more) {
      const PlanDraft draft = DraftBeside(base, needed, more);
      if (AreAlike(draft, base)) return false;
      --budget;
      const double after = std::max(Measure(draft, quick_).judged_noise(), aim);
      const double decibels = 10 * std::log10(before / after);
      const double cost = std::max(Time(draft.placement) - Time(base.placement), 0.0);
      const double worth = decibels - cost / std::max(full_.float_ns, 1.0) / kTimeOfDecibel;
      // Of two that are worth the same, the smaller set.
      const bool better = best_set.size() > more.size() ? worth >= best_worth : worth > best_worth;
      if (decibels < 1 || !better) return false;
      best_worth = worth;
      best_set = more;
      return after <= aim;
    };
    std::set<size_t> more;
    for (size_t first = 0, count = 1; first < units_.size() && budget > 0; count *= 2) {
      for (; first < std::min(count, units_.size()); ++first)
        if (!needed.contains(units_[first])) more.insert(units_[first]);
      if (reach(more)) break;
    }
    for (size_t part = best_set.size() / 2; part > 0 && budget > 0; part /= 2) {
      const std::vector<size_t> whole(best_set.begin(), best_set.end());
      for (size_t from = 0; from + part <= whole.size() && budget > 0; from += part) {
        std::set<size_t> fewer = best_set;
        for (size_t k = from; k < from + part; ++k) fewer.erase(whole[k]);
        if (!fewer.empty()) reach(fewer);
      }
    }
    if (best_set.empty()) return;
    PlanDraft draft = DraftBeside(base, needed, best_set);
    best_set.insert(needed.begin(), needed.end());
    Accept(std::move(draft), std::move(best_set));
  }

  // The weights as in `base`; two sets of units in float.
  PlanDraft DraftBeside(const PlanDraft& base, std::set<size_t> without,
                        const std::set<size_t>& more) const {
    without.insert(more.begin(), more.end());
    PlanDraft draft = DraftWithout(without, /*narrow=*/true);
    draft.wide_weights = base.wide_weights;
    return draft;
  }

  SmallSet FindUnits(double target) {
    const auto noise = [&](const std::set<size_t>& without) {
      const PlanDraft draft = DraftWithout(without, /*narrow=*/false);
      return Measure(draft, quick_).judged_noise();
    };
    return FindSmallSet({.items = units_,
                         .noise = noise,
                         .target = target,
                         .budget = 3 * (options_.max_measurements - measurements_) / 4});
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
  bool by_stretches_ = false;  // the order of units_ was measured
  int measurements_ = 0;
};

}  // namespace

GuardResult RunGuard(const Graph& graph, const PlaceOptions& base, const GuardOptions& options) {
  return Guard(graph, base, options).Run();
}

}  // namespace qconvert
