// How long learning takes, estimated before it begins.
#ifndef QCONVERT_SRC_PIPELINE_LEARNING_TIME_H_
#define QCONVERT_SRC_PIPELINE_LEARNING_TIME_H_

#include <cstddef>
#include <map>
#include <vector>

#include "qconvert/config/learning_settings.h"
#include "qconvert/ir/graph.h"
#include "qconvert/plan/cost_model.h"
#include "qconvert/plan/find_blocks.h"
#include "qconvert/weights/coded_layers.h"
#include "qconvert/weights/learn_block.h"

namespace qconvert {

// What is learned from: so many samples, and how many numbers the values of one have.
struct LearnedFrom {
  size_t samples = 0;
  const ValueSizes& sizes;
};

// LearningCost of the layers that CorrectLayers learns, by node.
std::map<size_t, double> LearningCosts(const Graph& graph,
                                       const std::map<size_t, CodedLayer>& layers,
                                       const LearningSettings& settings, const LearnedFrom& from);

// Seconds of processor time of all of them.
double TimeOfLayers(const std::map<size_t, double>& costs);

// The same of CorrectBlocks, with the layers that learn once more behind the blocks.
double TimeOfBlocks(const Graph& graph, const std::map<size_t, CodedLayer>& layers,
                    const std::vector<Block>& blocks, BlockVariables variables,
                    const LearningSettings& settings, const LearnedFrom& from);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_LEARNING_TIME_H_
