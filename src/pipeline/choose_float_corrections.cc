#include "choose_float_corrections.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "apply_settings.h"
#include "find_absorbed_biases.h"
#include "find_channel_shifts.h"
#include "give_back.h"
#include "long_models.h"
#include "plan_remarks.h"
#include "qconvert/plan/expected_noise.h"
#include "qconvert/plan/value_range.h"
#include "qconvert/report/verdict.h"
#include "qconvert/transform/equalize_layers.h"

namespace qconvert {
namespace {

// Of the expected noise of values: more than this of it left is not worth a second conversion.
constexpr double kWorthAbsorbing = 0.95;

// A conversion with one correction more.
struct Offer {
  ConvertOptions options;
  CorrectionReport told;
  double time = 0;  // that it takes, estimated, of the float time
};

// A given plan or table is of one prepared model, corrected or not.
bool CanJudge(const ConvertOptions& options) {
  return options.config.effort != Effort::kFast && options.plan == nullptr &&
         options.table.empty() && options.guard != GuardMode::kOff;
}

bool IsAuto(Correction correction) { return correction == Correction::kAuto; }

bool IsOpen(const ConvertOptions& options) {
  return IsAuto(options.config.equalization) || IsAuto(options.config.bias_absorption);
}

// Without what is left open.
ConvertOptions Without(const ConvertOptions& options) {
  ConvertOptions own = options;
  for (Correction* correction : {&own.config.equalization, &own.config.bias_absorption})
    if (IsAuto(*correction)) *correction = Correction::kOff;
  own.must_pass = false;  // another may pass
  return own;
}

// Scales per channel do much of what equalization is for: it still evens values out, where these
// are what is left. Where integers are chosen by time that seldom pays, unless outputs fail or
// weights are left in float32 for channels that differ.
bool AsksForEvenLayers(const QuantConfig& config, const ConversionReport& report) {
  if (!report.guard.ran) return false;
  if (!config.tensors.weights.per_channel || !report.guard.passed) return true;
  if (report.guard.float_weights > 0) return true;
  return config.scheme != Scheme::kAuto && report.integer_nodes > 0 &&
         TypicalNoise(report.outputs) > kGoodNoise;
}

// Less is better.
auto Rank(const ConversionReport& report) {
  return std::tuple(!report.guard.passed, report.guard.kept_float.size(),
                    report.guard.float_weights, TypicalNoise(report.outputs));
}

// Nodes that were a Clip and are a Min with bounds by channel in `bounded`, by their names there.
std::map<std::string, const Node*> FindBounds(const Graph& graph, const Graph& bounded) {
  std::map<std::string, const Node*> clips;
  for (const Node& node : graph.nodes)
    if (node.Is("Clip")) clips.emplace(node.name, &node);
  std::map<std::string, const Node*> bounds;
  for (const Node& node : bounded.nodes) {
    const auto clip = clips.find(node.name);
    if (node.Is("Min") && clip != clips.end()) bounds.emplace(*clip);
  }
  return bounds;
}

// Estimated, of the float time; nothing on targets that cannot compute them and have no estimate.
std::optional<double> TimeOfBounds(const PlannedConversion& planned, const Graph& bounded,
                                   const std::map<std::string, const Node*>& clips) {
  const PlaceOptions& place = planned.chosen.scheme.place;
  const CostModel costs(planned.model.graph, place.sizes, place.costs);
  double ns = 0;
  for (const Node& node : bounded.nodes) {
    const auto clip = clips.find(node.name);
    if (clip == clips.end() || WhyFloatOn(*place.target, bounded, node).empty()) continue;
    if (!place.target->places_by_time) return std::nullopt;
    const std::string& value = clip->second->outputs[0];
    Node product = *clip->second;  // with a number per channel takes as long as Min
    product.op_type = "Mul";
    ns += costs.FloatCost(product) + costs.DequantizeCost(value) + costs.QuantizeCost(value, &node);
  }
  return ns / std::max(planned.chosen.plan.placement.float_ns, 1.0);
}

class Chooser {
 public:
  Chooser(const ConvertOptions& options, LoadedModel loaded, Stopwatch& watch,
          ConversionReport& report, const ChosenConversionUser& use)
      : options_(options),
        loaded_(std::move(loaded)),
        watch_(watch),
        report_(report),
        start_(report),
        use_(use) {}

  void Run() {
    const ConvertOptions without = Without(options_);
    Plan(without, [&](const PlannedConversion& planned) { Try(0, without, planned); });
  }

 private:
  using Offerer = std::optional<Offer> (Chooser::*)(const ConvertOptions&,
                                                    const PlannedConversion&);

