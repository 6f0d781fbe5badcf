#include "choose_equalization.h"

#include <tuple>
#include <utility>

#include "apply_settings.h"
#include "qconvert/report/verdict.h"
#include "qconvert/transform/equalize_layers.h"

namespace qconvert {
namespace {

// Error power over signal power that nobody minds: 30 dB.
constexpr double kGoodNoise = 1e-3;

// A given plan or table is of one prepared model, equalized or not.
bool IsOpen(const ConvertOptions& options) {
  return options.config.equalization == Correction::kAuto &&
         options.config.effort != Effort::kFast && options.plan == nullptr &&
         options.table.empty() && options.guard != GuardMode::kOff;
}

ConvertOptions With(const ConvertOptions& options, Correction equalization) {
  ConvertOptions own = options;
  own.config.equalization = equalization;
  own.must_pass = false;  // the other may pass
  return own;
}

// Whether it is worth a second conversion. Scales per channel do much of what equalization is for:
// it still evens values out, where these are what is left.
bool CouldHelp(const ConvertOptions& options, const PlannedConversion& without,
               const ConversionReport& report) {
  const bool is_worth_it =
      report.guard.ran && (!options.config.tensors.weights.per_channel ||
                           (report.integer_nodes > 0 && TypicalNoise(report.outputs) > kGoodNoise));
  if (!is_worth_it) return false;
  Graph tried = without.model.graph;  // shares the bytes of tensors
  return EqualizeLayers(tried, EqualizeOptionsOf(options.config)) > 0;
}

// Less is better.
auto Rank(const ConversionReport& report) {
  return std::tuple(!report.guard.passed, report.guard.kept_float.size(),
                    TypicalNoise(report.outputs));
}

// `report` is that of the conversion with; becomes that of the one that is kept, which is told.
bool KeepBetter(ConversionReport without, size_t layers, ConversionReport& report) {
  CorrectionReport told{.name = "equalization",
                        .layers = layers,
                        .noise_before = TypicalNoise(without.outputs),
                        .noise_after = TypicalNoise(report.outputs)};
  told.kept = Rank(report) < Rank(without);
  if (!told.kept) {
    without.seconds = std::move(report.seconds);
    report = std::move(without);
  }
  report.corrections.insert(report.corrections.begin(), told);
  return told.kept;
}

}  // namespace

void PlanWithEqualization(const ConvertOptions& options, LoadedModel loaded, Stopwatch& watch,
                          ConversionReport& report, const ChosenConversionUser& use) {
  const auto use_as_asked = [&](const PlannedConversion& planned) { use(options, planned); };
  if (!IsOpen(options))
    return PlanConversion(options, std::move(loaded), watch, report, use_as_asked);
  const ConversionReport start = report;
  const LoadedModel again = loaded;  // shares the bytes of tensors
  ConvertOptions on = With(options, Correction::kOn);
  if (!on.passes.dump_folder.empty()) on.passes.dump_folder /= "equalized";
  const ConvertOptions off = With(options, Correction::kOff);
  PlanConversion(off, std::move(loaded), watch, report, [&](const PlannedConversion& without) {
    if (!CouldHelp(options, without, report)) {
      if (options.must_pass) RefuseFailed(options, report);
      return use(off, without);
    }
    ConversionReport first = std::exchange(report, start);
    report.seconds = first.seconds;
    PlanConversion(on, again, watch, report, [&](const PlannedConversion& with) {
      const bool kept = KeepBetter(std::move(first), with.equalized, report);
      if (options.must_pass) RefuseFailed(options, report);
      kept ? use(on, with) : use(off, without);
    });
  });
}

}  // namespace qconvert
