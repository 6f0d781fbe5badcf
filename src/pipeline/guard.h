// Compares the quantized model with the float one before it is accepted, and puts what harms it
// back to float until it holds.
#ifndef QCONVERT_SRC_PIPELINE_GUARD_H_
#define QCONVERT_SRC_PIPELINE_GUARD_H_

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "qconvert/plan/plan.h"
#include "qconvert/report/verdict.h"

namespace qconvert {

// What is quantized: nodes on integers; nodes that are float in the placement and quantized at run
// time; and the weights of all other nodes, stored in 8 bit but
// for some in 16.
struct GuardedPlan {
  Placement placement;
  std::map<size_t, std::string> dynamic;  // node -> its output
  std::set<std::string> wide_weights;
};

// How many samples a measurement takes: few for comparing parts of a plan, more for a verdict.
enum class GuardLook { kQuick, kThorough };

struct GuardOptions {
  Gate gate;  // what every output must reach
  // Noise (error power / signal power of the worst output) that stored weights may bring: they are
  // no faster than float ones, so they must be much better than what integer nodes may do.
  double max_weight_noise = 1e-3;
  // Weights go on to 16 bit until this is reached, as long as those take at most kWidePart of all.
  double good_weight_noise = 1e-4;
  static constexpr double kWidePart = 0.1;
  // Quantizes this way and compares with the float model on the guard's samples.
  std::function<std::vector<OutputComparison>(GuardedPlan, GuardLook)> measure;
  // Nodes to be quantized at run time; float in the base placement.
  std::map<size_t, std::string> dynamic;
  // Weights that the whole plan stores in 8 bit: those are judged. `other_weights` can be stored
  // too, when their integer nodes go back to float.
  std::vector<std::string> weights;
  std::vector<int64_t> weight_elements;  // as `weights`
  std::vector<std::string> other_weights;
  int max_measurements = 400;
};

struct GuardResult {
  GuardedPlan plan;
  std::vector<OutputComparison> outputs;  // of the plan, on the thorough look
  Verdict verdict;                        // on them
  int measurements = 0;
  std::vector<std::string> kept_wide;   // weights that the guard stored in 16 bit
  std::vector<std::string> kept_float;  // nodes that the guard put back
};

// Accepts the whole plan when it holds. Else stored weights are judged alone, without integer
// nodes, then integer nodes alone (noise_search.h), and what is found goes back to float. The
// result is measured as a whole; if it still misses, the search goes on with half the noise.
GuardResult RunGuard(const Graph& graph, const PlaceOptions& base, const GuardOptions& options);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_GUARD_H_
