// A cost table from times that were measured.
#ifndef QCONVERT_PLAN_FIT_COST_TABLE_H_
#define QCONVERT_PLAN_FIT_COST_TABLE_H_

#include <span>

#include "qconvert/targets/cost_table.h"

namespace qconvert {

// What a network consists of, and how long one run of it takes.
struct TimedNetwork {
  CostCounts counts;
  double ns = 0;
};

// The table of least relative errors, x >= 0 in parts of what `prior` says:
//
//   min  sum over networks (estimate / measured - 1)^2  +  m sum over terms (x - 1)^2
//
// with a small m, so that what no network tells apart stays as in `prior`. Least squares under
// bounds by coordinate descent (Franc, Hlavac, Navara 2005, Sequential coordinate-wise algorithm
// for the non-negative least squares problem). No term goes below a tenth of what `prior` says:
// a step that takes no time at all is a fit gone wrong.
CostTable FitCostTable(std::span<const TimedNetwork> networks, const CostTable& prior);

// The mean of |estimate / measured - 1|.
double MeanRelativeError(std::span<const TimedNetwork> networks, const CostTable& table);

}  // namespace qconvert

#endif  // QCONVERT_PLAN_FIT_COST_TABLE_H_
