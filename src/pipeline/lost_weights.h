// Stored weights that lose too much in 16 bit.
#ifndef QCONVERT_SRC_PIPELINE_LOST_WEIGHTS_H_
#define QCONVERT_SRC_PIPELINE_LOST_WEIGHTS_H_

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "measure_plan.h"

namespace qconvert {

struct LostOptions {
  std::vector<std::string> weights;  // the most suspicious first
  double max_noise = 0;
  // Measures stored weights alone, all in 16 bit but for these, which are float32.
  std::function<Measured(const std::set<std::string>& floats)> measure;
};

// The main graph's weights that can be stored in 16 bit, the one that loses most by it first: by
// the mean of relative squared errors, over what is not 0. Where channels that a weight reads
// differ much, what it multiplies large values with is lost beside what it multiplies small ones
// with: these have one scale.
std::vector<std::string> WeightsByLoss(const PlanInputs& inputs);

// Few that have to stay in float32 for all others in 16 bit to pass with no more than `max_noise`
// (error power / signal power of the worst output). The best set that was measured where none does.
std::set<std::string> FindLostWeights(const LostOptions& options);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_LOST_WEIGHTS_H_
