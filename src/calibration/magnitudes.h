// Both sides of a signed histogram as one.
#ifndef QCONVERT_SRC_CALIBRATION_MAGNITUDES_H_
#define QCONVERT_SRC_CALIBRATION_MAGNITUDES_H_

#include <cstdint>
#include <vector>

#include "qconvert/calibration/histogram.h"

namespace qconvert {

// Counts of |x| in kSideBins bins from 0 up. The histogram must not be empty.
inline std::vector<uint64_t> MagnitudeCounts(const Histogram& histogram) {
  std::vector<uint64_t> magnitudes(Histogram::kSideBins);
  for (size_t i = 0; i < magnitudes.size(); ++i) {
    magnitudes[i] = histogram.counts()[Histogram::kSideBins + i] +
                    histogram.counts()[Histogram::kSideBins - 1 - i];
  }
  return magnitudes;
}

}  // namespace qconvert

#endif  // QCONVERT_SRC_CALIBRATION_MAGNITUDES_H_
