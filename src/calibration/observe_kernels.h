// SIMD kernels of the observers, dispatched at run time to the best instruction set.
#ifndef QCONVERT_SRC_CALIBRATION_OBSERVE_KERNELS_H_
#define QCONVERT_SRC_CALIBRATION_OBSERVE_KERNELS_H_

#include <cstddef>
#include <cstdint>

namespace qconvert {

struct BlockRange {
  float min = 0;
  float max = 0;
  bool finite = true;  // false: a NaN or infinity is among the values, and min and max mean nothing
};

// Range of `count` > 0 values. Equal on every instruction set; a zero is always +0.
BlockRange RangeOfBlock(const float* values, size_t count);

// Counts each finite value x in one of the four counters of its bin, counts[4 * bin(x) + s], with
// bin(x) = x < 0 ? side - 1 - trunc(|x| * inverse_width) : side + trunc(|x| * inverse_width),
// capped to the side. Neighbours take different s, so that equal values do not wait for each other;
// the four lie side by side, so that only bins in use take cache.
void BinBlock(const float* values, size_t count, float inverse_width, int32_t side,
              uint32_t* counts);

}  // namespace qconvert

#endif  // QCONVERT_SRC_CALIBRATION_OBSERVE_KERNELS_H_
