#include "choose_corrections.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string_view>
#include <utility>

#include "attribute_noise.h"
#include "correct_blocks.h"
#include "correct_layers.h"
#include "correction_samples.h"
#include "fit_scales.h"
#include "held_out.h"
#include "learn_clips.h"
#include "learning_time.h"
#include "measure_layers.h"
#include "noise_of_outputs.h"
#include "qconvert/base/log.h"
#include "qconvert/exporter/onnx_exporter.h"

namespace qconvert {
namespace {

constexpr int64_t kSamples = 64;
constexpr int64_t kLearningSamples = 256;
constexpr int64_t kMostBytes = int64_t{256} << 20;
// Twice as many gain next to nothing (docs/learned_rounding.md).
constexpr int64_t kIterations = 500;
// Of AdaRound's regularizer: the vendors' 20, meant for many thousands of steps, leave roundings
// open until the last ones of so few.
constexpr double kFirstBeta = 8;
// Biases are cheap, and hardly ever harm: tried from this part of the goal's noise on.
constexpr double kBiasesFrom = 0.1;
// What is asked for stays unless the outputs get worse by 1 dB: judged samples are too few to tell
// less, and corrections help more often than not.
constexpr double kClearlyWorse = 1.26;
constexpr double kSeen = 0.9886;  // 0.05 dB, what a report rounds to
// Samples that tell whether weights or values bring more of the noise.
constexpr size_t kAttributedSamples = 2;
// What is left over what values alone bring, 2 dB: a rounding that could gain less, if it took all
// noise of the weights away, is not looked for.
constexpr double kWorthRounding = 1.585;
// Of this many numbers a comparison tells enough.
constexpr int64_t kTellingNumbers = 32;

bool HasIntegerLayers(const PlanInputs& inputs, const PlanDraft& plan) {
  const std::vector<Node>& nodes = inputs.model.graph.nodes;
  for (size_t n = 0; n < nodes.size(); ++n) {
    if (plan.placement.nodes[n].domain == NodeDomain::kInteger &&
        FindOpRule(nodes[n]).kind == OpKind::kWeighted)
      return true;
  }
  return false;
}

// Clipping, biases, rounding and learning.
using Wanted = std::array<Correction, 4>;

Wanted WantedCorrections(const QuantConfig& config) {
  const auto wanted = [&](Correction correction) {
    const bool is_left_out = config.effort == Effort::kFast && correction == Correction::kAuto;
    return is_left_out ? Correction::kOff : correction;
  };
  const Correction learning = config.learning                  ? Correction::kOn
                              : config.effort == Effort::kHigh ? Correction::kAuto
                                                               : Correction::kOff;
  return {wanted(config.learned_clipping), wanted(config.bias_correction),
          wanted(config.second_order_rounding), learning};
}

bool Contains(const Wanted& wanted, Correction correction) {
  return std::find(wanted.begin(), wanted.end(), correction) != wanted.end();
}

// Where what is fitted to samples is judged on these, it always seems to help: nothing is tried
// that nobody asks for, but biases, which move by no more than chance allows, if two samples tell.
Wanted OnlyWhatIsAskedFor(Wanted wanted, bool may_move_biases) {
  const Correction biases = wanted[1];
  std::replace(wanted.begin(), wanted.end(), Correction::kAuto, Correction::kOff);
  if (may_move_biases) wanted[1] = biases;
  return wanted;
}

class Chooser {
 public:
  Chooser(PlanInputs& inputs, const PlanDraft& draft, std::optional<Measured> measured,
          const ValueSizes& sizes, double goal, bool must_pass)
      : inputs_(inputs), draft_(draft), sizes_(sizes), goal_(goal), must_pass_(must_pass) {
    chosen_.measured = std::move(measured);
  }

