// Samples that were judged on calibrate in the end, where samples are few.
#ifndef QCONVERT_SRC_PIPELINE_TAKE_IN_HELD_OUT_H_
#define QCONVERT_SRC_PIPELINE_TAKE_IN_HELD_OUT_H_

#include "choose_plan.h"
#include "measure_plan.h"

namespace qconvert {

// What samples are called that were judged on before they calibrated.
inline constexpr const char* kUntilChosen =
    "samples kept out of calibration until the plan was chosen";

// The chosen plan with the ranges of `inputs.table`, of all samples: the fewer there are, the more
// do fresh ones go beyond the ranges of a part. Placement, methods, codes and biases stay as they
// were chosen. `chosen.outputs` stay as they were measured without, or become what the new plan
// gives, whichever is worse. Returns false and changes nothing where no integer has ranges, the
// guard did not run, or the judged samples come out with twice the noise or fail.
// `inputs`: as ChoosePlan had them, but for the table and a RangeCache of that table alone.
bool TakeInHeldOut(const PlanInputs& inputs, ChosenPlan& chosen);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_TAKE_IN_HELD_OUT_H_
