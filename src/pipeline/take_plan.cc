#include "take_plan.h"

#include <fmt/format.h>

#include <utility>

#include "qconvert/base/sha256.h"
#include "qconvert/weights/given_codes.h"

namespace qconvert {

void CheckPlanModel(const PlanFile& file, const std::string& model_sha256,
                    const std::string& model) {
  if (file.model_sha256 == model_sha256) return;
  ConfigProblems problems(file.file.string());
  problems.Add(
      file.model_place,
      fmt::format("is of another model: model_sha256 is {}, expected {} of {}", file.model_sha256,
                  model_sha256, std::filesystem::path(model).filename().string()));
  problems.ThrowIfAny();
}

ChosenPlan TakePlan(const PlanInputs& inputs, const PlanFile& file, GuardMode mode) {
  const Graph& graph = inputs.model.graph;
  PlanReading reading = ReadPlan(graph, file);
  FillGivenCodes(graph, file, inputs.codes.workers(), reading);
  reading.problems.ThrowIfAny();
  ChosenPlan chosen;
  chosen.scheme.scheme = file.scheme;
  chosen.scheme.reason = file.scheme_reason;
  chosen.plan = std::move(reading.plan);
  chosen.warnings = std::move(reading.warnings);
  if (mode == GuardMode::kOff) return chosen;
  Measured measured = MeasurePlan(inputs, chosen.plan);
  if (!measured.failure.empty())
    chosen.warnings.push_back("the engine cannot run this plan: " + measured.failure);
  chosen.outputs = std::move(measured.outputs);
  chosen.guard = {.ran = true, .passed = measured.verdict.passed, .measurements = 1};
  return chosen;
}

PlanHistory HistoryOfTaken(const PlanFile& file, const Graph& graph, const QuantizationPlan& plan,
                           const Provenance& own) {
  PlanHistory history = HistoryOf(file);
  // Of a file that was edited, what it says of its guard and its noise holds no longer.
  if (QuantInfoJson(graph, plan, history) != file.text) {
    Sha256 hash;
    hash.Update(file.text);
    history.provenance.config_sha256 = hash.HexDigest();
    history.guard = {};
    history.noise = {};
  }
  history.provenance.tool = own.tool;
  history.provenance.engine = own.engine;
  return history;
}

}  // namespace qconvert
