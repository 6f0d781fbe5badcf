#include "judged_data.h"

#include <fmt/format.h>

#include <utility>

#include "calibration_data.h"
#include "convert_data.h"

namespace qconvert {
namespace {

JudgedData FromValidation(const ConvertOptions& options, const Graph& graph,
                          const FoldedInputs& folded, const DataDigest& calibration,
                          bool has_feedback, std::vector<std::string>& warnings) {
  CalibrationData data = DataOf(options, folded);
  data.folder = options.validation_folder;
  JudgedData judged{.samples = OpenSamples(options, data, graph),
                    .order = {},
                    .description = "samples of --validate",
                    .why_fitted = {}};
  const DataDigest digest = judged.samples.Digest(WorkerCount(data));
  const std::vector<size_t> different = DifferentFrom(digest, {});
  judged.order = DifferentFrom(digest, calibration);
  const size_t shared = different.size() - judged.order.size();
  const bool stay = has_feedback || judged.order.empty();
  if (shared > 0) {
    warnings.push_back(
        fmt::format("{} of {} different samples of --validate are calibration samples: {}", shared,
                    different.size(),
                    stay ? "what is told of them is better than fresh samples would give"
                         : "they are left out, since they tell nothing of fresh ones"));
    if (stay) judged.why_fitted = fmt::format("{} of which calibrate", shared);
  }
  // Steps of a sequence depend on those before: none can be left out.
  if (stay) judged.order = has_feedback ? digest.by_content : different;
  return judged;
}

}  // namespace

JudgedData OpenJudged(const ConvertOptions& options, const Graph& graph, const FoldedInputs& folded,
                      const InputFeeder& feeder, const SampleSource& samples,
                      const DataDigest& digest, const SampleSplit& split,
                      std::vector<std::string>& warnings) {
  if (!options.validation_folder.empty())
    return FromValidation(options, graph, folded, digest, feeder.has_feedback(), warnings);
  JudgedData judged{.samples = samples,
                    .order = split.judged,
                    .description = "samples kept out of calibration",
                    .why_fitted = {}};
  const PlanFile* const plan = options.plan;
  const bool saw_all = plan != nullptr && plan->data_sha256 == digest.sha256 &&
                       static_cast<size_t>(plan->samples) > split.calibration.size();
  if (split.is_held_out && !saw_all) return judged;
  judged.description = "of the calibration samples themselves";
  judged.why_fitted = feeder.has_feedback() ? "a sequence"
                      : split.is_held_out
                          ? "few, all of which made the plan"
                          : fmt::format("fewer than {} different ones", kFewestToHoldOut);
  return judged;
}

std::string DescribeJudged(const JudgedData& judged, bool is_corrected) {
  if (judged.why_fitted.empty()) return judged.description;
  // Codes and biases that are fitted to a few samples suit these, whatever they do to others.
  return fmt::format("{} ({}{}; no bound for others, --validate takes some)", judged.description,
                     judged.why_fitted, is_corrected ? ", which corrections were fitted to" : "");
}

}  // namespace qconvert
