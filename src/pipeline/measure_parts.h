// What weights alone, and activations alone, do to the outputs.
#ifndef QCONVERT_SRC_PIPELINE_MEASURE_PARTS_H_
#define QCONVERT_SRC_PIPELINE_MEASURE_PARTS_H_

#include "measure_layers.h"
#include "qconvert/report/layer_report.h"

namespace qconvert {

// Fills weights_alone and activations_alone of `errors.nodes` by the parts of the plan
// (parts_of_plan.h), as MeasureLayers fills `alone`: a run of both models for every sample and
// node. What they and 16-bit values with the plan's weights do together is measured along the
// depth, a few runs each.
void MeasureParts(const LayerInputs& inputs, LayerErrors& errors);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_MEASURE_PARTS_H_
