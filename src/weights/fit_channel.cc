#include "fit_channel.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>

#include "qconvert/numbers/half_even.h"

namespace qconvert {
namespace {

// Scales that are tried: up to where every pair fits, and down to half of the lowest.
constexpr int kSteps = 16;
constexpr int kClipSteps = 24;
constexpr size_t kLanes = 4;
constexpr size_t kPart = 256;  // weights that are rounded at once; whole lanes and pairs

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
void LowerPair(std::span<const float> weights, double scale, int32_t limit, float* codes) {
  const auto most = static_cast<float>(limit);
  const float sign = codes[0] > 0 ? 1.0F : -1.0F;
  // Two that lie equally far outside go down in turn: all but the last steps at once.
  const float excess = std::fabs(codes[0] + codes[1]) - most;
  const double apart =
      (codes[0] - codes[1]) * scale - (static_cast<double>(weights[0]) - weights[1]);
  if (excess > 8 && std::fabs(apart) < 2 * scale) {
    const float each = std::floor((excess - 4) / 2);
    codes[0] -= sign * each;
    codes[1] -= sign * each;
  }
  while (std::fabs(codes[0] + codes[1]) > most) {
    const double first_outside = sign * (codes[0] * scale - weights[0]);
    const double second_outside = sign * (codes[1] * scale - weights[1]);
    codes[first_outside >= second_outside ? 0 : 1] -= sign;
  }
}

// Some pair has a sum above `most`; then it may be one of one sign.
bool AnyPairAbove(std::span<const float> codes, float most) {
  float largest = 0;
  for (size_t k = 0; k + 1 < codes.size(); k += 2)
    largest = std::max(largest, std::fabs(codes[k] + codes[k + 1]));
  return largest > most;
}

// Whole numbers into `codes`.
void RoundPart(std::span<const float> weights, float scale, const NumericFormat& format,
               int32_t pair_limit, std::span<float> codes) {
  const size_t count = weights.size();
  const auto low = static_cast<float>(format.qmin);
  const auto high = static_cast<float>(format.qmax);
  // Limited first: small numbers alone are rounded rightly, and limits are whole.
  if (format.round.mode() == RoundMode::kHalfEven) {
    for (size_t k = 0; k < count; ++k)
      codes[k] = RoundHalfEven(std::min(std::max(weights[k] / scale, low), high));
  } else {
    for (size_t k = 0; k < count; ++k)
      codes[k] = format.round(std::min(std::max(weights[k] / scale, low), high));
  }
  const auto most = static_cast<float>(pair_limit);
  if (pair_limit == 0 || !AnyPairAbove(codes, most)) return;
  for (size_t k = 0; k + 1 < count; k += 2) {
    // Codes of two signs never add up to more than one of them is.
    if (std::fabs(codes[k] + codes[k + 1]) > most && codes[k] * codes[k + 1] > 0)
      LowerPair(weights.subspan(k, 2), scale, pair_limit, &codes[k]);
  }
}

// Rounds into `codes` (whole numbers) and returns the sum of squared differences to the weights, or
// some of them from `enough` on. Plain loops over floats, because fits try dozens of scales on
// every weight of a model.
double Round(std::span<const float> weights, float scale, const NumericFormat& format,
             int32_t pair_limit, std::vector<float>& codes,
             double enough = std::numeric_limits<double>::infinity()) {
  codes.resize(weights.size());
  const auto exact_scale = static_cast<double>(scale);
  std::array<double, kLanes> errors{};
  for (size_t first = 0; first < weights.size(); first += kPart) {
    const auto part = weights.subspan(first, std::min(kPart, weights.size() - first));
    const std::span<float> rounded(codes.data() + first, part.size());
    RoundPart(part, scale, format, pair_limit, rounded);
    const size_t whole = part.size() / kLanes * kLanes;
    for (size_t k = 0; k < whole; k += kLanes) {
      for (size_t lane = 0; lane < kLanes; ++lane) {
        const double difference =
            static_cast<double>(rounded[k + lane]) * exact_scale - part[k + lane];
        errors[lane] += difference * difference;
      }
    }
    for (size_t k = whole; k < part.size(); ++k) {
      const double difference = static_cast<double>(rounded[k]) * exact_scale - part[k];
      errors[k - whole] += difference * difference;
    }
    // Squares are added: what is left cannot make it less.
    const double error = std::accumulate(errors.begin(), errors.end(), 0.0);
    if (error >= enough) return error;
  }
  return std::accumulate(errors.begin(), errors.end(), 0.0);
}

}  // namespace

FittedChannel RoundChannel(std::span<const float> weights, float scale, const NumericFormat& format,
                           int32_t pair_limit) {
  std::vector<float> codes;
  FittedChannel fitted{scale, {}, Round(weights, scale, format, pair_limit, codes)};
  fitted.codes.assign(codes.begin(), codes.end());
  return fitted;
}

FittedChannel FitChannel(std::span<const float> weights, float low, const NumericFormat& format,
                         int32_t pair_limit, bool clip) {
  // An engine may take a subnormal scale for 0.
  low = std::max(low, std::numeric_limits<float>::min());
  std::vector<float> codes;
  float best = low;
  int best_place = 0;
  double least = std::numeric_limits<double>::infinity();
  // Of two of the same error it is the one of the lower place, whichever is looked at first.
  const auto consider = [&](int place, float scale) {
    const double enough =
        place < best_place ? std::nextafter(least, std::numeric_limits<double>::infinity()) : least;
    const double error = Round(weights, scale, format, pair_limit, codes, enough);
    if (error >= enough) return;
    least = error;
    best = scale;
    best_place = place;
  };
  // From this scale on no pair has to be lowered.
  const float high = pair_limit == 0 ? low : static_cast<float>(LargestPair(weights) / pair_limit);
  const int steps = high > low ? kSteps : 0;
  // From the middle, where the least error mostly is, to both ends: what comes behind it is left as
  // soon as a part of the weights has more.
  for (int k = 0; k <= steps; ++k) {
    const int step = steps / 2 + (k % 2 == 0 ? -k / 2 : (k + 1) / 2);
    consider(step, step == 0 ? low : low + (high - low) * static_cast<float>(step) / kSteps);
  }
  for (int step = 1; clip && step <= kClipSteps; ++step) {
    const float scale = low * (1 - static_cast<float>(step) / (2 * kClipSteps));
    if (scale >= std::numeric_limits<float>::min()) consider(kSteps + step, scale);
  }
  return RoundChannel(weights, best, format, pair_limit);
}

}  // namespace qconvert
