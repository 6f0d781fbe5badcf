// Samples that are judged on and not calibrated with.
#ifndef QCONVERT_SRC_PIPELINE_HELD_OUT_H_
#define QCONVERT_SRC_PIPELINE_HELD_OUT_H_

#include <cstddef>
#include <vector>

#include "qconvert/dataset/sample_source.h"

namespace qconvert {

// With fewer samples all calibrate, and are judged on too.
inline constexpr size_t kFewestToHoldOut = 20;
inline constexpr size_t kFewestHeldOut = 4;
inline constexpr size_t kMostHeldOut = 64;

struct SampleSplit {
  std::vector<size_t> calibration;  // increasing
  std::vector<size_t> judged;       // in the order of their content
  std::vector<size_t> by_content;   // places in `calibration`, in the order of their content
  bool is_held_out = false;         // false: the judged samples calibrate too
};

// One different sample in five, at least kFewestHeldOut, at most kMostHeldOut: the first by
// content, so that neither names nor order matter. Twins stay on the same side. `keep_all`: none is
// kept out, since states go from sample to sample or other samples are judged on.
SampleSplit SplitSamples(const DataDigest& digest, bool keep_all);

// How many samples of `judged` hold what a sample of `calibration` holds.
size_t CountShared(const DataDigest& judged, const DataDigest& calibration);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_HELD_OUT_H_
