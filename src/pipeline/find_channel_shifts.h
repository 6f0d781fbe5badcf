// Which channels stick out, by some samples.
#ifndef QCONVERT_SRC_PIPELINE_FIND_CHANNEL_SHIFTS_H_
#define QCONVERT_SRC_PIPELINE_FIND_CHANNEL_SHIFTS_H_

#include <span>
#include <string>

#include "qconvert/calibration/input_feeder.h"
#include "qconvert/ir/graph.h"
#include "qconvert/targets/target.h"
#include "qconvert/transform/spread_channels.h"

namespace qconvert {

// The shifts of SpreadChannels that up to eight samples, spread evenly over `by_content`, ask for:
// all samples in an order that no file names change. None where runs depend on each other, and none
// for values that kernels of `kept_whole` can write as integers; null: for all. Throws Error where
// the engine refuses the model.
ChannelShifts FindChannelShifts(const Model& model, const InputFeeder& feeder,
                                std::span<const size_t> by_content, const Target* kept_whole,
                                const std::string& place);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_FIND_CHANNEL_SHIFTS_H_
