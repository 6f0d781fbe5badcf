// Samples whose numbers alone show that something is wrong with them.
#ifndef QCONVERT_SRC_PIPELINE_CHECK_PIXELS_H_
#define QCONVERT_SRC_PIPELINE_CHECK_PIXELS_H_

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "picture_format.h"
#include "qconvert/config/quant_config.h"
#include "qconvert/dataset/sample_source.h"
#include "qconvert/ir/graph.h"

namespace qconvert {

// How many samples are looked at, the first of an order that is as good as any at random.
inline constexpr size_t kPixelSamples = 64;

// One line per input and oddity, with what was seen and the names of the samples it was seen in.
// For image inputs with mean and scale, of levels (value / scale + mean):
//   raw          beyond -512..1024: pixels where normalized data are expected
//   normalized   all within 8 of each other: normalized twice
//   0 to 1       values of 0..1 that mean and scale would make wider: scaled, but not normalized
//   swapped      per channel, the mean over all samples is nearer to the declared mean turned
//                around than to itself, by half at least, of kFewSamples: red and blue changed
//                places
//   black        no level above 16
// For image inputs, and the only input of floating-point type with 16 numbers or more:
//   constant     the same number everywhere, in each channel
// And samples that are equal in all inputs. `folded`: what the model does of mean and scale itself.
std::vector<std::string> CheckPixels(const QuantConfig& config, const std::vector<Value>& inputs,
                                     const SampleSource& samples, std::span<const size_t> order,
                                     const FoldedInputs& folded = {});

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_CHECK_PIXELS_H_