  ChosenCorrections Run() {
    const Wanted open = WantedCorrections(inputs_.settings.config);
    const Wanted wanted = AreFitted(inputs_.comparer)
                              ? OnlyWhatIsAskedFor(open, inputs_.calibration.size() > 1)
                              : open;
    const auto [clipping, biases, rounding, learning] = wanted;
    const bool is_open = Contains(open, Correction::kAuto) && can_measure();
    const bool has_integers = HasIntegerLayers(inputs_, draft_);
    if (!(Contains(wanted, Correction::kOn) || is_open) || !(has_integers || HasStoredLayers()))
      return std::move(chosen_);
    if (can_measure() && !chosen_.measured) chosen_.measured = MeasurePlan(inputs_, draft_);
    if (chosen_.measured && !chosen_.measured->failure.empty()) return std::move(chosen_);
    if (has_integers &&
        (clipping == Correction::kOn || (clipping == Correction::kAuto && Misses())))
      Clip(clipping);
    QuantizationPlan plain = CompletePlan(inputs_, draft_);
    if (Misses() && !Attribute(plain)) return std::move(chosen_);
    if (has_integers && (biases == Correction::kOn ||
                         (biases == Correction::kAuto && noise() > kBiasesFrom * goal_)))
      MoveBiases(plain, biases);
    if (rounding == Correction::kOn ||
        (rounding == Correction::kAuto && Misses() && WeightsCarryTheNoise())) {
      Round(plain, rounding);
    }
    if (learning != Correction::kOff) Learn(plain, learning);
    const LearningUnit unit = learning_settings().unit;
    if (learning != Correction::kOff &&
        (unit == LearningUnit::kBlock || (unit == LearningUnit::kAuto && Misses()))) {
      LearnBlocks(plain, unit == LearningUnit::kBlock ? learning : Correction::kAuto,
                  BlockVariables::kCodes);
    } else if (has_integers && clipping == Correction::kOn && Misses() &&
               inputs_.settings.config.effort != Effort::kFast) {
      LearnBlocks(plain, Correction::kAuto, BlockVariables::kRanges);
    }
    if (wanted != open && WhyNoSamples(inputs_).empty() && Misses()) TellNotTried(open);
    return std::move(chosen_);
  }

 private:
  // Float nodes whose stored weights can have other codes. Models whose weights take much of the
  // memory have them as floats once more to find these: not unless that is asked for.
  bool HasStoredLayers() const {
    const Wanted open = WantedCorrections(inputs_.settings.config);
    const bool is_asked = open[2] == Correction::kOn || open[3] == Correction::kOn;
    if (!is_asked && WeightBytes(inputs_.model.graph) >= kLargeWeights) return false;
    return !FindCodedLayers(inputs_.model.graph, CompletePlan(inputs_, draft_)).empty();
  }
  bool is_vendors() const {
    return inputs_.settings.config.tensors.weights.compat == Compat::kVitis;
  }
  bool can_measure() const { return inputs_.comparer.count() > 0; }
  double noise() const {
    if (!chosen_.measured) return 0;
    return std::max(chosen_.measured->pooled_noise(), TypicalNoise(chosen_.measured->outputs));
  }
  bool Misses() const { return noise() > goal_; }
  // As it is now: biases may have taken most of what they bring.
  bool WeightsCarryTheNoise() const {
    return chosen_.parts && chosen_.parts->weights > chosen_.parts->values &&
           TypicalNoiseOf(chosen_.measured->outputs, attributed_) >
               kWorthRounding * chosen_.parts->values;
  }

  // False where corrections of weights and biases cannot let the plan pass, as it has to.
  bool Attribute(const QuantizationPlan& plain) {
    const double most = must_pass_ ? kClearlyWorse * NoiseOfSqnr(inputs_.gate.min_sqnr_db)
                                   : std::numeric_limits<double>::infinity();
    const bool takes_all =
        must_pass_ || inputs_.comparer.has_feedback() || inputs_.comparer.is_in_step();
    attributed_ = takes_all ? std::vector<size_t>{} : inputs_.comparer.Spread(kAttributedSamples);
    const auto noise = AttributeNoise(inputs_, plain, attributed_, most);
    if (!noise) return true;
    chosen_.parts = noise->parts;
    return noise->judged_values <= most;
  }

  // Ranges of values, before what is fitted to them.
  void Clip(Correction wanted) {
    if (!TakeSamples("clipping", wanted)) return;
    LearnedRanges found = LearnClips(inputs_.model, CompletePlan(inputs_, draft_), samples_,
                                     inputs_.codes.workers(), inputs_.place);
    if (found.empty()) return;
    const size_t values = found.size();
    std::swap(inputs_.corrections.ranges, found);
    if (!Keep({.name = "clipping", .of = "values", .layers = values}, wanted))
      std::swap(inputs_.corrections.ranges, found);
  }

  // By second order; first with scales that what layers read asks for, which `plain` then has too.
  void Round(QuantizationPlan& plain, Correction wanted) {
    const CorrectionOptions options{.round_weights = true,
                                    .move_biases = !inputs_.corrections.bias.empty()};
    if (!TakeSamples("rounding", wanted)) return;
    std::map<size_t, FittedScales> scales =
        FitScales(inputs_.model, plain, inputs_.settings, samples_, inputs_.codes.workers(),
                  inputs_.place, inputs_.cache);
    if (!scales.empty()) {
      LayerCorrections before = std::exchange(
          inputs_.corrections, {.scales = scales, .ranges = inputs_.corrections.ranges});
      QuantizationPlan scaled = CompletePlan(inputs_, draft_);
      std::swap(inputs_.corrections, before);
      if (Try("scales and rounding", scaled, options, Correction::kAuto, scales)) {
        plain = std::move(scaled);
        return;
      }
    }
    Try("rounding", plain, options, wanted, {});
  }

