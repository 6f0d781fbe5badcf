// The fewest nodes that must stay float for a quantized model to be much better.
#ifndef QCONVERT_SRC_PIPELINE_FIND_GUILTY_H_
#define QCONVERT_SRC_PIPELINE_FIND_GUILTY_H_

#include <cstddef>
#include <functional>
#include <set>
#include <vector>

namespace qconvert {

struct GuiltyOptions {
  std::vector<size_t> items;  // the most suspicious first
  // Noise of the whole without these; infinite when it does not run.
  std::function<double(const std::set<size_t>& without)> noise;
  double target = 0;  // noise to come to
  int budget = 0;     // measurements
};

struct GuiltySet {
  std::vector<size_t> items;  // as suspicious; where the target was not reached, the best set seen
  double before = 0;          // noise with none of them left out
  double after = 0;           // with all of them
  // The least noise with all of them but one: the counter-test. Of one item it is `before`.
  double any_fewer = 0;
  bool reached = false;
  bool is_minimal = false;  // without any one of them the target is missed; measured
  int measurements = 0;
};

// Delta debugging: FindSmallSet leaves out what is enough, then every item is put back on its own
// and stays back where the target holds without it, the least suspicious first, until all of them
// are needed. A. Zeller and R. Hildebrandt, "Simplifying and isolating failure-inducing input",
// IEEE TSE 28 (2002): the result is 1-minimal. The same set is measured once.
GuiltySet FindGuilty(const GuiltyOptions& options);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_FIND_GUILTY_H_
