// Finds few items without which a plan is good enough.
#ifndef QCONVERT_SRC_PIPELINE_SMALL_SET_SEARCH_H_
#define QCONVERT_SRC_PIPELINE_SMALL_SET_SEARCH_H_

#include <cstddef>
#include <functional>
#include <set>
#include <vector>

namespace qconvert {

struct SmallSetOptions {
  std::vector<size_t> items;  // the most suspicious first
  // Noise of the whole plan without these; infinite when it does not run.
  std::function<double(const std::set<size_t>& without)> noise;
  double target = 0;
  int budget = 0;  // measurements
};

struct SmallSet {
  std::set<size_t> taken_out;
  double noise = 0;
  bool reached = false;  // noise is at most the target
  int measurements = 0;
};

// Every step measures a whole plan, so errors that add up or mask each other are in the numbers:
//
//   1. takes out the first 1, 2, 4, ... items until the rest fits the target,
//   2. halves the last step,
//   3. puts back whatever part of what was taken out does no harm, in halves down to a 24th of all
//      items, the least suspicious first.
//
// When the target is out of reach the set of least noise that was measured comes back. A good order
// takes about 2 log2(n) measurements.
SmallSet FindSmallSet(const SmallSetOptions& options);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_SMALL_SET_SEARCH_H_
