// How far one signal is from another: the measures that settings and commands name, and the sums
// that all of them come from.
#ifndef QCONVERT_BASE_METRIC_H_
#define QCONVERT_BASE_METRIC_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace qconvert {

// x: the float model's values, y: the quantized model's, n: how many values were compared.
//
//   cosine-similarity   sum xy / sqrt(sum x^2 sum y^2), in [-1, 1]; blind to a gain y = a x
//   mse                 sum (x - y)^2 / n
//   mae                 sum |x - y| / n
//   mre                 mean of |x - y| / |x| over the values with x != 0
//   sqnr                10 log10(sum x^2 / sum (x - y)^2) dB, in [-200, 200]
//   chebyshev           max |x - y|
//   top1                share of positions whose greatest class is the same, in [0, 1]
//
// Words: those of Horizon's search settings (docs/config.md), and `top1`. Formulas: the textbook's;
// Horizon gives none for its words.
enum class Metric { kCosine, kMse, kMae, kMre, kSqnr, kChebyshev, kTop1 };

// The word for `metric`, the metric for a word, all words in the order above.
std::string_view MetricName(Metric metric);
std::optional<Metric> MetricFromName(std::string_view name);
std::vector<std::string> MetricNames();

// True for cosine, sqnr and top1; the others are errors.
bool IsHigherBetter(Metric metric);

// What SQNR is where there is no error, and its negative where there is nothing but error.
inline constexpr double kEqualSqnrDb = 200;

// 10 log10(1 / noise) for noise = error power / signal power, capped at +-kEqualSqnrDb.
double SqnrOfNoise(double noise);
// The inverse: the noise that leaves `db`.
double NoiseOfSqnr(double db);

// Sums over pairs of finite values. Equal calls in equal order give equal bits: every call adds in
// a fixed number of lanes, whatever the processor.
struct ErrorSums {
  int64_t count = 0;
  int64_t nonzero = 0;  // values with x != 0
  double dot = 0;       // sum of x y
  double float_power = 0;
  double quantized_power = 0;
  double error_power = 0;
  double absolute_error = 0;
  double relative_error = 0;  // sum of |x - y| / |x| where x != 0
  double max_error = 0;
  int64_t positions = 0;  // where a class was looked for, and where both found the same
  int64_t agreed = 0;

  // Values must be finite and equal in number.
  void Add(std::span<const float> expected, std::span<const float> actual);
  void Merge(const ErrorSums& other);

  // Error power over signal power; infinite where there is error and no signal.
  double noise() const;
};

// Nothing where nothing was compared: no value, or for top1 no position.
std::optional<double> Evaluate(Metric metric, const ErrorSums& sums);

}  // namespace qconvert

#endif  // QCONVERT_BASE_METRIC_H_
