#include "guard.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <tuple>
#include <utility>

#include "give_back.h"
#include "noise_map.h"
#include "qconvert/base/log.h"
#include "qconvert/plan/choose_scheme.h"
#include "qconvert/targets/weight_slots.h"
#include "widen_weights.h"

namespace qconvert {
namespace {

constexpr const char* kReason = "kept float for the error at the outputs";
// Decibels that ranges taken at run time have to be better by, their time counted.
constexpr double kWorthTheChange = 1;
// A plan that fails with more noise than this is no better start than another: errors of the size
// of the outputs differ by chance.
constexpr double kLargeNoise = 0.1;
// Stands for infinities and plans that do not run, so that noise can be added.
constexpr double kMostNoise = 1e6;
constexpr double kNearTheAim = 1;  // dB
constexpr int kMapMeasurements = 20;
constexpr int kWholeMeasurements = 8;

class Guard {
 public:
  Guard(const Graph& graph, const PlaceOptions& base, const GuardOptions& options)
      : graph_(graph),
        base_(base),
        options_(options),
        costs_(graph, base_.sizes, base_.costs),
        full_(PlaceNodes(graph, base)),
        dynamic_(options.dynamic) {
    for (size_t n = 0; n < graph.nodes.size(); ++n) {
      const bool integer = full_.nodes[n].domain == NodeDomain::kInteger;
      const bool movement = FindOpRule(graph.nodes[n]).kind == OpKind::kMovement;
      if ((integer && !movement) || dynamic_.contains(n)) units_.insert(n);
    }
    for (const auto& [way, placed] : full_.bodies) {
      if (!AnyInteger(placed)) continue;
      units_.insert(graph.nodes.size() + bodies_.size());
      bodies_.push_back(way);
    }
  }

  GuardResult Run() {
    wide_ = options_.wide_weights;
    Accept({full_, dynamic_, wide_});
    outputs_ = best_.measured.verdict.outputs.size();
    WidenStoredWeights();
    if (MissesGateOrAim()) QuantizeAtRunTime();
    if (IsWorthAMap()) PutBack();
    best_.measurements = measurements_;
    for (const std::string& weight : best_.plan.wide_weights)
      if (!options_.wide_weights.contains(weight)) best_.kept_wide.push_back(weight);
    for (const size_t n : kept_float_) best_.kept_float.push_back(NameOf(n));
    return std::move(best_);
  }

 private:
  // What the integers of a body are together; behind the nodes, in the order of `bodies_`.
  const std::string* BodyOf(size_t unit) const {
    return unit < graph_.nodes.size() ? nullptr : &bodies_[unit - graph_.nodes.size()];
  }
  const std::string& NameOf(size_t unit) const {
    const std::string* body = BodyOf(unit);
    return body == nullptr ? graph_.nodes[unit].name : *body;
  }
  bool IsInteger(const Placement& placement, size_t unit) const {
    const std::string* body = BodyOf(unit);
    return body == nullptr ? placement.nodes[unit].domain == NodeDomain::kInteger
                           : AnyInteger(placement.bodies.at(*body));
  }

  // Estimated, of all nodes that an integer kernel takes. A placement counts those that are kept
  // float nowhere: the more are, the less it takes.
  double Time(const Placement& placement) const {
    return placement.chosen_ns + full_.float_ns - placement.float_ns;
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
    const Measured& measured = best_.measured;
    if (!measured.verdict.passed) return MissesGateOrAim();
    return MissesGateOrAim() &&
           SqnrOfNoise(WorstTypicalNoise(measured)) < options_.aim_sqnr_db - kNearTheAim;
  }

  Measured Measure(const PlanDraft& plan, const std::vector<size_t>& samples) {
    if (++measurements_ == 1 && options_.whole) return *options_.whole;
    return options_.measure(plan, samples);
  }

  // Measures on all samples and takes the plan when it is better than the best so far: one that
  // passes before one that does not, then the one of less noise.
  void Accept(PlanDraft plan) {
    Measured measured = Measure(plan, {});
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
    const std::set<size_t> all(units_.begin(), units_.end());
    PlanDraft draft{PlaceNodes(graph_, KeepFloat(all)), {}, wide_};
    AddWeightsOf(all, draft.wide_weights);
    return draft;
  }

  void WidenStoredWeights() {
    if (options_.weights.empty()) return;
    if (best_.measured.pooled_noise() <= options_.good_weight_noise) return;
    const WidenOptions options{.weights = options_.weights,
                               .max_noise = std::min(options_.max_weight_noise, allowed() / 2),
                               .good_noise = options_.good_weight_noise,
                               .measure = [&](const std::set<std::string>& wide) {
                                 if (units_.empty() && wide.empty()) return best_.measured;
                                 PlanDraft draft = FloatDraft();
                                 draft.wide_weights.insert(wide.begin(), wide.end());
                                 return Measure(draft, {});
                               }};
    const std::set<std::string> widened = WidenWeights(options);
    if (widened.empty()) return;
    wide_.insert(widened.begin(), widened.end());
    const double before = WorstTypicalNoise(best_.measured);
    Accept({full_, dynamic_, wide_});
    Tell("in 16 bit", "weight", widened.size(), 0, before);
  }

