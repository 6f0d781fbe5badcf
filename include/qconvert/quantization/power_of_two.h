// Scales that are powers of two: 2^-p, p the fix position. Formulas of the Vitis AI quantizer
// (vai_q_pytorch, calibration of its fix neurons).
#ifndef QCONVERT_QUANTIZATION_POWER_OF_TWO_H_
#define QCONVERT_QUANTIZATION_POWER_OF_TWO_H_

#include <span>

#include "qconvert/calibration/tensor_statistics.h"
#include "qconvert/config/tensor_settings.h"

namespace qconvert {

// Fix positions that method diffs tries, from that of maxmin upwards.
inline constexpr int kDiffsCandidates = 5;

// No position is above this: 12 for 8 bits and less, else 15.
int MostFixPosition(int bits);

// The largest p for which nothing saturates: values still round inside up to half a step outside,
//   p = floor(log2(1 / max(min / (-2^(b-1) - 0.5), max / (2^(b-1) - 0.5))))
// at most MostFixPosition; negative for large values. Nothing but zeros: the most.
int MaxMinFixPosition(double min, double max, int bits);

// The one of `candidates` positions from MaxMinFixPosition on with the least squared error
// of the values on [-2^(b-1), 2^(b-1) - 1]; the lowest of equal ones.
int FixPositionOf(std::span<const float> values, int bits, int candidates);

// The same by the estimated error of a histogram.
int FixPositionOf(const TensorStatistics& statistics, int bits, int candidates);

// Positions that the settings' method tries: one for maxmin.
int CandidatesOf(const TensorSettings& settings);

}  // namespace qconvert

#endif  // QCONVERT_QUANTIZATION_POWER_OF_TWO_H_