  void Plan(const ConvertOptions& options, const PlanUser& use) {
    PlanConversion(options, loaded_, watch_, report_, use);
  }

  // The corrections from number `next` on, on top of `best`, which `report_` is of.
  void Try(size_t next, const ConvertOptions& best, const PlannedConversion& planned) {
    static constexpr std::array<Offerer, 3> kOfferers = {
        &Chooser::OfferEqualization, &Chooser::OfferClips, &Chooser::OfferAbsorption};
    for (; next < kOfferers.size(); ++next) {
      const std::optional<Offer> offer = (this->*kOfferers[next])(best, planned);
      if (!offer) continue;
      if (MayChooseAgain(planned)) return Compare(next, *offer, best, planned);
      report_.warnings.push_back(fmt::format(
          "{} of {} {} is not tried: of {} nodes {} plans were measured, which takes as long once "
          "more (--effort high tries it all the same)",
          offer->told.name, offer->told.layers, offer->told.of, planned.model.graph.nodes.size(),
          report_.guard.measurements));
    }
    report_.corrections.insert(report_.corrections.begin(), told_.begin(), told_.end());
    report_.guard.steps.insert(report_.guard.steps.end(), steps_.begin(), steps_.end());
    if (options_.must_pass) RefuseFailed(options_, report_);
    use_(best, planned);
  }

  // What fails is worth any time.
  bool MayChooseAgain(const PlannedConversion& planned) const {
    return options_.config.effort != Effort::kNormal || !report_.guard.passed ||
           AffordsAnotherChoice(static_cast<size_t>(report_.guard.measurements),
                                planned.model.graph.nodes.size());
  }

  void Compare(size_t number, const Offer& offer, const ConvertOptions& best,
               const PlannedConversion& planned) {
    ConversionReport first = std::exchange(report_, start_);
    // Times are of all conversions together.
    report_.seconds = first.seconds;
    // What is planned lives only while its user runs: whichever is better is used from inside both.
    Plan(offer.options, [&](const PlannedConversion& with) {
      const bool kept = KeepBetter(std::move(first), offer);
      kept ? Try(number + 1, offer.options, with) : Try(number + 1, best, planned);
    });
  }

  // `report_` is that of the conversion with; becomes that of the one that is kept, which is told.
  bool KeepBetter(ConversionReport without, const Offer& offer) {
    CorrectionReport told = offer.told;
    told.noise_before = TypicalNoise(without.outputs);
    told.noise_after = TypicalNoise(report_.outputs);
    const bool is_worth_it =
        report_.guard.passed != without.guard.passed ||
        Decibels(told.noise_after) - Decibels(told.noise_before) >= offer.time / kTimeOfDecibel;
    told.kept = Rank(report_) < Rank(without) && (offer.time == 0 || is_worth_it);
    if (!told.kept) {
      without.seconds = std::move(report_.seconds);
      report_ = std::move(without);
    }
    Tell(offer, told);
    return told.kept;
  }

  // What takes time stands among the repairs, which say how much.
  void Tell(const Offer& offer, const CorrectionReport& told) {
    if (offer.time == 0) return told_.push_back(told);
    steps_.push_back({told.kept ? "bounded by channel" : "not bounded by channel", "Clip",
                      told.layers, offer.time, told.noise_before, told.noise_after});
  }

  // What counts of a noise: nothing beyond the aim does.
  double Decibels(double noise) const {
    const bool is_auto = options_.config.scheme == Scheme::kAuto;
    const double aim = options_.aim_sqnr_db.value_or(is_auto ? kAimSqnrDb : 0);
    return SqnrOfNoise(aim > 0 ? std::max(noise, NoiseOfSqnr(aim)) : noise);
  }

  // The passes of a second model are shown in a folder of its own.
  Offer Start(const ConvertOptions& best, const char* folder) const {
    Offer offer{best, {}};
    if (!options_.passes.dump_folder.empty())
      offer.options.passes.dump_folder = options_.passes.dump_folder / folder;
    return offer;
  }

  std::optional<Offer> OfferEqualization(const ConvertOptions& best,
                                         const PlannedConversion& planned) {
    if (!IsAuto(options_.config.equalization) || !AsksForEvenLayers(options_.config, report_))
      return std::nullopt;
    Graph tried = planned.model.graph;  // shares the bytes of tensors
    size_t layers = EqualizeLayers(tried, EqualizeOptionsOf(options_.config));
    if (EvensProducts(options_.config)) {
      layers += FindChannelShifts(planned.model, planned.calibration, planned.by_content, nullptr,
                                  options_.model.string())
                    .size();
    }
    if (layers == 0) return std::nullopt;
    Offer offer = Start(best, "equalized");
    offer.options.config.equalization = Correction::kOn;
    offer.told = {.name = "equalization", .layers = layers};
    return offer;
  }

