#include "guard.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <tuple>
#include <utility>

#include "give_back.h"
#include "guard_units.h"
#include "lost_weights.h"
#include "noise_map.h"
#include "noise_of_outputs.h"
#include "qconvert/base/log.h"
#include "qconvert/plan/choose_scheme.h"
#include "widen_weights.h"

namespace qconvert {
namespace {

// Decibels that ranges taken at run time have to be better by, their time counted.
constexpr double kWorthTheChange = 1;
// A plan that fails with more noise than this is no better start than another: errors of the size
// of the outputs differ by chance.
constexpr double kLargeNoise = 0.1;
constexpr double kNearTheAim = 1;  // dB

class Guard {
 public:
  Guard(const Graph& graph, const PlaceOptions& base, const GuardOptions& options)
      : graph_(graph),
        options_(options),
        costs_(graph, base.sizes, base.costs),
        units_(graph, base, options.dynamic) {}

  GuardResult Run() {
    wide_ = options_.wide_weights;
    Accept({units_.full, units_.dynamic, wide_, floats_});
    outputs_ = best_.measured.verdict.outputs.size();
    WidenStoredWeights();
    if (MissesGateOrAim()) QuantizeAtRunTime();
    const std::vector<RepairStep> steps = best_.steps;
    if (IsWorthAMap()) PutBack();
    PutBackWithFloats(steps);
    WidenForTheGate();
    best_.measurements = measurements_;
    std::set<std::string> kept = best_.plan.wide_weights;
    for (const std::string& weight : options_.wide_weights) kept.erase(weight);
    kept.insert(best_.plan.float_weights.begin(), best_.plan.float_weights.end());
    best_.kept_wide.assign(kept.begin(), kept.end());
    best_.kept_float = units_.OriginsOf(kept_float_);
    return std::move(best_);
  }

 private:
  // Estimated, of all nodes that an integer kernel takes. A placement counts those that are kept
  // float nowhere: the more are, the less it takes.
  double Time(const Placement& placement) const {
    return placement.chosen_ns + units_.full.float_ns - placement.float_ns;
  }

  double allowed() const { return NoiseOfSqnr(options_.gate.min_sqnr_db); }
  double aim() const { return options_.aim_sqnr_db > 0 ? NoiseOfSqnr(options_.aim_sqnr_db) : 0; }
  bool MissesGateOrAim() const {
    const Measured& measured = best_.measured;
    if (!measured.verdict.passed) return measured.verdict.CanImprove();
    if (options_.aim_sqnr_db == 0) return false;
    return WorstTypicalNoise(measured) > aim();
  }

  // What lies this near to the aim is left so: finding out where the noise comes from takes more
  // measurements than all the rest, and what goes back to float must be worth its time besides.
  bool IsWorthAMap() const {
    if (!best_.measured.verdict.passed) return MissesGateOrAim();
    return MissesGateOrAim() &&
           SqnrOfNoise(WorstTypicalNoise(best_.measured)) < options_.aim_sqnr_db - kNearTheAim;
  }

  Measured Measure(const PlanDraft& plan) {
    if (++measurements_ == 1 && options_.whole) return *options_.whole;
    return options_.measure(plan);
  }

  // Measures on all samples and takes the plan when it is better than the best so far: one that
  // passes before one that does not, then the one of less noise.
  void Accept(PlanDraft plan) {
    Measured measured = Measure(plan);
    const bool first = best_.measured.outputs.empty() && best_.measured.failure.empty();
    const bool passes = measured.verdict.passed;
    const bool passed = best_.measured.verdict.passed;
    const bool better =
        passes != passed ? passes : measured.judged_noise() < best_.measured.judged_noise();
    if (!first && !better) return;
    best_.plan = std::move(plan);
    best_.measured = std::move(measured);
  }

  // Without integer nodes: what stored weights do alone.
  PlanDraft FloatDraft() const {
    PlanDraft draft{PlaceNodes(graph_, units_.KeepFloat(units_.all)), {}, wide_, floats_};
    units_.AddWeightsOf(units_.all, draft.wide_weights);
    return draft;
  }

  // That stored weights may bring.
  double AllowedOfWeights() const { return std::min(options_.max_weight_noise, allowed() / 2); }