  LearningSettings learning_settings() const {
    return inputs_.settings.config.learning.value_or(LearningSettings{
        .unit = LearningUnit::kAuto, .iterations = kIterations, .first_beta = kFirstBeta});
  }

  // From the codes that are best so far: a channel keeps them where nothing better is learned.
  void Learn(const QuantizationPlan& plain, Correction wanted) {
    const LearningSettings settings = learning_settings();
    samples_ =
        SomeSamples(inputs_, sizes_, settings.samples > 0 ? settings.samples : kLearningSamples,
                    settings.memory);
    const auto costs =
        LearningCosts(inputs_.model.graph, FindCodedLayers(inputs_.model.graph, plain), settings,
                      {samples_.size(), sizes_});
    if (costs.empty()) return;
    if (!samples_.empty()) {
      LogInfo(
          fmt::format("learning weights: about {:.0f} s of processor time", TimeOfLayers(costs)));
    }
    const bool rounds = wanted == Correction::kAuto || !inputs_.corrections.weights.empty();
    Try("learning", plain,
        {.round_weights = rounds,
         .move_biases = wanted == Correction::kAuto || !inputs_.corrections.bias.empty(),
         .learning = &settings,
         .progress = inputs_.on_learning,
         .costs = costs},
        wanted, inputs_.corrections.scales);
  }

  // From what is best so far, with the samples of Learn. `plain` has the ranges that `inputs_` has.
  void LearnBlocks(const QuantizationPlan& plain, Correction wanted, BlockVariables variables) {
    const BlockOptions options{learning_settings(), inputs_.on_learning, inputs_.codes.workers(),
                               inputs_.cache, variables};
    if (!TakeSamples("learning in blocks", wanted)) return;
    const auto layers = FindCodedLayers(inputs_.model.graph, plain);
    const std::vector<Block> blocks =
        LearnableBlocks(inputs_.model.graph, layers, options.learning);
    if (blocks.empty()) {
      if (wanted == Correction::kOn)
        LeftOut("learning in blocks", "no two layers that can learn make a block");
      return;
    }
    LogInfo(fmt::format("learning {} blocks: about {:.0f} s of processor time", blocks.size(),
                        TimeOfBlocks(inputs_.model.graph, layers, blocks, variables,
                                     options.learning, {samples_.size(), sizes_})));
    CorrectedBlocks found =
        CorrectBlocks(inputs_.model, plain, inputs_.corrections, samples_, options, inputs_.place);
    if (!found.corrections.empty()) {
      CorrectionReport report = found.Report(variables);
      KeepFound(std::move(report), std::move(found.corrections), wanted);
    } else if (wanted == Correction::kOn || !found.obstacles.empty()) {
      LeftOut("learning in blocks", found.What());
    }
  }

  // Where no sample is at hand, what batch normalizations say of the layers' inputs.
  void MoveBiases(const QuantizationPlan& plain, Correction wanted) {
    if (inputs_.calibration.size() > 0 || inputs_.moments.empty())
      return (void)Try("biases", plain, {.move_biases = true, .online = is_vendors()}, wanted, {});
    LayerCorrections found = CorrectBiasesByMoments(inputs_.model.graph, plain, inputs_.moments);
    const size_t layers = found.bias.size();
    if (layers == 0) {
      return LeftOut("biases",
                     "no layer reads what a BatchNormalization tells of, samples (--calib) "
                     "tell of all");
    }
    KeepFound({.name = "biases by BatchNormalization", .layers = layers}, std::move(found), wanted);
  }

  // Whether it is kept. `scales`: of the weights, which the plan has already.
  bool Try(const char* name, const QuantizationPlan& plain, CorrectionOptions options,
           Correction wanted, const std::map<size_t, FittedScales>& scales) {
    if (!TakeSamples(name, wanted)) return false;
    options.workers = inputs_.codes.workers();
    options.cache = inputs_.cache;
    const bool changes_weights = options.round_weights || options.learning != nullptr;
    const bool takes_few = wanted == Correction::kAuto;
    LayerCorrections found = CorrectLayers(
        inputs_.model, plain, inputs_.settings,
        takes_few ? FewSamples(inputs_.model.graph, plain, sizes_, samples_, options) : samples_,
        options, inputs_.place);
    const size_t layers = changes_weights ? found.weights.size() : found.bias.size();
    if (layers == 0) {
      if (wanted == Correction::kOn) LeftOut(name, WhyNoLayer(options));
      return false;
    }
    found.scales = scales;
    return KeepFound({.name = name, .layers = layers}, std::move(found), wanted);
  }