  // These on integers, whatever time that takes, and nothing else.
  PlanDraft DraftOfOnly(const std::set<size_t>& units) const {
    std::set<size_t> others;
    std::set_difference(units_.begin(), units_.end(), units.begin(), units.end(),
                        std::inserter(others, others.end()));
    PlaceOptions options = KeepFloat(others);
    options.place_by = PlaceBy::kKernels;
    // What moves floats in the whole plan does here: on integers it would have a kernel's floats
    // rounded, which no plan does, and the noise would be put down to that kernel.
    for (size_t n = 0; n < graph_.nodes.size(); ++n)
      if (full_.nodes[n].domain == NodeDomain::kFloat) options.keep_float.emplace(n, kReason);
    PlanDraft draft{PlaceNodes(graph_, options), dynamic_, wide_};
    for (const size_t n : others) draft.dynamic.erase(n);
    AddWeightsOf(others, draft.wide_weights);
    for (const WeightItem& weight : options_.weights) draft.wide_weights.insert(weight.name);
    return draft;
  }

  // At each output, by what the gate counts; one number where the whole plan does not run.
  std::vector<double> JudgedNoise(const Measured& measured) const {
    std::vector<double> noise(std::max<size_t>(outputs_, 1), kMostNoise);
    if (!measured.failure.empty()) return noise;
    if (outputs_ == 0) return {std::min(measured.judged_noise(), kMostNoise)};
    for (size_t o = 0; o < outputs_; ++o)
      noise[o] = std::min(measured.verdict.outputs[o].noise, kMostNoise);
    return noise;
  }

  // The same in a typical sample: what single positions of the worst ones do is chance.
  std::vector<double> TypicalNoiseOf(const Measured& measured) const {
    std::vector<double> noise = JudgedNoise(measured);
    if (!measured.failure.empty() || outputs_ == 0) return noise;
    for (size_t o = 0; o < outputs_; ++o) {
      const OutputComparison& output = measured.outputs[o];
      if (output.samples.empty() || noise[o] == 0) continue;
      noise[o] =
          std::min(std::max(TypicalNoise({&output, 1}), HiddenNoise({&output, 1}, options_.gate)),
                   kMostNoise);
    }
    return noise;
  }

  double WorstTypicalNoise(const Measured& measured) const {
    const std::vector<double> noise = TypicalNoiseOf(measured);
    return *std::max_element(noise.begin(), noise.end());
  }

  JudgedPlan Judge(const Measured& measured) const {
    return {JudgedNoise(measured), TypicalNoiseOf(measured), measured.verdict.passed};
  }

  // Ranges that are taken at run time fit every sample, and cost time: for the nodes that can.
  void QuantizeAtRunTime() {
    std::map<size_t, std::string> more;
    std::set<size_t> nodes;
    double time = 0;
    for (const auto& [n, output] : options_.run_time) {
      if (full_.nodes[n].domain != NodeDomain::kInteger) continue;
      more[n] = output;
      nodes.insert(n);
      time -= costs_.FloatCost(graph_.nodes[n]) - costs_.DynamicCost(graph_.nodes[n]);
    }
    if (more.empty()) return;
    PlaceOptions base = KeepFloat(nodes, "its input is quantized at run time");
    PlanDraft draft{PlaceNodes(graph_, base), dynamic_, wide_};
    draft.dynamic.insert(more.begin(), more.end());
    time += Time(draft.placement) - Time(full_);
    Measured measured = Measure(draft, {});
    const auto worth = [&](const Measured& of, double ns) {
      return SqnrOfNoise(std::max(WorstTypicalNoise(of), aim())) -
             ns / std::max(full_.float_ns, 1.0) / kTimeOfDecibel;
    };
    const bool passes = measured.verdict.passed;
    if (!passes && WorstTypicalNoise(measured) > kLargeNoise) return;
    const bool is_worth = worth(measured, time) > worth(best_.measured, 0) + kWorthTheChange;
    if (passes != best_.measured.verdict.passed ? !passes : !is_worth) return;
    const double before = WorstTypicalNoise(best_.measured);
    const double share = time / std::max(full_.float_ns, 1.0);
    base_ = std::move(base);
    full_ = draft.placement;
    dynamic_ = draft.dynamic;
    best_.plan = std::move(draft);
    best_.measured = std::move(measured);
    Tell("quantized at run time", "node", more.size(), share, before);
  }

  // What the plan that is best now has that it had not before.
  void Tell(const char* what, const char* of, size_t count, double time, double before) {
    best_.steps.push_back({what, of, count, time, before, WorstTypicalNoise(best_.measured)});
  }