  // Those that need 16 bit, and the noise that they leave.
  std::pair<std::set<std::string>, double> FindWide() {
    double left = 0;
    WidenOptions options{.weights = {},
                         .max_noise = AllowedOfWeights(),
                         .good_noise = options_.good_weight_noise,
                         .measure = [&](const std::set<std::string>& wide) {
                           const bool is_whole =
                               units_.all.empty() && wide.empty() && floats_.empty();
                           PlanDraft draft = FloatDraft();
                           draft.wide_weights.insert(wide.begin(), wide.end());
                           Measured measured = is_whole ? best_.measured : Measure(draft);
                           left = measured.pooled_noise();
                           return measured;
                         }};
    for (const WeightItem& weight : options_.weights)
      if (!floats_.contains(weight.name)) options.weights.push_back(weight);
    std::set<std::string> wide = WidenWeights(options);
    return {std::move(wide), left};
  }

  void WidenStoredWeights() {
    if (options_.weights.empty()) return;
    if (best_.measured.pooled_noise() <= options_.good_weight_noise) return;
    auto [widened, left] = FindWide();
    if (left > AllowedOfWeights()) {
      FindFloats();
      if (!floats_.empty()) widened = FindWide().first;
    }
    if (widened.empty() && floats_.empty()) return;
    wide_.insert(widened.begin(), widened.end());
    const double before = WorstTypicalNoise(best_.measured);
    Accept({units_.full, units_.dynamic, wide_, floats_});
    if (!widened.empty()) Tell("in 16 bit", "weight", widened.size(), 0, before);
    TellFloats(before);
  }

  // Weights that lose too much in 16 bit, whatever reads them.
  void FindFloats() {
    if (!options_.by_loss) return;
    const LostOptions options{.weights = options_.by_loss(),
                              .max_noise = AllowedOfWeights(),
                              .measure = [&](const std::set<std::string>& floats) {
                                PlanDraft draft = FloatDraft();
                                for (const WeightItem& weight : options_.weights)
                                  draft.wide_weights.insert(weight.name);
                                draft.float_weights = floats;
                                return Measure(draft);
                              }};
    floats_ = FindLostWeights(options);
  }

  void TellFloats(double before) {
    const size_t count = best_.plan.float_weights.size();
    if (count > 0) Tell("in float32", "weight", count, 0, before);
  }

  // To go back to float is no help where weights lose too much on the way: then once more, with
  // these as they came.
  void PutBackWithFloats(std::vector<RepairStep> steps) {
    const Verdict& verdict = best_.measured.verdict;
    if (verdict.passed || !verdict.CanImprove() || units_.all.empty() || !floats_.empty()) return;
    FindFloats();
    if (floats_.empty()) return;
    GuardResult failed = best_;
    const std::set<size_t> failed_kept = std::exchange(kept_float_, {});
    best_.plan = {units_.full, units_.dynamic, wide_, floats_};
    best_.measured = Measure(best_.plan);
    best_.steps = std::move(steps);
    PutBack();
    if (!best_.measured.verdict.passed &&
        best_.measured.judged_noise() >= failed.measured.judged_noise()) {
      best_ = std::move(failed);
      kept_float_ = failed_kept;
      floats_.clear();  // they have codes in that plan, which may have 16 bit
      return;
    }
    DropUnreadFloats();
    TellFloats(WorstTypicalNoise(failed.measured));
  }

  // What still fails may be stored weights, which have 16 bit only for what they bring over all
  // samples: twice as many each time, those of most expected noise first, until the plan passes.
  void WidenForTheGate() {
    const auto fails = [&] {
      const Verdict& verdict = best_.measured.verdict;
      return !verdict.passed && verdict.CanImprove();
    };
    std::vector<const WeightItem*> narrow;
    for (const WeightItem& weight : options_.weights) {
      if (!best_.plan.wide_weights.contains(weight.name) && !floats_.contains(weight.name))
        narrow.push_back(&weight);
    }
    std::stable_sort(narrow.begin(), narrow.end(), [](const WeightItem* a, const WeightItem* b) {
      return a->expected_noise > b->expected_noise;
    });
    const double before = WorstTypicalNoise(best_.measured);
    const size_t wide = best_.plan.wide_weights.size();
    for (size_t count = 0; count < narrow.size() && fails();) {
      count = std::min(2 * count + 1, narrow.size());
      PlanDraft draft = best_.plan;
      for (size_t k = 0; k < count; ++k) draft.wide_weights.insert(narrow[k]->name);
      Accept(std::move(draft));
    }
    if (best_.plan.wide_weights.size() > wide)
      Tell("in 16 bit", "weight", best_.plan.wide_weights.size() - wide, 0, before);
  }

