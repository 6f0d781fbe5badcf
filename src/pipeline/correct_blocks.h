// Corrections of weights and biases, block after block.
#ifndef QCONVERT_SRC_PIPELINE_CORRECT_BLOCKS_H_
#define QCONVERT_SRC_PIPELINE_CORRECT_BLOCKS_H_

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "qconvert/base/result_cache.h"
#include "qconvert/config/learning_settings.h"
#include "qconvert/dataset/sample_source.h"
#include "qconvert/ir/graph.h"
#include "qconvert/plan/find_blocks.h"
#include "qconvert/plan/plan.h"
#include "qconvert/report/conversion_report.h"
#include "qconvert/weights/coded_layers.h"
#include "qconvert/weights/layer_corrections.h"
#include "qconvert/weights/learn_block.h"

namespace qconvert {

struct BlockOptions {
  LearningSettings learning;
  std::function<void(size_t percent)> progress;  // may be empty
  int workers = 1;
  ResultCache* cache = nullptr;  // of learned blocks; null: none
  BlockVariables variables = BlockVariables::kCodes;
};

struct CorrectedBlocks {
  LayerCorrections corrections;  // none where no block has learned
  size_t blocks = 0;
  size_t learned = 0;                       // blocks that found something better
  size_t layers = 0;                        // of these
  size_t ranges = 0;                        // that changed
  std::map<std::string, size_t> obstacles;  // why blocks cannot learn -> how many

  // "5 of 9 blocks learned together, 3 cannot: operator Softplus (2 of them)", the reason that most
  // have.
  std::string What() const;
  // What was corrected, not measured: layers, ranges, or biases alone where no range has changed.
  CorrectionReport Report(BlockVariables variables) const;
};

// The blocks of layers whose codes can be learned (FindBlocks, LearnsNode).
std::vector<Block> LearnableBlocks(const Graph& graph, const std::map<size_t, CodedLayer>& layers,
                                   const LearningSettings& settings);

// `start` with the layers of every block that can learn (LearnBlock) learned together, in the order
// they run: the block reads what the quantized model computes, with all blocks in front learned,
// and should write what the float model does. Layers outside of blocks, and of blocks that found
// nothing better or cannot learn, stay as they are in `start` or, behind a
// block that has learned, learn once more by themselves (LearnWeights). Ranges of what the block
// writes learn along (LearnableRanges), or alone with the biases where `variables` says so: no
// other layer learns then. `plan` is complete, without `start`'s weights and biases. Nothing where
// the engine cannot run the pieces by themselves. The result does not depend on the workers.
CorrectedBlocks CorrectBlocks(const Model& model, const QuantizationPlan& plan,
                              const LayerCorrections& start, const std::vector<Sample>& samples,
                              const BlockOptions& options, const std::string& place);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_CORRECT_BLOCKS_H_
