// The plan of a file instead of one that is chosen.
#ifndef QCONVERT_SRC_PIPELINE_TAKE_PLAN_H_
#define QCONVERT_SRC_PIPELINE_TAKE_PLAN_H_

#include <string>
#include <vector>

#include "choose_plan.h"
#include "qconvert/config/plan_file.h"
#include "qconvert/report/quant_info.h"

namespace qconvert {

// Throws ConfigError naming both hashes when the file is of another model than `model`.
void CheckPlanModel(const PlanFile& file, const std::string& model_sha256,
                    const std::string& model);

// The plan of the file for the prepared model of `inputs`, judged as it is unless `mode` says off.
// Throws ConfigError with all that does not fit the model.
ChosenPlan TakePlan(const PlanInputs& inputs, const PlanFile& file, GuardMode mode);

// What the quant_info of a plan that was taken from `file` says besides it: what `file` says. Where
// the plan is not what a conversion wrote, because the file was edited, the file itself counts as
// the settings (config_sha256), and no guard has seen it. `own` are the tool and engine that run.
PlanHistory HistoryOfTaken(const PlanFile& file, const Graph& graph, const QuantizationPlan& plan,
                           const Provenance& own);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_TAKE_PLAN_H_
