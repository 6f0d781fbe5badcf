// Decides what is quantized how, with a reason.
#ifndef QCONVERT_SRC_PIPELINE_CHOOSE_PLAN_H_
#define QCONVERT_SRC_PIPELINE_CHOOSE_PLAN_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "measure_plan.h"
#include "qconvert/pipeline/convert.h"
#include "qconvert/plan/choose_scheme.h"
#include "qconvert/plan/plan.h"
#include "qconvert/report/conversion_report.h"

namespace qconvert {

// What a plan was completed from, beside the table.
struct Decisions {
  PlanDraft draft;
  ModelSettings settings;  // with the methods that were chosen
  LayerCorrections corrections;
};

struct ChosenPlan {
  SchemeChoice scheme;
  Decisions decisions;
  QuantizationPlan plan;  // complete
  // The same without corrections, which fit a node to errors before it; nothing: there are none, or
  // nobody asked (PlanInputs::keep_plain).
  std::optional<QuantizationPlan> plain;
  GuardReport guard;
  std::optional<NoiseParts> noise_parts;
  std::vector<CorrectionReport> corrections;
  std::vector<OutputComparison> outputs;  // as the guard measured them last
  std::vector<std::string> warnings;
};

// Chooses calibration methods where the settings say auto: those whose model is measured to be
// nearest to the float one. Keeps what cannot or should not be quantized float (infinities,
// clashing ranges, sensitive weights), gives integers up where they save little time for much
// noise, and lets the guard correct the rest.
ChosenPlan ChoosePlan(PlanInputs inputs, SchemeChoice scheme, GuardMode mode);

// chosen.plan and, where it is to be kept, chosen.plain, as chosen.decisions say.
void CompletePlans(PlanInputs inputs, ChosenPlan& chosen);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_CHOOSE_PLAN_H_
