// Decides what is quantized how, with a reason.
#ifndef QCONVERT_SRC_PIPELINE_CHOOSE_PLAN_H_
#define QCONVERT_SRC_PIPELINE_CHOOSE_PLAN_H_

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "compare_models.h"
#include "guard.h"
#include "qconvert/calibration/calibration_table.h"
#include "qconvert/ir/graph.h"
#include "qconvert/pipeline/convert.h"
#include "qconvert/plan/plan.h"
#include "qconvert/report/conversion_report.h"
#include "qconvert/weights/fill_codes.h"

namespace qconvert {

// The scheme that was taken, and what the placement starts from.
struct SchemeChoice {
  Scheme scheme = Scheme::kStatic;  // static, dynamic or weight-only
  std::string reason;
  PlaceOptions place;
  std::map<size_t, std::string> dynamic;  // nodes to be quantized at run time -> their outputs
  bool weigh_noise = false;               // integers may still be given up for their noise
  double estimated_ratio = 1;  // time on integers / in float, of the nodes that integers could take
};

// From the operators, the sizes and the settings alone; nothing has been measured yet.
//   static       integers where they save time; the objective says how eagerly
//   weight-only  when integers save no time anywhere: 8-bit weights, float kernels
SchemeChoice ChooseScheme(const Graph& graph, ValueSizes sizes, const ModelSettings& settings);

// Everything that measuring a plan needs.
struct PlanInputs {
  const Model& model;  // prepared, float
  const CalibrationTable& table;
  ModelComparer& comparer;  // with the model as it came
  RangeCache& ranges;
  CodeCache& codes;
  ModelSettings settings;
  GuardMode guard = GuardMode::kCorrect;
  Gate gate;
  std::string place;  // names the model in errors
  std::function<void(size_t measurements)> on_measurement;
};

struct ChosenPlan {
  SchemeChoice scheme;
  QuantizationPlan plan;  // complete
  GuardReport guard;
  std::vector<OutputComparison> outputs;  // as the guard measured them last
  std::vector<std::string> warnings;
};

// Chooses calibration methods where the settings say auto: those whose model is measured to be
// nearest to the float one. Keeps what cannot or should not be quantized float (infinities,
// clashing ranges, sensitive weights), gives integers up where they save little time for much
// noise, and lets the guard correct the rest.
ChosenPlan ChoosePlan(PlanInputs inputs, SchemeChoice scheme);

// The plan with every parameter and code.
QuantizationPlan CompletePlan(const PlanInputs& inputs, const GuardedPlan& guarded);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_CHOOSE_PLAN_H_
