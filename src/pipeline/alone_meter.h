// The error that each node makes by itself.
#ifndef QCONVERT_SRC_PIPELINE_ALONE_METER_H_
#define QCONVERT_SRC_PIPELINE_ALONE_METER_H_

#include <functional>
#include <string>
#include <vector>

#include "compare_models.h"
#include "measure_layers.h"

namespace qconvert {

struct AloneOptions {
  const Model& exact;
  const Model& quantized;         // made from it
  const SwitchedModel& switched;  // of both
  ModelComparer& comparer;
  std::vector<size_t> samples;  // of the comparer
  std::string place;
  std::function<void()> on_run;  // of every node; may be empty
};

// Nodes whose switches are in one model: more run what lies before them seldomer, fewer run less of
// what is off.
inline constexpr size_t kNodesTogether = 16;

// By node of `nodes`, error power over signal power of the worst output with its switches alone on.
// Nodes that stand together in the graph get a model with switches at them only, which is run in
// two parts (prefixed_model.h): what comes before them once for a sample, what comes behind them in
// float once for each node. The same numbers as those of SwitchMeter, but for what the engine
// rounds otherwise in other company; where states are fed back, or a model cannot be cut, they are
// its.
std::vector<double> MeasureAlone(const AloneOptions& options,
                                 const std::vector<SwitchedNode>& nodes);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_ALONE_METER_H_