  bool KeepFound(CorrectionReport report, LayerCorrections found, Correction wanted) {
    const bool are_biases = found.weights.empty();
    report.fits_weights = !are_biases;
    // Ranges of its own win.
    found.ranges.insert(inputs_.corrections.ranges.begin(), inputs_.corrections.ranges.end());
    std::swap(inputs_.corrections, found);
    if (Keep(std::move(report), wanted, are_biases)) return true;
    std::swap(inputs_.corrections, found);
    return false;
  }

  // False, and told, where there are none to correct by.
  bool TakeSamples(const char* name, Correction wanted) {
    const int64_t asked = inputs_.settings.config.bias_correction_samples;
    if (samples_.empty())
      samples_ = SomeSamples(inputs_, sizes_, asked > 0 ? asked : kSamples, kMostBytes);
    if (samples_.empty() && wanted == Correction::kOn) LeftOut(name, WhyNoSamples(inputs_));
    return !samples_.empty();
  }

  // Whether the correction that `inputs_` has got stays there, by the outputs.
  bool Keep(CorrectionReport report, Correction wanted, bool helps_mostly = false) {
    report.kept = true;
    if (chosen_.measured) {
      Measured measured = MeasurePlan(inputs_, draft_);
      report.noise_before = TypicalNoise(chosen_.measured->outputs);
      report.noise_after = TypicalNoise(measured.outputs);
      const double change =
          measured.typical_noise(inputs_.gate) / chosen_.measured->typical_noise(inputs_.gate);
      const bool fails = chosen_.measured->verdict.passed && !measured.verdict.passed;
      // Corrections that make the outputs worse are what nobody asks for; nor those of codes that
      // give nothing to be seen.
      double allowed = helps_mostly ? GrowthByChance(measured.outputs) : kSeen;
      if (wanted == Correction::kOn) allowed = std::max(allowed, kClearlyWorse);
      report.kept = change < allowed && !fails;
      if (report.kept) {
        chosen_.measured = std::move(measured);
      } else if (wanted == Correction::kOn) {
        LeftOut(report.name,
                fmt::format("{:.1f} dB in a typical sample would become {:.1f} dB{}",
                            SqnrOfNoise(report.noise_before), SqnrOfNoise(report.noise_after),
                            fails ? ", and an output would fail" : ""));
      }
    }
    const bool kept = report.kept;
    chosen_.tried.push_back(std::move(report));
    return kept;
  }

  static std::string WhyNoLayer(const CorrectionOptions& options) {
    if (options.round_weights) return "no layer has symmetric weights, which it takes";
    return options.learning != nullptr ? "no layer can learn" : "no layer can have another bias";
  }

  void TellNotTried(const Wanted& open) {
    const bool learns = open[3] == Correction::kAuto;
    if (!learns && (open[2] != Correction::kAuto || !WeightsCarryTheNoise())) return;
    chosen_.warnings.push_back(fmt::format(
        "rounding{} of weights {} not tried: what it gives would be judged on the samples that it "
        "was fitted to, expected {} different ones, or --validate",
        learns ? " and learning" : "", learns ? "are" : "is", kFewestToHoldOut));
  }

  void LeftOut(std::string_view name, const std::string& why) {
    const std::string_view what = name == "biases" ? "are not corrected" : "is left out";
    chosen_.warnings.push_back(fmt::format("{} {}: {}", name, what, why));
  }

  PlanInputs& inputs_;
  const PlanDraft& draft_;
  const ValueSizes& sizes_;
  const double goal_;
  const bool must_pass_;
  std::vector<Sample> samples_;
  std::vector<size_t> attributed_;  // judged samples that the parts of the noise are of
  ChosenCorrections chosen_;
};

}  // namespace

double GrowthByChance(std::span<const OutputComparison> outputs) {
  int64_t numbers = 0;
  for (const OutputComparison& output : outputs) {
    const bool is_relative = output.decisions.logit_power > 0;
    const auto samples = static_cast<int64_t>(output.samples.size());
    numbers = std::max(numbers, output.sums.count - (is_relative ? samples : 0));
  }
  if (numbers <= 0 || numbers >= kTellingNumbers) return 1;
  return std::exp(2 * std::sqrt(2 / static_cast<double>(numbers)));
}

bool AsksForCorrections(const QuantConfig& config) {
  return Contains(WantedCorrections(config), Correction::kOn);
}

ChosenCorrections ChooseCorrections(PlanInputs& inputs, const PlanDraft& plan,
                                    std::optional<Measured> measured, const ValueSizes& sizes,
                                    double goal, bool must_pass) {
  return Chooser(inputs, plan, std::move(measured), sizes, goal, must_pass).Run();
}

}  // namespace qconvert
