// Scales that are powers of two: 2^-p, p the fix position. Formulas of the Vitis AI quantizer
// (vai_q_pytorch, calibration of its fix neurons).
#ifndef QCONVERT_NUMBERS_POWER_OF_TWO_H_
#define QCONVERT_NUMBERS_POWER_OF_TWO_H_

#include <functional>
#include <span>

#include "qconvert/numbers/rounder.h"

namespace qconvert {

// Fix positions that method diffs tries, from that of maxmin upwards.
inline constexpr int kDiffsCandidates = 5;

// No position is above this: 12 for 8 bits and less, else 15.
int MostFixPosition(int bits);

// The largest p for which nothing saturates: values still round inside up to half a step outside,
//   p = floor(log2(1 / max(min / (-2^(b-1) - 0.5), max / (2^(b-1) - 0.5))))
// at most MostFixPosition; negative for large values. Nothing but zeros: the most.
int MaxMinFixPosition(double min, double max, int bits);

// The one of `candidates` positions from `first` on, none above MostFixPosition, of least `error`;
// the lowest of equal ones.
int LeastErrorPosition(int first, int bits, int candidates,
                       const std::function<double(double scale)>& error);

// That of least squared error of the values on [-2^(b-1), 2^(b-1) - 1], from MaxMinFixPosition on.
int FixPositionOf(std::span<const float> values, int bits, int candidates,
                  Rounder round = Rounder());

}  // namespace qconvert

#endif  // QCONVERT_NUMBERS_POWER_OF_TWO_H_