  // Those that only integer nodes read, which have codes of their own.
  void DropUnreadFloats() {
    std::set<std::string> read;
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      const bool is_float = best_.plan.placement.nodes[n].domain == NodeDomain::kFloat;
      if (is_float && !best_.plan.dynamic.contains(n)) AddWeights(graph_, graph_.nodes[n], read);
    }
    std::erase_if(best_.plan.float_weights,
                  [&](const std::string& weight) { return !read.contains(weight); });
  }

  // These on integers, whatever time that takes, and nothing else.
  PlanDraft DraftOfOnly(const std::set<size_t>& units) const {
    std::set<size_t> others;
    std::set_difference(units_.all.begin(), units_.all.end(), units.begin(), units.end(),
                        std::inserter(others, others.end()));
    PlaceOptions options = units_.KeepFloat(others);
    options.place_by = PlaceBy::kKernels;
    // What moves floats in the whole plan does here: on integers it would have a kernel's floats
    // rounded, which no plan does, and the noise would be put down to that kernel.
    for (size_t n = 0; n < graph_.nodes.size(); ++n)
      if (units_.full.nodes[n].domain == NodeDomain::kFloat)
        options.keep_float.emplace(n, kKeptForTheError);
    PlanDraft draft{PlaceNodes(graph_, options), units_.dynamic, wide_, floats_};
    for (const size_t n : others) draft.dynamic.erase(n);
    units_.AddWeightsOf(others, draft.wide_weights);
    for (const WeightItem& weight : options_.weights) draft.wide_weights.insert(weight.name);
    return draft;
  }

  double WorstTypicalNoise(const Measured& measured) const {
    const std::vector<double> noise = TypicalNoises(measured, outputs_, options_.gate);
    return *std::max_element(noise.begin(), noise.end());
  }

  JudgedPlan Judge(const Measured& measured) const {
    return {JudgedNoises(measured, outputs_), TypicalNoises(measured, outputs_, options_.gate),
            measured.verdict.passed};
  }

  // Ranges that are taken at run time fit every sample, and cost time: for the nodes that can.
  void QuantizeAtRunTime() {
    std::map<size_t, std::string> more;
    std::set<size_t> nodes;
    double time = 0;
    for (const auto& [n, output] : options_.run_time) {
      if (units_.full.nodes[n].domain != NodeDomain::kInteger) continue;
      more[n] = output;
      nodes.insert(n);
      time -= costs_.FloatCost(graph_.nodes[n]) - costs_.DynamicCost(graph_.nodes[n]);
    }
    if (more.empty()) return;
    PlaceOptions base = units_.KeepFloat(nodes, "its input is quantized at run time");
    PlanDraft draft{PlaceNodes(graph_, base), units_.dynamic, wide_, floats_};
    draft.dynamic.insert(more.begin(), more.end());
    time += Time(draft.placement) - Time(units_.full);
    Measured measured = Measure(draft);
    const auto worth = [&](const Measured& of, double ns) {
      return SqnrOfNoise(std::max(WorstTypicalNoise(of), aim())) -
             ns / std::max(units_.full.float_ns, 1.0) / kTimeOfDecibel;
    };
    const bool passes = measured.verdict.passed;
    if (!passes && WorstTypicalNoise(measured) > kLargeNoise) return;
    const bool is_worth = worth(measured, time) > worth(best_.measured, 0) + kWorthTheChange;
    if (passes != best_.measured.verdict.passed ? !passes : !is_worth) return;
    const double before = WorstTypicalNoise(best_.measured);
    const double share = time / std::max(units_.full.float_ns, 1.0);
    units_.base = std::move(base);
    units_.full = draft.placement;
    units_.dynamic = draft.dynamic;
    best_.plan = std::move(draft);
    best_.measured = std::move(measured);
    Tell("quantized at run time", "node", more.size(), share, before);
  }

  // What the plan that is best now has that it had not before.
  void Tell(const char* what, const char* of, size_t count, double time, double before) {
    best_.steps.push_back({what, of, count, time, before, WorstTypicalNoise(best_.measured)});
  }

  std::vector<std::vector<double>> NoiseOfEach(const std::vector<std::set<size_t>>& parts) {
    const auto draft = [&](size_t k) { return DraftOfOnly(parts[k]); };
    std::vector<std::vector<double>> noise;
    for (const Measured& measured : options_.measure_parts(parts.size(), draft))
      noise.push_back(TypicalNoises(measured, outputs_, options_.gate));
    measurements_ += static_cast<int>(parts.size());
    return noise;
  }

