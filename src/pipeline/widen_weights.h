// Which stored weights get 16 bit instead of 8.
#ifndef QCONVERT_SRC_PIPELINE_WIDEN_WEIGHTS_H_
#define QCONVERT_SRC_PIPELINE_WIDEN_WEIGHTS_H_

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "measure_plan.h"

namespace qconvert {

// A weight that the plan stores in 8 bit for float kernels.
struct WeightItem {
  std::string name;
  int64_t elements = 0;
  double expected_noise = 0;  // plan/expected_noise.h
};

struct WidenOptions {
  std::vector<WeightItem> weights;
  // Noise (error power / signal power of the worst output) that stored weights alone may bring.
  double max_noise = 1e-3;
  // Above this, weights that take at most kWidePart of all have 16 bit as well.
  double good_noise = 1e-4;
  static constexpr double kWidePart = 0.1;
  // Measures stored weights alone, these of them in 16 bit.
  std::function<Measured(const std::set<std::string>& wide)> measure;
};

// None where all weights in 8 bit are good; else those of most expected noise by byte, kWidePart of
// all. Where that is measured not to be enough for `max_noise`, as many more as noise that is in
// proportion to the expected one takes to fall to half of that, and again until it is.
std::set<std::string> WidenWeights(const WidenOptions& options);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_WIDEN_WEIGHTS_H_
