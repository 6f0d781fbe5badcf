// Samples that are judged on and not calibrated with.
#ifndef QCONVERT_SRC_PIPELINE_HELD_OUT_H_
#define QCONVERT_SRC_PIPELINE_HELD_OUT_H_

#include <cstddef>
#include <vector>

#include "qconvert/dataset/sample_source.h"

namespace qconvert {

// With fewer different samples all calibrate, and are judged on too.
inline constexpr size_t kFewestToHoldOut = 4;
// Of few samples one in three is judged on, up to so many; of the others one in five.
inline constexpr size_t kFewestHeldOut = 2;
inline constexpr size_t kFewHeldOut = 4;
inline constexpr size_t kMostHeldOut = 64;
// Of fewer samples than these the ones kept out calibrate too, once the plan is chosen.
inline constexpr size_t kFewestForJudgingAlone = 20;

struct SampleSplit {
  std::vector<size_t> calibration;  // increasing
  std::vector<size_t> judged;       // in the order of their content, copies once
  std::vector<size_t> by_content;   // places in `calibration`, in the order of their content
  bool is_held_out = false;         // false: the judged samples calibrate too
};

// One different sample in five, at most kMostHeldOut: the first by content, so that neither names
// nor order matter. Copies of one are on the same side; where it is judged on, they would count
// what it tells several times and are left out. `keep_all`: none is kept out, since states go from
// sample to sample or other samples are judged on; then copies stay.
SampleSplit SplitSamples(const DataDigest& digest, bool keep_all);

// The samples of `digest` in the order of their content, copies once, and without those that hold
// what a sample of `others` holds.
std::vector<size_t> DifferentFrom(const DataDigest& digest, const DataDigest& others);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_HELD_OUT_H_
