// Measured causes of a node's error.
#ifndef QCONVERT_SRC_REPORT_FIND_CAUSES_H_
#define QCONVERT_SRC_REPORT_FIND_CAUSES_H_

#include <vector>

#include "qconvert/report/layer_report.h"

namespace qconvert {

// Fills the findings of every row. `layers` are the nodes of `graph`.
//
//   range clash      widths of two inputs of one Add, Sub or Concat are kClash or more apart
//   outliers         99.9 % of a value's magnitudes take kFewSteps or fewer of its grid's steps
//   saturation       kMuchClipped or more of a value's numbers are clipped
//   outlier channel  with one scale for all channels, the widest channel is kClash or more times as
//                    wide as the median one; with a scale each, the widest number of a channel as
//                    much above the root of its mean square
//   logarithm        kMuchNearZero or more of a value's numbers are within kNearZero steps of 0,
//                    and the node is one of FindFrontEndNodes
//   residual growth  the second or a later sum of ResidualSums is kGrowth or more times as wide as
//                    what the chain begins with
//   dead channels    channels of weights, not all zero, whose codes are
void AddFindings(const Graph& graph, const QuantizationPlan& plan, const CalibrationTable& table,
                 std::vector<LayerRow>& layers);

}  // namespace qconvert

#endif  // QCONVERT_SRC_REPORT_FIND_CAUSES_H_
