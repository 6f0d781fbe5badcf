// The calibration cache of TensorRT's implicit quantization: the ranges that a run of it found.
#ifndef QCONVERT_CALIBRATION_TENSORRT_CACHE_H_
#define QCONVERT_CALIBRATION_TENSORRT_CACHE_H_

#include <string>
#include <string_view>

#include "qconvert/calibration/calibration_table.h"

namespace qconvert {

// True for a text that begins as such a file does, "TRT-8501-EntropyCalibration2".
bool IsTensorRtCache(std::string_view text);

// Behind its first line such a file has one per tensor, `name: 3c010a14`: the bits of a float32 in
// hexadecimal, the step of the int8 grid [-127, 127]. Values get the range [-127 step, 127 step],
// which every method takes as it is: there is no histogram. Source: TensorRT's developer guide,
// "INT8 Calibration Using C++", and the caches that its samples write. Throws Error(kData) naming
// `place` and the line for a line of another form, a step that is negative or no number, and a name
// given twice.
CalibrationTable ParseTensorRtCache(std::string_view text, const std::string& place);

}  // namespace qconvert

#endif  // QCONVERT_CALIBRATION_TENSORRT_CACHE_H_
