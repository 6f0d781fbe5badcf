// What the model is fed, as a picture to look at.
#ifndef QCONVERT_SRC_PIPELINE_FIRST_PICTURE_H_
#define QCONVERT_SRC_PIPELINE_FIRST_PICTURE_H_

#include <string>
#include <vector>

#include "picture_format.h"
#include "qconvert/config/quant_config.h"
#include "qconvert/dataset/sample_source.h"
#include "qconvert/ir/graph.h"

namespace qconvert {

// The bytes of a PNG: the first sample of the first of `inputs` that takes pictures, whatever kind
// of file it came from, with the mean and scale of the settings undone as far as they are not
// `folded`. Throws Error(kUsage) when there is no such input, or no sample.
std::string FirstPicture(const SampleSource& samples, const std::vector<Value>& inputs,
                         const QuantConfig& config, const FoldedInputs& folded);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_FIRST_PICTURE_H_
