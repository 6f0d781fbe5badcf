// What corrections of biases go by of a layer in the float model, without its values.
#ifndef QCONVERT_SRC_PIPELINE_EXPECTED_OUTPUT_H_
#define QCONVERT_SRC_PIPELINE_EXPECTED_OUTPUT_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "qconvert/ir/tensor.h"
#include "qconvert/weights/layer_corrections.h"

namespace qconvert {

struct ExpectedOutput {
  std::vector<std::vector<int64_t>> dims;  // by sample
  std::vector<std::vector<double>> means;  // by sample and channel; none of what has no channels
  std::vector<double> sums;                // ClippedSums of all; empty where channels differ
};

// `values`: by sample, of a layer before its activation.
ExpectedOutput SeeOutput(const std::vector<Tensor>& values, ChannelAxis axis,
                         const LayerActivation& activation, int workers);

// What is to be added to the bias of a layer that gives `actual` in the quantized model (BiasShift,
// LimitShift). Nothing where shapes differ between the models, as those that follow from data may,
// or between samples.
std::optional<std::vector<float>> FindShift(const ExpectedOutput& expected,
                                            const std::vector<Tensor>& actual, ChannelAxis axis,
                                            const LayerActivation& activation, int workers);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_EXPECTED_OUTPUT_H_