  // Units go back to float for the gate, and for the aim where that is cheap.
  void PutBack() {
    std::map<std::set<size_t>, std::pair<PlanDraft, Measured>> tried;
    tried.emplace(std::set<size_t>{}, std::pair(best_.plan, best_.measured));
    if (options_.before_parts) options_.before_parts(DraftOfOnly({}));
    const GiveBackOptions give_back{
        .parts =
            MapNoise({.units = units_,
                      .noise =
                          [&](const std::set<size_t>& units) {
                            return TypicalNoiseOf(Measure(DraftOfOnly(units), options_.typical));
                          },
                      .saved = [&](const std::set<size_t>& units) { return Rest(units).time; },
                      .budget = kMapMeasurements}),
        .whole = Judge(best_.measured),
        .allowed = allowed(),
        .aim = aim(),
        .time_of_decibel = kTimeOfDecibel,
        .rest = [&](const std::set<size_t>& without) { return Rest(without); },
        .measure =
            [&](const std::set<size_t>& without) {
              PlanDraft draft = DraftWithout(without, /*narrow=*/false);
              Measured measured = Measure(draft, {});
              JudgedPlan judged = Judge(measured);
              tried.emplace(without, std::pair(std::move(draft), std::move(measured)));
              return judged;
            },
        .budget = kWholeMeasurements};
    for (const NoisyPart& part : give_back.parts) {
      LogDebug(fmt::format("{} units from {}: {:.1f} dB alone, save {:.4f} of the time",
                           part.units.size(), NameOf(*part.units.begin()),
                           SqnrOfNoise(*std::max_element(part.noise.begin(), part.noise.end())),
                           part.saved));
    }
    kept_float_ = GiveBack(give_back);
    const double before = WorstTypicalNoise(best_.measured);
    std::tie(best_.plan, best_.measured) = std::move(tried.at(kept_float_));
    Narrow(kept_float_);
    if (!kept_float_.empty())
      Tell("back to float", "node", kept_float_.size(), Rest(kept_float_).time, before);
  }

  // What stays on integers, or is quantized at run time, without these.
  Remainder Rest(const std::set<size_t>& without) const {
    const Placement placement = PlaceNodes(graph_, KeepFloat(without));
    double time = std::max(Time(placement) - Time(full_), 0.0);
    Remainder rest;
    for (const size_t n : units_) {
      const bool is_dynamic = dynamic_.contains(n);
      if (is_dynamic && without.contains(n))
        time +=
            std::max(costs_.FloatCost(graph_.nodes[n]) - costs_.DynamicCost(graph_.nodes[n]), 0.0);
      if (IsInteger(placement, n) || (is_dynamic && !without.contains(n))) rest.units.insert(n);
    }
    rest.time = time / std::max(full_.float_ns, 1.0);
    return rest;
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

  PlanDraft DraftWithout(const std::set<size_t>& taken_out, bool narrow) const {
    PlanDraft draft{PlaceNodes(graph_, KeepFloat(taken_out)), dynamic_, wide_};
    for (const size_t n : taken_out) draft.dynamic.erase(n);
    if (!narrow) AddWeightsOf(taken_out, draft.wide_weights);
    return draft;
  }

  void AddWeightsOf(const std::set<size_t>& nodes, std::set<std::string>& weights) const {
    for (const size_t n : nodes) {
      if (const std::string* body = BodyOf(n)) {
        const BodyPlacing& placing = *base_.bodies.at(*body);
        for (size_t k = 0; k < placing.graph.nodes.size(); ++k) {
          if (full_.bodies.at(*body).nodes[k].domain == NodeDomain::kInteger)
            AddWeights(placing.graph, placing.graph.nodes[k], weights);
        }
      } else {
        AddWeights(graph_, graph_.nodes[n], weights);
      }
    }
  }

  static void AddWeights(const Graph& graph, const Node& node, std::set<std::string>& weights) {
    for (const std::string& weight : WeightsOf(node))
      if (graph.FindInitializer(weight) != nullptr) weights.insert(weight);
  }

  PlaceOptions KeepFloat(const std::set<size_t>& kept, const std::string& reason = kReason) const {
    PlaceOptions options = base_;
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {  // what is float stays so
      const bool is_float = full_.nodes[n].domain == NodeDomain::kFloat;
      if (is_float && FindOpRule(graph_.nodes[n]).kind != OpKind::kMovement)
        options.keep_float.emplace(n, full_.nodes[n].reason);
    }
    for (const size_t n : kept) {
      if (const std::string* body = BodyOf(n)) {
        KeepBodyFloat(*body, options, reason);
        continue;
      }
      options.keep_float.emplace(n, reason);
      // Nobody observed the values inside of a unit.
      for (const size_t t : full_.nodes[n].unit.tail) options.keep_float.emplace(t, reason);
    }
    return options;
  }

  const Graph& graph_;
  PlaceOptions base_;
  const GuardOptions& options_;
  const CostModel costs_;
  Placement full_;                         // of the whole plan
  std::map<size_t, std::string> dynamic_;  // of the whole plan
  std::vector<std::string> bodies_;        // with integers, by the way to them
  // Integer nodes, those quantized at run time, and behind them bodies with integers.
  std::set<size_t> units_;
  size_t outputs_ = 0;           // judged; 0 where the whole plan does not run
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
