// A real interval to be represented by the numbers of a format.
#ifndef QCONVERT_NUMBERS_RANGE_H_
#define QCONVERT_NUMBERS_RANGE_H_

namespace qconvert {

// Contains 0 once it comes out of a calibration method.
struct Range {
  float min = 0;
  float max = 0;

  bool operator==(const Range&) const = default;
};

}  // namespace qconvert

#endif  // QCONVERT_NUMBERS_RANGE_H_
