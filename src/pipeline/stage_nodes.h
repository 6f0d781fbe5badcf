// Every node of a quantized model beside the float one, as Horizon's tools list them.
#ifndef QCONVERT_SRC_PIPELINE_STAGE_NODES_H_
#define QCONVERT_SRC_PIPELINE_STAGE_NODES_H_

#include <cstddef>
#include <string>
#include <vector>

#include "qconvert/calibration/input_feeder.h"
#include "qconvert/ir/graph.h"
#include "qconvert/plan/plan.h"
#include "qconvert/report/stage_tables.h"

namespace qconvert {

struct FloatAndQuantized {
  const Model& optimized;  // of `plan`, float
  const Model& quantized;  // what it made of it
  const QuantizationPlan& plan;
};

// A row for every node of the float model that computes on float tensors, in order. Cosines are
// those of what readers see on sample `sample` of the feeder; none where it has no samples or feeds
// states back. `place` names the model in errors.
std::vector<StageNode> ListStageNodes(const FloatAndQuantized& models, const InputFeeder& feeder,
                                      size_t sample, const std::string& place);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_STAGE_NODES_H_
