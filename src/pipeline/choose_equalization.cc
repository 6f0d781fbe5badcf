#include "choose_equalization.h"

#include <tuple>
#include <utility>

#include "qconvert/report/verdict.h"

namespace qconvert {
namespace {

// A given plan or table is of one prepared model, equalized or not.
bool IsOpen(const ConvertOptions& options) {
  return options.config.equalization == Correction::kAuto &&
         options.config.effort != Effort::kFast && !options.config.tensors.weights.per_channel &&
         options.plan == nullptr && options.table.empty() && options.guard != GuardMode::kOff;
}

ConvertOptions With(const ConvertOptions& options, Correction equalization) {
  ConvertOptions own = options;
  own.config.equalization = equalization;
  own.must_pass = false;  // the other may pass
  return own;
}

// Less is better.
auto Rank(const ConversionReport& report) {
  return std::tuple(!report.guard.passed, report.guard.kept_float.size(),
                    TypicalNoise(report.outputs));
}

// `report` is that of the conversion without; becomes that of the one that is kept, which is told.
bool KeepBetter(ConversionReport with, size_t layers, ConversionReport& report) {
  CorrectionReport told{.name = "equalization",
                        .layers = layers,
                        .noise_before = TypicalNoise(report.outputs),
                        .noise_after = TypicalNoise(with.outputs)};
  told.kept = Rank(with) < Rank(report);
  if (told.kept) {
    with.seconds = std::move(report.seconds);
    report = std::move(with);
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
  const ConvertOptions on = With(options, Correction::kOn);
  const ConvertOptions off = With(options, Correction::kOff);
  PlanConversion(on, std::move(loaded), watch, report, [&](const PlannedConversion& with) {
    if (with.equalized == 0 || !report.guard.ran) {
      if (options.must_pass) RefuseFailed(options, report);
      return use(on, with);
    }
    ConversionReport first = std::exchange(report, start);
    report.seconds = first.seconds;
    PlanConversion(off, again, watch, report, [&](const PlannedConversion& without) {
      const bool kept = KeepBetter(std::move(first), with.equalized, report);
      if (options.must_pass) RefuseFailed(options, report);
      kept ? use(on, with) : use(off, without);
    });
  });
}

}  // namespace qconvert
