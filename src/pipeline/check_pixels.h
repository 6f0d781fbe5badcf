// Calibration data of images that were prepared by the other generation's rule.
#ifndef QCONVERT_SRC_PIPELINE_CHECK_PIXELS_H_
#define QCONVERT_SRC_PIPELINE_CHECK_PIXELS_H_

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "qconvert/config/deployment_config.h"
#include "qconvert/dataset/sample_source.h"

namespace qconvert {

// One line per image input with mean and scale whose samples, undone to levels of pixels, are none:
//   raw          levels far beyond 0..255: pixels where normalized data are expected (J6)
//   normalized   all levels within a few of each other: normalized a second time (J5)
//   constant     a sample with one value in all of its pixels, black or empty pictures
// Looks at the first samples of `order`.
std::vector<std::string> CheckPixels(const DeploymentConfig& deployment,
                                     const SampleSource& samples, std::span<const size_t> order);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_CHECK_PIXELS_H_
