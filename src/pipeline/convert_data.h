// The samples of a conversion.
#ifndef QCONVERT_SRC_PIPELINE_CONVERT_DATA_H_
#define QCONVERT_SRC_PIPELINE_CONVERT_DATA_H_

#include "calibration_data.h"
#include "qconvert/pipeline/convert.h"

namespace qconvert {

// Where they are and how they are run, as the options say; optional where nothing needs any.
CalibrationData DataOf(const ConvertOptions& options);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_CONVERT_DATA_H_
