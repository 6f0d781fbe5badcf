#include "qconvert/numbers/power_of_two.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace qconvert {
namespace {

constexpr int kNarrowBits = 8;
constexpr int kMostNarrow = 12;  // fix positions for up to 8 bits
constexpr int kMostWide = 15;

}  // namespace

int MostFixPosition(int bits) { return bits <= kNarrowBits ? kMostNarrow : kMostWide; }

int MaxMinFixPosition(double min, double max, int bits) {
  const double half = std::ldexp(1.0, bits - 1);
  const double step = std::max(min / (-half - 0.5), max / (half - 0.5));
  // Nothing but zeros, or less than a float tells from it: the finest position there is.
  if (!(step > static_cast<double>(std::numeric_limits<float>::min()))) {
    // Compared so that NaN comes here too.
    return MostFixPosition(bits);
  }
  return std::min(static_cast<int>(std::floor(-std::log2(step))), MostFixPosition(bits));
}

int LeastErrorPosition(int first, int bits, int candidates,
                       const std::function<double(double scale)>& error) {
  int best = first;
  double least = std::numeric_limits<double>::infinity();
  for (int p = first; p < first + candidates && p <= MostFixPosition(bits); ++p) {
    const double here = error(std::ldexp(1.0, -p));
    // Of equal errors the coarser one, which was tried first; one that is no number is none.
    if (!(here < least)) continue;
    least = here;
    best = p;
  }
  return best;
}

int FixPositionOf(std::span<const float> values, int bits, int candidates, Rounder round) {
  if (values.empty()) return MostFixPosition(bits);
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const int first = MaxMinFixPosition(static_cast<double>(*low), static_cast<double>(*high), bits);
  const double qmax = std::ldexp(1.0, bits - 1) - 1;
  return LeastErrorPosition(first, bits, candidates, [&](double scale) {
    double error = 0;
    for (const float v : values) {
      const double x = static_cast<double>(v);
      const double q = std::clamp(round(x / scale), -qmax - 1, qmax) * scale;
      error += (x - q) * (x - q);
    }
    return error;
  });
}

}  // namespace qconvert