  // Units go back to float for the gate, and for the aim where that is cheap.
  void PutBack() {
    std::map<std::set<size_t>, std::pair<PlanDraft, Measured>> tried;
    tried.emplace(std::set<size_t>{}, std::pair(best_.plan, best_.measured));
    if (options_.before_parts) options_.before_parts(DraftOfOnly({}));
    const GiveBackOptions give_back{
        .parts = MapNoise({.units = units_.all,
                           .noise = [&](const auto& parts) { return NoiseOfEach(parts); },
                           .saved = [&](const std::set<size_t>& units) { return Rest(units).time; },
                           .budget = static_cast<int>(options_.map_measurements)}),
        .whole = Judge(best_.measured),
        .allowed = allowed(),
        .aim = aim(),
        .time_of_decibel = kTimeOfDecibel,
        .rest = [&](const std::set<size_t>& without) { return Rest(without); },
        .measure =
            [&](const std::set<size_t>& without) {
              PlanDraft draft = DraftWithout(without, /*narrow=*/false);
              Measured measured = Measure(draft);
              JudgedPlan judged = Judge(measured);
              tried.emplace(without, std::pair(std::move(draft), std::move(measured)));
              return judged;
            },
        .budget = static_cast<int>(options_.whole_measurements)};
    for (const NoisyPart& part : give_back.parts)
      LogDebug(fmt::format("{} units from {}: {:.1f} dB alone, save {:.4f} of the time",
                           part.units.size(), units_.NameOf(*part.units.begin()),
                           SqnrOfNoise(*std::max_element(part.noise.begin(), part.noise.end())),
                           part.saved));
    kept_float_ = GiveBack(give_back);
    const double before = WorstTypicalNoise(best_.measured);
    std::tie(best_.plan, best_.measured) = std::move(tried.at(kept_float_));
    Narrow(kept_float_);
    const size_t gone = units_.OriginsOf(kept_float_).size();
    if (gone > 0) Tell("back to float", "node", gone, Rest(kept_float_).time, before);
  }

  // What stays on integers, or is quantized at run time, without these.
  Remainder Rest(const std::set<size_t>& without) const {
    const Placement placement = PlaceNodes(graph_, units_.KeepFloat(without));
    double time = std::max(Time(placement) - Time(units_.full), 0.0);
    Remainder rest;
    for (const size_t n : units_.all) {
      const bool is_dynamic = units_.dynamic.contains(n);
      if (is_dynamic && without.contains(n))
        time +=
            std::max(costs_.FloatCost(graph_.nodes[n]) - costs_.DynamicCost(graph_.nodes[n]), 0.0);
      if (units_.IsInteger(placement, n) || (is_dynamic && !without.contains(n)))
        rest.units.insert(n);
    }
    rest.time = time / std::max(units_.full.float_ns, 1.0);
    return rest;
  }

  // To pass is not enough: in float they save no time, and may bring no more noise than others that
  // are stored.
  void Narrow(const std::set<size_t>& taken_out) {
    PlanDraft narrow = DraftWithout(taken_out, /*narrow=*/true);
    if (narrow.wide_weights == best_.plan.wide_weights) return;
    Measured measured = Measure(narrow);
    const double added = measured.pooled_noise() - best_.measured.pooled_noise();
    if (!measured.verdict.passed || added > options_.max_weight_noise) return;
    best_.plan = std::move(narrow);
    best_.measured = std::move(measured);
  }

  PlanDraft DraftWithout(const std::set<size_t>& taken_out, bool narrow) const {
    PlanDraft draft{PlaceNodes(graph_, units_.KeepFloat(taken_out)), units_.dynamic, wide_,
                    floats_};
    for (const size_t n : taken_out) draft.dynamic.erase(n);
    if (!narrow) units_.AddWeightsOf(taken_out, draft.wide_weights);
    return draft;
  }

  const Graph& graph_;
  const GuardOptions& options_;
  const CostModel costs_;
  GuardUnits units_;
  size_t outputs_ = 0;            // judged; 0 where the whole plan does not run
  std::set<std::string> wide_;    // weights in 16 bit
  std::set<std::string> floats_;  // weights that lose too much by it
  std::set<size_t> kept_float_;   // units of the best plan that the guard put back
  GuardResult best_;
  int measurements_ = 0;
};

}  // namespace

GuardResult RunGuard(const Graph& graph, const PlaceOptions& base, const GuardOptions& options) {
  return Guard(graph, base, options).Run();
}

}  // namespace qconvert
