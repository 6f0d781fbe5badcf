// The searches of the Vitis AI quantizer, number by number: for `compat: vitis`. Coarser than our
// own (range_error.h, entropy_range.h): no threshold below three quarters of the largest magnitude.
#ifndef QCONVERT_CALIBRATION_VITIS_RANGE_H_
#define QCONVERT_CALIBRATION_VITIS_RANGE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "qconvert/calibration/calibrator.h"
#include "qconvert/calibration/range.h"
#include "qconvert/calibration/tensor_statistics.h"

namespace qconvert {

inline constexpr size_t kVitisBins = 2048;
inline constexpr size_t kVitisFirstBin = 1536;
inline constexpr size_t kVitisStride = 16;

enum class VitisMethod { kPercentile, kMse, kEntropy };

struct VitisSearch {
  VitisMethod method = VitisMethod::kPercentile;
  double percentage = 99.99;  // of kPercentile
  int bits = 8;
  int64_t qmin = -128;
  int64_t qmax = 127;
};

// The threshold, from counts of magnitudes in kVitisBins equal bins over [0, largest].
//
//   percentile  left edge of the first bin whose cumulated share reaches percentage / 100
//   mse         least sum of count * (error of the bin's middle)^2, quantized with scale t / qmax;
//               t: middles of bins 1536, 1552, ..., 2032; the first of several
//   entropy     least D(P || Q) of bins [0, i), i = 1536, 1552, ..., 2048, on 2^(bits - 1) levels
//               (2^bits unsigned), what lies beyond added to P's last bin; t: edge i; the last of
//               several
//
// Source: Vitis AI quantizer (vai_q_pytorch), behaviour of its calibration.
float VitisThreshold(std::span<const uint64_t> counts, float largest, const VitisSearch& search);

// The bins of all values of a batch, whose largest magnitude is known -> [-t, t], or [0, t] when
// the codes start at 0.
std::unique_ptr<SecondLook> VitisHistogramLook(const TensorStatistics& batch,
                                               const VitisSearch& search);

// The fix position of least sum of squared errors over all values of a batch, from `first` on among
// `candidates` -> the range of its codes. See numbers/power_of_two.h.
struct FixPositionSearch {
  int first = 0;
  int candidates = 1;
  int bits = 8;
  double qmax = 127;  // the range is [-qmax, qmax] * 2^-position
};
std::unique_ptr<SecondLook> FixPositionLook(const FixPositionSearch& search);

}  // namespace qconvert

#endif  // QCONVERT_CALIBRATION_VITIS_RANGE_H_
