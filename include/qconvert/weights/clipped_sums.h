// LimitShift (layer_corrections.h) where what the float model writes is no longer in memory.
#ifndef QCONVERT_WEIGHTS_CLIPPED_SUMS_H_
#define QCONVERT_WEIGHTS_CLIPPED_SUMS_H_

#include <span>
#include <vector>

#include "qconvert/weights/layer_corrections.h"

namespace qconvert {

// Sums behind the clip over all samples and positions, by channel. Empty where the activation is no
// clip, or none, and LimitShift leaves shifts as they are. All tensors have the same channels.
std::vector<double> ClippedSums(std::span<const Tensor> values, ChannelAxis axis,
                                const LayerActivation& activation);

// `aim`: ClippedSums of what the float model writes.
void LimitShift(std::span<const double> aim, std::span<const Tensor> actual, ChannelAxis axis,
                const LayerActivation& activation, std::vector<float>& shift);

}  // namespace qconvert

#endif  // QCONVERT_WEIGHTS_CLIPPED_SUMS_H_
