// Whether the engine runs what was planned.
#ifndef QCONVERT_SRC_PIPELINE_CHECK_FUSION_H_
#define QCONVERT_SRC_PIPELINE_CHECK_FUSION_H_

#include <string>

#include "qconvert/config/quant_config.h"
#include "qconvert/ir/graph.h"
#include "qconvert/plan/plan.h"

namespace qconvert {

// Throws Error(kNumeric) naming the nodes that the plan has on integers and the engine computes in
// float, Error(kConfig) when the target is not the CPU, of which the engine knows nothing. `model`
// is the prepared one.
void CheckFusion(Model model, const QuantizationPlan& plan, TargetDevice device,
                 const std::string& place);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_CHECK_FUSION_H_
