// Codes of a plan's weights on the grids that a plan file gives.
#ifndef QCONVERT_WEIGHTS_GIVEN_CODES_H_
#define QCONVERT_WEIGHTS_GIVEN_CODES_H_

#include "qconvert/ir/graph.h"
#include "qconvert/plan/read_plan.h"

namespace qconvert {

// Fills in the weights, biases and stored weights of `reading.plan` as FillCodes (fill_codes.h)
// does, with the scales of `file` instead of fitted ones: for a file as it was written the same
// codes. Tells reading.problems which grids are missing or do not fit the weights; then codes are
// missing. Weights are quantized by `workers` threads.
void FillGivenCodes(const Graph& graph, const PlanFile& file, int workers, PlanReading& reading);

}  // namespace qconvert

#endif  // QCONVERT_WEIGHTS_GIVEN_CODES_H_
