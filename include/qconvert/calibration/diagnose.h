// What is odd about what was seen.
#ifndef QCONVERT_CALIBRATION_DIAGNOSE_H_
#define QCONVERT_CALIBRATION_DIAGNOSE_H_

#include <string>
#include <vector>

#include "qconvert/calibration/calibration_table.h"

namespace qconvert {

// One line per kind of oddity among `values` (names in the table), with the first names:
//   infinities      which value, how many, in which sample first
//   no elements     never computed in any sample, or always empty
//   zeros           nothing but 0 in every sample: its scale is 1
//   one number      the same in every sample: its range is [0, c] or [c, 0]
std::vector<std::string> Diagnose(const CalibrationTable& table,
                                  const std::vector<std::string>& values);

}  // namespace qconvert

#endif  // QCONVERT_CALIBRATION_DIAGNOSE_H_
