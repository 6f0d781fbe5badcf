// Plans that another kind of processor may make otherwise.
#ifndef QCONVERT_PLAN_IS_LEARNED_H_
#define QCONVERT_PLAN_IS_LEARNED_H_

#include "qconvert/plan/plan.h"

namespace qconvert {

// Whether a weight of `plan` or of a body in it is rounded to another code than the nearest, or a
// range was learned: both follow from sums that kinds of processors round differently.
bool IsLearned(const QuantizationPlan& plan);

}  // namespace qconvert

#endif  // QCONVERT_PLAN_IS_LEARNED_H_
