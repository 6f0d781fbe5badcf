// Scales of weights by what the layers read.
#ifndef QCONVERT_SRC_PIPELINE_FIT_SCALES_H_
#define QCONVERT_SRC_PIPELINE_FIT_SCALES_H_

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "qconvert/base/result_cache.h"
#include "qconvert/dataset/sample_source.h"
#include "qconvert/ir/graph.h"
#include "qconvert/plan/model_settings.h"
#include "qconvert/plan/plan.h"
#include "qconvert/weights/layer_corrections.h"

namespace qconvert {

// FitScalesByCovariance (weights/round_by_covariance.h) of every layer that can be rounded by what
// it reads (CanRound), whose settings choose its scales by squared error (method mse) and whose
// weights nothing else reads; inputs are those of the float model. `plan` is complete and without
// corrections of weights. Nothing where the engine cannot run the model in pieces. The result does
// not depend on the workers. `cache`: keeps them; null: nothing does.
std::map<size_t, FittedScales> FitScales(const Model& model, const QuantizationPlan& plan,
                                         const ModelSettings& settings,
                                         const std::vector<Sample>& samples, int workers,
                                         const std::string& place, ResultCache* cache = nullptr);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_FIT_SCALES_H_
