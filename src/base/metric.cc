#include "qconvert/base/metric.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

namespace qconvert {
namespace {

constexpr std::array<std::pair<Metric, std::string_view>, 7> kNames = {
    {{Metric::kCosine, "cosine-similarity"},
     {Metric::kMse, "mse"},
     {Metric::kMae, "mae"},
     {Metric::kMre, "mre"},
     {Metric::kSqnr, "sqnr"},
     {Metric::kChebyshev, "chebyshev"},
     {Metric::kTop1, "top1"}}};

// The doubles of a register of AVX2. Fixed: wider registers must not give other bits.
constexpr size_t kLanes = 4;
using Lanes = std::array<double, kLanes>;

double Total(const Lanes& lanes) { return (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]); }

double Cosine(const ErrorSums& sums) {
  // Zeros point nowhere: two of them agree, one of them agrees with nothing.
  if (sums.float_power == 0 && sums.quantized_power == 0) return 1;
  if (sums.float_power == 0 || sums.quantized_power == 0) return 0;
  // A root each, since the product of the powers may overflow; rounding may carry the rest past 1.
  return std::clamp(sums.dot / std::sqrt(sums.float_power) / std::sqrt(sums.quantized_power), -1.0,
                    1.0);
}

}  // namespace

std::string_view MetricName(Metric metric) {
  const auto* const it = std::find_if(kNames.begin(), kNames.end(),
                                      [&](const auto& entry) { return entry.first == metric; });
  // Every metric has a row.
  return it->second;
}

std::optional<Metric> MetricFromName(std::string_view name) {
  for (const auto& [metric, word] : kNames) {
    if (word == name) return metric;
  }
  return std::nullopt;
}

std::vector<std::string> MetricNames() {
  std::vector<std::string> names;
  for (const auto& [metric, word] : kNames) names.emplace_back(word);
  return names;
}

bool IsHigherBetter(Metric metric) {
  return metric == Metric::kCosine || metric == Metric::kSqnr || metric == Metric::kTop1;
}

double SqnrOfNoise(double noise) {
  if (noise == 0) return kEqualSqnrDb;
  // A difference: noise as large as the signal has 0 dB, not -0.
  return std::clamp(0 - 10 * std::log10(noise), -kEqualSqnrDb, kEqualSqnrDb);
}

double NoiseOfSqnr(double db) { return std::pow(10, -db / 10); }

void ErrorSums::Add(std::span<const float> expected, std::span<const float> actual) {
  // Four sums each, added up at the end: the compiler makes vectors of them without changing the
  // order, so that bits do not depend on the processor.
  struct {
    Lanes nonzero{}, dot{}, x{}, y{}, error{}, absolute{}, relative{}, max{};
  } sums;
  const auto add = [&](size_t lane, double x, double y) {
    const double error = std::fabs(x - y);
    const double magnitude = std::fabs(x);
    sums.nonzero[lane] += magnitude > 0 ? 1 : 0;
    sums.dot[lane] += x * y;
    sums.x[lane] += x * x;
    sums.y[lane] += y * y;
    sums.error[lane] += error * error;
    sums.absolute[lane] += error;
    sums.relative[lane] += magnitude > 0 ? error / magnitude : 0;
    sums.max[lane] = std::max(sums.max[lane], error);
  };
  const size_t whole = expected.size() / kLanes * kLanes;
  for (size_t i = 0; i < whole; i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) add(lane, expected[i + lane], actual[i + lane]);
  }
  // Into the first lanes: the order of sums depends on the length alone.
  for (size_t i = whole; i < expected.size(); ++i) add(i - whole, expected[i], actual[i]);
  count += static_cast<int64_t>(expected.size());
  nonzero += static_cast<int64_t>(Total(sums.nonzero));
  dot += Total(sums.dot);
  float_power += Total(sums.x);
  quantized_power += Total(sums.y);
  error_power += Total(sums.error);
  absolute_error += Total(sums.absolute);
  relative_error += Total(sums.relative);
  max_error = std::max(max_error, *std::max_element(sums.max.begin(), sums.max.end()));
}

void ErrorSums::Merge(const ErrorSums& other) {
  count += other.count;
  nonzero += other.nonzero;
  dot += other.dot;
  float_power += other.float_power;
  quantized_power += other.quantized_power;
  error_power += other.error_power;
  absolute_error += other.absolute_error;
  relative_error += other.relative_error;
  max_error = std::max(max_error, other.max_error);
  positions += other.positions;
  agreed += other.agreed;
}

double ErrorSums::noise() const {
  if (error_power == 0) return 0;
  return float_power > 0 ? error_power / float_power : std::numeric_limits<double>::infinity();
}

std::optional<double> Evaluate(Metric metric, const ErrorSums& sums) {
  const bool is_top1 = metric == Metric::kTop1;
  if ((is_top1 ? sums.positions : sums.count) == 0) return std::nullopt;
  const auto n = static_cast<double>(sums.count);
  switch (metric) {
    case Metric::kCosine:
      return Cosine(sums);
    case Metric::kSqnr:
      return SqnrOfNoise(sums.noise());
    case Metric::kMse:
      return sums.error_power / n;
    case Metric::kMae:
      return sums.absolute_error / n;
    case Metric::kMre:
      // Where the float value is 0 nothing is relative to it: those are left out of the mean.
      return sums.relative_error / static_cast<double>(std::max<int64_t>(sums.nonzero, 1));
    case Metric::kChebyshev:
      return sums.max_error;
    case Metric::kTop1:
      break;
  }
  return static_cast<double>(sums.agreed) / static_cast<double>(sums.positions);
}

}  // namespace qconvert
