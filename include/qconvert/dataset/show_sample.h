// What a model is fed, to look at.
#ifndef QCONVERT_DATASET_SHOW_SAMPLE_H_
#define QCONVERT_DATASET_SHOW_SAMPLE_H_

#include <string>

#include "qconvert/config/deployment_config.h"
#include "qconvert/dataset/sample_source.h"
#include "qconvert/ir/tensor.h"

namespace qconvert {

// A PNG file of the first picture in `sample`, an image with one channel (gray) or three along the
// channel axis of `scaling`: mean and scale undone, `color` converted to RGB (yuv444 by BT.601 of
// full range, JFIF 1.02), rounded, within 0..255. So a picture that looks wrong is wrong. Throws
// Error(kData) when the tensor is no such image or too large for a picture.
std::string PngOfSample(const Tensor& sample, const PixelScaling& scaling, InputKind color);

}  // namespace qconvert

#endif  // QCONVERT_DATASET_SHOW_SAMPLE_H_
