// What every node of a conversion became and what it costs: for the report page.
#ifndef QCONVERT_SRC_PIPELINE_LOOK_AT_LAYERS_H_
#define QCONVERT_SRC_PIPELINE_LOOK_AT_LAYERS_H_

#include "measure_layers.h"
#include "qconvert/calibration/calibration_table.h"
#include "qconvert/pipeline/convert.h"
#include "qconvert/report/layer_report.h"

namespace qconvert {

// Describes the nodes with what was measured of them, and the settings.
LayerReport LookAtLayers(const ConvertOptions& options, const LayerInputs& inputs,
                         const CalibrationTable& table, LayerErrors errors);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_LOOK_AT_LAYERS_H_
