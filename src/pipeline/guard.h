// Compares the quantized model with the float one before it is accepted, and puts nodes back to
// float until it holds.
#ifndef QCONVERT_SRC_PIPELINE_GUARD_H_
#define QCONVERT_SRC_PIPELINE_GUARD_H_

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "qconvert/quantization/plan.h"
#include "qconvert/report/comparison.h"

namespace qconvert {

struct GuardOptions {
  double min_cosine = 0.99;  // every floating-point output must reach it
  // Quantizes with this placement and compares with the float model on the guard's samples.
  std::function<std::vector<OutputComparison>(Placement)> measure;
  int max_measurements = 400;
};

struct GuardResult {
  Placement placement;
  bool passed = true;
  int measurements = 0;
  std::vector<std::string> kept_float;  // nodes that the guard put back
};

// With noise = (error power / signal power) of the worst output, which adds up over nodes as long
// as errors are small and unrelated: splits the integer nodes into chunks, measures each chunk
// alone (all else float), and halves the noisiest chunk until single nodes are left, which go back
// to float, until what remains fits the threshold. The result is measured as a whole; if it still
// misses, the search goes on with half the budget.
GuardResult RunGuard(const Graph& graph, const PlaceOptions& base, const GuardOptions& options);

// Lowest cosine over outputs of floating-point type (over all when there are none).
double WorstCosine(const std::vector<OutputComparison>& outputs);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_GUARD_H_
