// Mean and scale of the calibration data of images.
#ifndef QCONVERT_SRC_DATASET_NORMALIZE_PIXELS_H_
#define QCONVERT_SRC_DATASET_NORMALIZE_PIXELS_H_

#include <string>

#include "qconvert/dataset/sample_source.h"

namespace qconvert {

// (values - mean) * scale, in double, per channel; the floats as they are where there is no
// mean. Throws Error(kData) naming `place` when there are other channels.
Tensor NormalizePixels(Tensor values, const PixelScaling& scaling, const std::string& place);

}  // namespace qconvert

#endif  // QCONVERT_SRC_DATASET_NORMALIZE_PIXELS_H_
