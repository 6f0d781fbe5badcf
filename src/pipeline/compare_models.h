// Runs the float and the quantized model side by side.
#ifndef QCONVERT_SRC_PIPELINE_COMPARE_MODELS_H_
#define QCONVERT_SRC_PIPELINE_COMPARE_MODELS_H_

#include <vector>

#include "qconvert/calibration/calibrator.h"
#include "qconvert/report/comparison.h"
#include "qconvert/runtime/session.h"

namespace qconvert {

// Compares on `count` samples: spread evenly, or the first ones in order when states are fed back
// (each model feeds back its own). The sums are taken in sample order, so the worker count cannot
// change them.
std::vector<OutputComparison> CompareModels(const Session& expected, const Session& actual,
                                            const InputFeeder& feeder, size_t count, int workers);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_COMPARE_MODELS_H_
