#include "choose_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <set>
#include <utility>

#include "choose_corrections.h"
#include "choose_method.h"
#include "compared_models.h"
#include "give_back.h"
#include "guard.h"
#include "long_models.h"
#include "lost_weights.h"
#include "measure_layers.h"
#include "measure_opened.h"
#include "narrow_weights.h"
#include "qconvert/calibration/diagnose.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/plan/body_plans.h"
#include "qconvert/plan/expected_noise.h"
#include "qconvert/plan/safe_plan.h"
#include "qconvert/plan/value_range.h"
#include "search_activations.h"
#include "search_nodes.h"
#include "shared_rest.h"
#include "weigh_noise.h"

namespace qconvert {
namespace {

// Methods are compared with each other on as many samples as take this long, estimated.
constexpr double kMethodNs = 40e6;
constexpr double kFewMethodSamples = 2;
constexpr double kManyMethodSamples = 16;
constexpr double kPercentage = 99.999;  // of method percentile as a candidate
// Those that are near each other on fewer than these are compared on some times as many.
constexpr size_t kTimesTheSamples = 4;
// Samples that parts of a model are measured on.
constexpr size_t kPartSamples = 4;
// Measurements at most, for those who wait: of looks at a scheme and a whole plan, and of one round
// of corrections with the parts of the noise.
constexpr size_t kMostMethods = 8;
constexpr size_t kMostLooks = 4;
constexpr size_t kMostOfCorrections = 6;

// Replaces method auto of one kind of tensors by the candidate of least measured noise.
void ChooseMethod(PlanInputs& inputs, const PlanDraft& plan,
                  const std::vector<TensorSettings*>& settings,
                  std::vector<CalibrationMethod> candidates) {
  std::vector<TensorSettings*> open;
  for (TensorSettings* one : settings)
    if (one->method == CalibrationMethod::kAuto) open.push_back(one);
  if (open.empty()) return;
  const auto apply = [&](CalibrationMethod method) {
    for (TensorSettings* one : open) {
      one->method = method;
      one->percentage = kPercentage;
    }
  };
  const double count = std::clamp(kMethodNs / std::max(plan.placement.float_ns, 1.0),
                                  kFewMethodSamples, kManyMethodSamples);
  const std::vector<size_t> samples = inputs.comparer.Spread(static_cast<size_t>(count));
  if (!inputs.settings.config.search.activations.empty())
    return SearchActivations(inputs, plan, open, samples);
  candidates.resize(AffordedMeasurements(candidates.size(), inputs.model.graph.nodes.size()));
  if (candidates.size() == 1) return apply(candidates.front());
  std::vector<size_t> more = inputs.comparer.Spread(kTimesTheSamples * samples.size());
  if (count >= kManyMethodSamples || more.size() <= samples.size()) more.clear();
  apply(ChooseMethodByNoise(
      candidates, samples, more,
      [&](const std::vector<CalibrationMethod>& methods, const std::vector<size_t>& on) {
        std::vector<MethodNoise> noises;
        const auto draft = [&](size_t k) {
          apply(methods[k]);  // the plan takes it from the settings
          return plan;
        };
        for (const Measured& measured : MeasurePlans(inputs, methods.size(), draft, on)) {
          const double hidden = HiddenNoise(measured.outputs, inputs.gate);
          noises.push_back({std::max(measured.pooled_noise(), hidden), measured.judged_noise()});
        }
        return noises;
      }));
}

// Settings of these types, of the model and of its layer entries.
std::vector<TensorSettings*> SettingsOf(PlanInputs& inputs,
                                        std::initializer_list<TensorType> types) {
  std::vector<TensorSettings*> out;
  for (const TensorType type : types) {
    out.push_back(&inputs.settings.config.tensors[type]);
    for (LayerSettings& layer : inputs.settings.config.layers) out.push_back(&layer.tensors[type]);
  }
  return out;
}

// Squared error on a histogram does not say what an error does to the outputs, so the methods are
// compared on the whole model.
void ChooseMethods(PlanInputs& inputs, const std::set<std::string>& wide,
                   const PlaceOptions& place) {
  const PlanDraft plan{PlaceNodes(inputs.model.graph, place), {}, wide};
  for (TensorSettings* weights : SettingsOf(inputs, {TensorType::kWeights})) {
    // Clipping weights pays where there are few codes; with 8 bits it was never worth its search.
    if (weights->method != CalibrationMethod::kAuto) continue;
    weights->method = weights->bit_width < 8 ? CalibrationMethod::kMse : CalibrationMethod::kMaxMin;
  }
  if (!AnyInteger(plan.placement)) return;
  ChooseMethod(inputs, plan, SettingsOf(inputs, {TensorType::kInput, TensorType::kActivation}),
               {CalibrationMethod::kAuto, CalibrationMethod::kMaxMin,
                CalibrationMethod::kPercentile, CalibrationMethod::kMse});
}

std::vector<WeightItem> WeightsIn8Bit(const Graph& graph, const QuantizationPlan& plan) {
  std::vector<WeightItem> items;
  for (const auto& [way, weight] : plan.stored) {
    if (weight.bits() != 8) continue;
    const Tensor* floats = graph.FindInitializer(way);  // weights of bodies are not looked into
    items.push_back(
        {way, weight.codes.element_count(),
         floats == nullptr ? 0 : ExpectedWeightNoise(floats->values<float>(), weight.scales)});
  }
  return items;
}

// Plans behind what they have in common, which may be nothing.
std::vector<Measured> MeasureParts(const PlanInputs& inputs, size_t count,
                                   const std::function<PlanDraft(size_t)>& draft,
                                   const std::vector<size_t>& samples, SharedRest* rest) {
  if (rest == nullptr) return MeasurePlans(inputs, count, draft, samples);
  return MeasureBeside(
      inputs, count,
      [&](size_t k) {
        Model model = RunnableOf(inputs, CompletePlan(inputs, draft(k)), inputs.floats);
        OpenCandidate open = rest->Prepare(model);
        return Candidate{std::move(model), std::move(open)};
      },
      samples);
}

GuardResult Guard(const PlanInputs& inputs, const PlanDraft& whole, const SchemeChoice& scheme,
                  Measured measured) {
  const Graph& graph = inputs.model.graph;
  GuardOptions guard{.gate = inputs.gate, .max_weight_noise = kGoodNoise};
  guard.dynamic = whole.dynamic;
  guard.wide_weights = whole.wide_weights;
  const bool is_auto = inputs.settings.config.scheme == Scheme::kAuto;
  if (is_auto) guard.run_time = scheme.run_time;
  if (inputs.settings.config.objective == Objective::kSize) {
    guard.max_weight_noise = NoiseOfSqnr(inputs.gate.min_sqnr_db) / 2;
    guard.good_weight_noise = guard.max_weight_noise;
  }
  guard.aim_sqnr_db = inputs.aim_sqnr_db.value_or(is_auto ? kAimSqnrDb : 0);
  const QuantizationPlan complete = CompletePlan(inputs, whole);
  // Who asks for few bits has decided that outputs may be worse than those of 8 bits.
  if (!WantsNarrowWeights(inputs.settings)) {
    guard.weights = WeightsIn8Bit(graph, complete);
    guard.by_loss = [&] { return WeightsByLoss(inputs); };
  }
  guard.typical = inputs.comparer.Spread(kPartSamples);
  for (size_t* most : {&guard.map_measurements, &guard.whole_measurements})
    *most = AffordedMeasurements(*most, graph.nodes.size());
  guard.whole = std::move(measured);
  std::optional<SharedRest> rest;  // of parts, measured one by one
  guard.before_parts = [&](const PlanDraft& all_float) {
    if (inputs.comparer.has_feedback() || inputs.comparer.is_in_step()) return;
    Model base = RunnableOf(inputs, CompletePlan(inputs, all_float), inputs.floats);
    if (WeightBytes(base.graph) >= kLargeWeights) return;
    std::vector<Sample> read;
    for (const size_t k : guard.typical) read.push_back(inputs.comparer.ReadSample(k));
    rest.emplace(std::move(base), std::move(read), inputs.codes.workers(), inputs.place,
                 TargetOf(inputs.settings.config.target_device).suits_engine);
  };
  guard.measure = [&](const PlanDraft& plan) {
    rest.reset();  // whole plans come behind the parts
    return MeasurePlan(inputs, plan);
  };
  guard.measure_parts = [&](size_t count, const std::function<PlanDraft(size_t)>& draft) {
    return MeasureParts(inputs, count, draft, guard.typical, rest ? &*rest : nullptr);
  };
  return RunGuard(graph, scheme.place, guard);
}

bool HasLearned(const ChosenCorrections& corrections) {
  return std::any_of(corrections.tried.begin(), corrections.tried.end(), [](const auto& tried) {
    return (tried.name == "learning" || tried.name == "blocks") && tried.kept;
  });
}

void Tell(ChosenCorrections corrections, ChosenPlan& chosen) {
  chosen.noise_parts = corrections.parts;
  chosen.corrections = std::move(corrections.tried);
  std::move(corrections.warnings.begin(), corrections.warnings.end(),
            std::back_inserter(chosen.warnings));
}

// What the choice can still come to.
void Expect(PlanInputs& inputs, size_t more) {
  inputs.most_measurements = inputs.comparer.comparisons() + more;
}

// Corrections make up for what one plan does to the values of every node, and harm another. Those
// of the whole plan go through the guard only where they are asked for, or let it pass at once;
// what the guard comes to gets its own.
GuardResult GuardAndCorrect(PlanInputs& inputs, const std::set<std::string>& wide,
                            const SchemeChoice& scheme, GuardMode mode, ChosenPlan& chosen) {
  const auto correct = [&](const PlanDraft& plan, std::optional<Measured> measured,
                           bool must_pass = false) {
    return ChooseCorrections(inputs, plan, std::move(measured), scheme.place.sizes, kGoodNoise,
                             must_pass);
  };
  const PlanDraft whole{PlaceNodes(inputs.model.graph, scheme.place), scheme.dynamic, wide};
  Measured measured = MeasurePlan(inputs, whole);
  ChosenCorrections corrections;
  const bool is_asked = AsksForCorrections(inputs.settings.config);
  const bool widens = mode == GuardMode::kCorrect && WantsNarrowWeights(inputs.settings);
  if (is_asked || (!measured.verdict.passed && measured.verdict.CanImprove())) {
    const bool is_final = is_asked || mode != GuardMode::kCorrect;
    corrections = correct(whole, measured, !is_final);
    // Codes of few bits are wanted rounded well before more bits are.
    if (is_final || widens || (corrections.measured && corrections.measured->verdict.passed)) {
      if (corrections.measured) measured = *corrections.measured;
    } else {
      inputs.corrections = {};
    }
  }
  WidenedWeights widened;
  if (widens) widened = WidenNarrowWeights(inputs, whole, measured);
  GuardResult result = mode == GuardMode::kCorrect
                           ? Guard(inputs, whole, scheme, std::move(measured))
                           : GuardResult{.plan = whole,
                                         .measured = std::move(measured),
                                         .measurements = 1,
                                         .kept_wide = {},
                                         .kept_float = {}};
  // Most of what the guard had tried is not in the plan.
  inputs.floats.Clear();
  result.measurements += widened.measurements;
  Expect(inputs, kMostOfCorrections);
  result.kept_wide.insert(result.kept_wide.begin(), widened.names.begin(), widened.names.end());
  const bool is_corrected = !inputs.corrections.empty();
  // A guard that only reports leaves the plan as it was corrected, or not.
  const bool is_done = mode != GuardMode::kCorrect && !corrections.tried.empty();
  const bool is_other = !result.kept_float.empty() || !widened.names.empty();
  if (!is_done && (!is_corrected || (is_other && !HasLearned(corrections)))) {
    // They were fitted to another plan than the guard has come to.
    const auto of_whole = std::exchange(inputs.corrections, {});
    ChosenCorrections own =
        correct(result.plan, is_corrected ? std::nullopt : std::optional(result.measured));
    // No correction makes a plan fail that passed.
    if (own.measured && !own.measured->verdict.passed && result.measured.verdict.passed) {
      inputs.corrections = of_whole;
    } else {
      if (own.measured) result.measured = *own.measured;
      corrections = std::move(own);
    }
  }
  Tell(std::move(corrections), chosen);
  return result;
}

// What the guard made of a plan is called what it is.
void NameWhatIsLeft(const GuardResult& result, Scheme asked, SchemeChoice& scheme) {
  const bool by_time = asked == Scheme::kAuto && scheme.scheme == Scheme::kStatic;
  const bool none_went_back = result.kept_float.empty();
  if (!by_time || (none_went_back && result.plan.dynamic.empty())) return;
  if (AnyInteger(result.plan.placement)) {
    if (scheme.estimated_ratio < 1 && !none_went_back)
      scheme.reason += ", before nodes went back to float";
    return;
  }
  scheme.scheme = result.plan.dynamic.empty() ? Scheme::kWeightOnly : Scheme::kDynamic;
  scheme.reason = none_went_back ? "ranges taken at run time keep the outputs better"
                                 : "integer kernels were given up for the error at the outputs; "
                                   "--guard-reports keeps them";
}

// What the settings replace in the float model is there before anything is quantized.
std::optional<std::string> RemarkOnReplacedActivations(const PlanInputs& inputs) {
  const QuantConfig& config = inputs.settings.config;
  const bool as_vendor = config.tensors.weights.compat == Compat::kVitis;
  const bool may = config.convert_relu6_to_relu || config.convert_silu_to_hswish || as_vendor ||
                   config.dpu_forms != DpuForms{};
  if (!may || inputs.comparer.count() == 0) return {};
  Model model = inputs.model;
  PrepareForComparison(inputs.comparer.values(), model.graph);
  const double noise = MeasureModel(inputs, model).pooled_noise();
  if (!(noise > kGoodNoise)) return {};
  return fmt::format(
      "activations that the settings replace (convert_relu6_to_relu, convert_silu_to_hswish, "
      "dpu_forms, compat: vitis) leave the outputs with {:.1f} dB before anything is quantized; "
      "the float model's own are kept without these settings",
      SqnrOfNoise(noise));
}

}  // namespace

void CompletePlans(PlanInputs inputs, ChosenPlan& chosen) {
  const Decisions& decided = chosen.decisions;
  inputs.settings = decided.settings;
  inputs.corrections = decided.corrections;
  chosen.plan = CompletePlan(inputs, decided.draft);
  // Codes and biases make up for errors in front of them: nodes that are looked at alone would get
  // what is not theirs.
  if (!inputs.keep_plain || inputs.corrections.empty()) return;
  inputs.corrections = {.bias = {}, .weights = {}, .ranges = decided.corrections.ranges};
  chosen.plain = CompletePlan(inputs, decided.draft);
}

ChosenPlan ChoosePlan(PlanInputs inputs, SchemeChoice scheme, GuardMode mode) {
  const Graph& graph = inputs.model.graph;
  ChosenPlan chosen;
  chosen.warnings = Diagnose(inputs.table, PlaceNodes(graph, scheme.place).Observed());
  // Values with infinities stay float. Only fewer values can be needed than were observed.
  for (const std::string& value : NonFiniteValues(inputs.table))
    scheme.place.blocked.emplace(value, "holds infinities");
  scheme.place.keep_float.merge(FindRangeClashes(graph, inputs.table));
  KeepUnseenFloat(graph, inputs.table, scheme.place);
  std::set<std::string> wide;
  if (inputs.settings.config.objective != Objective::kSize) wide = FindSensitiveWeights(graph);
  PlanDraft draft;
  const size_t of_plan = kMostLooks + 2 * kMostOfCorrections + kMostGuardMeasurements;
  Expect(inputs, mode == GuardMode::kOff ? kMostOfCorrections : kMostMethods + of_plan);
  if (mode == GuardMode::kOff) {
    draft = {PlaceNodes(graph, scheme.place), scheme.dynamic, std::move(wide)};
    Tell(ChooseCorrections(inputs, draft, {}, scheme.place.sizes, kGoodNoise), chosen);
  } else {
    // In this order: the search takes the methods, and what is weighed has both.
    ChooseMethods(inputs, wide, scheme.place);
    SearchNodes(inputs, wide, scheme.place);
    Expect(inputs, of_plan);
    WeighNoiseAgainstTime(inputs, wide, scheme);
    WeighDynamicNoise(inputs, wide, scheme);
    if (auto remark = RemarkOnReplacedActivations(inputs))
      chosen.warnings.push_back(*std::move(remark));
    GuardResult result = GuardAndCorrect(inputs, wide, scheme, mode, chosen);
    if (!result.measured.failure.empty())
      chosen.warnings.push_back("the engine cannot run any plan that was tried: " +
                                result.measured.failure);
    NameWhatIsLeft(result, inputs.settings.config.scheme, scheme);
    draft = std::move(result.plan);
    chosen.outputs = std::move(result.measured.outputs);
    chosen.guard = {.ran = true,
                    .passed = result.measured.verdict.passed,
                    .measurements = result.measurements,
                    .kept_float = std::move(result.kept_float),
                    .kept_wide = std::move(result.kept_wide),
                    .float_weights = draft.float_weights.size(),
                    .steps = std::move(result.steps)};
  }
  chosen.decisions = {std::move(draft), inputs.settings, inputs.corrections};
  CompletePlans(std::move(inputs), chosen);
  chosen.scheme = std::move(scheme);
  return chosen;
}

}  // namespace qconvert
