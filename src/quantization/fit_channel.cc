#include "fit_channel.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>

#include "qconvert/quantization/quantize.h"

namespace qconvert {
namespace {

constexpr int kSteps = 16;
constexpr int kClipSteps = 24;

// Largest |w1 + w2| over pairs of one sign.
double LargestPair(std::span<const float> weights) {
  double largest = 0;
  for (size_t k = 0; k + 1 < weights.size(); k += 2) {
    const double first = weights[k];
    const double second = weights[k + 1];
    if ((first > 0) == (second > 0)) largest = std::max(largest, std::fabs(first + second));
  }
  return largest;
}

// Brings two codes of one sign down until their sum fits.
void LowerPair(std::span<const float> weights, double scale, int32_t& first, int32_t& second) {
  const int32_t sign = first > 0 ? 1 : -1;
  while (std::abs(first + second) > kMaxPairSum) {
    const double first_outside = sign * (first * scale - weights[0]);
    const double second_outside = sign * (second * scale - weights[1]);
    (first_outside >= second_outside ? first : second) -= sign;
  }
}

}  // namespace

FittedChannel RoundChannel(std::span<const float> weights, float scale, int32_t qmax,
                           bool limit_pairs) {
  FittedChannel fitted{scale, {}, 0};
  fitted.codes.reserve(weights.size());
  for (const float w : weights) fitted.codes.push_back(QuantizeValue(w, scale, 0, -qmax, qmax));
  for (size_t k = 0; limit_pairs && k + 1 < weights.size(); k += 2) {
    if ((fitted.codes[k] > 0) == (fitted.codes[k + 1] > 0)) {
      LowerPair(weights.subspan(k, 2), scale, fitted.codes[k], fitted.codes[k + 1]);
    }
  }
  for (size_t k = 0; k < weights.size(); ++k) {
    const double difference = fitted.codes[k] * static_cast<double>(scale) - weights[k];
    fitted.error += difference * difference;
  }
  return fitted;
}

FittedChannel FitChannel(std::span<const float> weights, float low, int32_t qmax, bool limit_pairs,
                         bool clip) {
  low = std::max(low, std::numeric_limits<float>::min());
  FittedChannel best = RoundChannel(weights, low, qmax, limit_pairs);
  const auto high = static_cast<float>(LargestPair(weights) / kMaxPairSum);
  for (int step = 1; limit_pairs && step <= kSteps && high > low; ++step) {
    const float scale = low + (high - low) * static_cast<float>(step) / kSteps;
    FittedChannel fitted = RoundChannel(weights, scale, qmax, limit_pairs);
    if (fitted.error < best.error) best = std::move(fitted);
  }
  for (int step = 1; clip && step <= kClipSteps; ++step) {
    const float scale = low * (1 - static_cast<float>(step) / (2 * kClipSteps));
    if (scale < std::numeric_limits<float>::min()) break;
    FittedChannel fitted = RoundChannel(weights, scale, qmax, limit_pairs);
    if (fitted.error < best.error) best = std::move(fitted);
  }
  return best;
}

}  // namespace qconvert