  std::optional<Offer> OfferClips(const ConvertOptions& best, const PlannedConversion& planned) {
    if (!IsAuto(options_.config.equalization) || options_.config.equalize_clips ||
        !AsksForEvenLayers(options_.config, report_))
      return std::nullopt;
    Offer offer = Start(best, "clips");
    QuantConfig& config = offer.options.config;
    config.equalization = Correction::kOn;
    config.equalize_clips = true;
    Graph bounded = planned.model.graph;
    EqualizeLayers(bounded, EqualizeOptionsOf(config));
    const auto clips = FindBounds(planned.model.graph, bounded);
    const std::optional<double> time = TimeOfBounds(planned, bounded, clips);
    if (clips.empty() || !time) return std::nullopt;
    offer.told = {.name = "clips", .layers = clips.size()};
    offer.time = *time;
    return CanBeWorth(*time, clips.size()) ? std::optional(std::move(offer)) : std::nullopt;
  }

  // Equal weights leave at best what rounded values alone do. Tells what is not worth it.
  bool CanBeWorth(double time, size_t clips) {
    if (time == 0) return true;
    const double now = TypicalNoise(report_.outputs);
    const double least = report_.noise_parts ? report_.noise_parts->values : now;
    if (Decibels(least) - Decibels(now) > time / kTimeOfDecibel) return true;
    if (least < now)
      steps_.push_back({"not bounded by channel, at best", "Clip", clips, time, now, least});
    return false;
  }

  std::optional<Offer> OfferAbsorption(const ConvertOptions& best,
                                       const PlannedConversion& planned) {
    if (!IsAuto(options_.config.bias_absorption) || !report_.guard.ran ||
        report_.integer_nodes == 0 || TypicalNoise(report_.outputs) <= kGoodNoise)
      return std::nullopt;
    // `factor_of`: what a value's range is multiplied by.
    const auto is_worth = [&](const auto& factor_of) {
      double before = 0;
      double after = 0;
      for (const auto& [value, decided] : planned.chosen.plan.values) {
        const auto seen = planned.table.values.find(decided.root);
        if (seen == planned.table.values.end()) continue;
        // Noise is power: it goes by the square of the range.
        const double noise = ExpectedValueNoise(seen->second, decided);
        const double factor = factor_of(value, seen->second);
        before += noise;
        after += noise * factor * factor;
      }
      return after < kWorthAbsorbing * before;
    };
    const FoundBiases found = FindAbsorbedBiases(
        planned.model, planned.calibration, planned.by_content, options_.model.string(),
        [&](const AbsorbedRanges& least) {
          return is_worth([&](const std::string& value, const TensorStatistics& seen) {
            const auto range = least.find(value);
            const double most = std::max(static_cast<double>(seen.max), 0.0);
            return range == least.end() || range->second >= most ? 1 : range->second / most;
          });
        });
    const bool is_worth_it = is_worth([&](const std::string& value, const TensorStatistics&) {
      const auto narrowed = found.narrowed.find(value);
      return narrowed == found.narrowed.end() ? 1 : narrowed->second;
    });
    if (!is_worth_it) return std::nullopt;
    Offer offer = Start(best, "absorbed");
    offer.options.config.bias_absorption = Correction::kOn;
    offer.told = {.name = "absorption", .of = "values", .layers = found.absorbed.size()};
    return offer;
  }

  const ConvertOptions& options_;
  const LoadedModel loaded_;  // shares the bytes of tensors with what is prepared
  Stopwatch& watch_;
  ConversionReport& report_;
  const ConversionReport start_;
  const ChosenConversionUser& use_;
  std::vector<CorrectionReport> told_;
  std::vector<RepairStep> steps_;
};

}  // namespace

void PlanWithFloatCorrections(const ConvertOptions& options, LoadedModel loaded, Stopwatch& watch,
                              ConversionReport& report, const ChosenConversionUser& use) {
  if (CanJudge(options) && IsOpen(options))
    return Chooser(options, std::move(loaded), watch, report, use).Run();
  PlanConversion(options, std::move(loaded), watch, report, [&](const PlannedConversion& planned) {
    // Scales per tensor are equalized unmeasured: it helps far more often than not.
    if (IsAuto(options.config.equalization) && planned.equalized > 0) {
      report.corrections.insert(
          report.corrections.begin(),
          {.name = "equalization", .layers = planned.equalized, .kept = true});
    }
    use(options, planned);
  });
}

}  // namespace qconvert
