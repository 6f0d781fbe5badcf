// How far two results are from each other, as a JSON value.
#ifndef QCONVERT_SRC_REPORT_PLAN_DIFFERENCE_JSON_H_
#define QCONVERT_SRC_REPORT_PLAN_DIFFERENCE_JSON_H_

#include "json_text.h"
#include "qconvert/report/plan_difference.h"

namespace qconvert {

// What PlanDifferenceJson prints, but for the exit.
Json DifferenceJson(const PlanDifference& difference);

}  // namespace qconvert

#endif  // QCONVERT_SRC_REPORT_PLAN_DIFFERENCE_JSON_H_
