// The grid that settings of few bits put a bias on before it becomes int32.
#ifndef QCONVERT_NUMBERS_BIAS_GRID_H_
#define QCONVERT_NUMBERS_BIAS_GRID_H_

#include <cstdint>

#include "qconvert/numbers/rounder.h"

namespace qconvert {

struct BiasGrid {
  double scale = 0;  // 0: no grid, the int32 codes are finer than any
  int64_t qmin = 0;
  int64_t qmax = 0;
  Rounder round;  // to the grid, and to int32

  bool operator==(const BiasGrid&) const = default;
};

}  // namespace qconvert

#endif  // QCONVERT_NUMBERS_BIAS_GRID_H_
