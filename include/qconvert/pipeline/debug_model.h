// Which nodes are to blame for the error of a quantized model.
#ifndef QCONVERT_PIPELINE_DEBUG_MODEL_H_
#define QCONVERT_PIPELINE_DEBUG_MODEL_H_

#include <cstddef>
#include <functional>
#include <optional>

#include "qconvert/pipeline/convert.h"
#include "qconvert/report/debug_report.h"

namespace qconvert {

struct DebugOptions {
  // What would be converted, and how; of its outputs the page alone is written.
  ConvertOptions convert;
  // Signal to noise of the worst output that few nodes left float are to give. Not given:
  // kMoreSqnrDb more than the whole has, at least what the gate asks for.
  std::optional<double> target_sqnr_db;
  // That everything is measured on, of those that are judged on; 0: two, of more than 32 nodes one.
  size_t samples = 0;
  // Sets of nodes measured while the guilty ones are looked for; 0: kMostSets, of networks with
  // many multiply-adds fewer.
  int budget = 0;
  std::function<void(size_t done, size_t at_most)> progress;  // of sets measured
};

inline constexpr double kMoreSqnrDb = 10;
inline constexpr size_t kMostSets = 300;

// Plans as Convert does, without putting nodes back to float for the outputs and without
// corrections of biases and rounding, and measures every
// node, its weights and its activations alone, then looks for the smallest set of nodes that brings
// the model to the target when they are left float. Throws what Convert throws, and Error(kUsage)
// without samples.
DebugReport DebugModel(const DebugOptions& options);

}  // namespace qconvert

#endif  // QCONVERT_PIPELINE_DEBUG_MODEL_H_
