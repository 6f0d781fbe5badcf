#include "qconvert/report/comparison.h"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <cstring>
#include <span>

#include "float_blocks.h"
#include "qconvert/base/finite.h"

namespace qconvert {
namespace {

constexpr size_t kBlock = 4096;  // values; all that is computed of them finds them in the cache

// Pairs of values in which both are finite; in the place of others stand two zeros, which add
// nothing to any sum.
class FinitePairs {
 public:
  FinitePairs(const Tensor& expected, const Tensor& actual)
      : expected_(expected), actual_(actual) {}

  // Loads elements [first, first + count). What is not finite is counted in `comparison`; returns
  // how many pairs are left out.
  int64_t Load(size_t first, size_t count, OutputComparison& comparison) {
    x = FloatBlock(expected_, first, count, x_buffer_);
    y = FloatBlock(actual_, first, count, y_buffer_);
    int64_t left_out = 0;
    // Mostly so: then the tensors themselves are read, without copies.
    if (AllFinite(x) && AllFinite(y)) return left_out;
    TakeCopies();
    for (size_t i = 0; i < count; ++i) {
      const bool x_finite = std::isfinite(x[i]);
      if (x_finite && std::isfinite(y[i])) continue;
      ++left_out;
      // Where the float model has no number the quantized one is not asked for any.
      comparison.float_non_finite += x_finite ? 0 : 1;
      comparison.non_finite += x_finite ? 1 : 0;
      x_buffer_[i] = y_buffer_[i] = 0;
    }
    return left_out;
  }

  std::span<const float> x;
  std::span<const float> y;

 private:
  void TakeCopies() {
    // What FloatBlock converted lies in the buffer already.
    if (x.data() != x_buffer_.data()) x_buffer_.assign(x.begin(), x.end());
    if (y.data() != y_buffer_.data()) y_buffer_.assign(y.begin(), y.end());
    x = x_buffer_;
    y = y_buffer_;
  }

  const Tensor& expected_;
  const Tensor& actual_;
  std::vector<float> x_buffer_;
  std::vector<float> y_buffer_;
};

int64_t CountMismatched(std::span<const float> x, std::span<const float> y) {
  int64_t mismatched = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const float bound = OutputComparison::kSameWithin * std::max(std::fabs(x[i]), 1.0F);
    mismatched += std::fabs(x[i] - y[i]) > bound ? 1 : 0;
  }
  return mismatched;
}

void CompareFloats(const Tensor& expected, const Tensor& actual, OutputComparison& comparison) {
  const auto count = static_cast<size_t>(expected.element_count());
  if (count > 0)
    comparison.channels = MakeChannelSums(expected.dims, comparison.value.may_be_batched);
  std::vector<size_t> inner(expected.dims.size(), 1);  // product of the dimensions behind each
  for (size_t d = inner.size(); d-- > 1;)
    inner[d - 1] = inner[d] * static_cast<size_t>(expected.dims[d]);
  FinitePairs pairs(expected, actual);
  for (size_t first = 0; first < count; first += kBlock) {
    const int64_t left_out = pairs.Load(first, std::min(kBlock, count - first), comparison);
    comparison.sums.Add(pairs.x, pairs.y);
    // Pairs of zeros add nothing to sums, but to the number of values.
    comparison.sums.count -= left_out;
    comparison.mismatched += CountMismatched(pairs.x, pairs.y);
    for (ChannelSums& axis : comparison.channels)
      axis.Add(first, inner[axis.axis], pairs.x, pairs.y);
  }
  if (comparison.value.kind.scores != OutputKind::Scores::kNone) {
    // Of the tensors as they are: a position with NaN is left out there, not made of zeros.
    AddDecisions(expected, actual, comparison.value.kind, comparison.decisions, comparison.sums);
  }
  comparison.samples[0] = {comparison.sums.float_power, comparison.sums.error_power,
                           comparison.decisions};
}

// Elements that are stored alike.
int64_t CountEqual(const Tensor& expected, const Tensor& actual) {
  const int64_t count = expected.element_count();
  int64_t equal = 0;
  if (expected.type == DataType::kString) {
    for (size_t i = 0; i < expected.strings.size(); ++i)
      equal += expected.strings[i] == actual.strings[i] ? 1 : 0;
    return equal;
  }
  const auto bits = static_cast<size_t>(BitsOf(expected.type));
  // Below 8 bits several elements share a byte, the first in the low bits.
  const auto mask = static_cast<unsigned>((1U << std::min<size_t>(bits, 8)) - 1);
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
    const char* x = expected.bytes->data() + i * bits / 8;
    const char* y = actual.bytes->data() + i * bits / 8;
    const bool same = bits >= 8 ? std::memcmp(x, y, bits / 8) == 0
                                : (static_cast<unsigned>(*x ^ *y) >> (i * bits % 8) & mask) == 0;
    equal += same ? 1 : 0;
  }
  return equal;
}

// False for a class axis that this sample does not have.
bool FitsKind(const Tensor& tensor, const OutputKind& kind) {
  return kind.scores == OutputKind::Scores::kNone || kind.scores == OutputKind::Scores::kBinary ||
         kind.axis < tensor.dims.size();
}

}  // namespace

double OutputComparison::SampleNoise(size_t k) const {
  const double quiet = kQuietPower * sums.float_power / static_cast<double>(samples.size());
  const double power = std::max(samples[k].float_power, quiet);
  // Before the division: of a value that is zero everywhere there is no power to divide by.
  if (samples[k].error_power == 0) return 0;
  return power > 0 ? samples[k].error_power / power : INFINITY;
}

std::optional<size_t> OutputComparison::WorstSample() const {
  std::optional<size_t> worst;
  for (size_t k = 0; k < samples.size(); ++k) {
    // The first of equal ones.
    if (!worst || SampleNoise(k) > SampleNoise(*worst)) worst = k;
  }
  return worst;
}

int64_t OutputComparison::CountTelling() const {
  return std::count_if(samples.begin(), samples.end(),
                       [](const SampleError& sample) { return sample.tells(); });
}

std::optional<double> OutputComparison::SqnrAtLeast() const {
  constexpr double kConfidence = 0.95;
  // Samples that lose next to nothing would stretch the logarithms, and say little of the others.
  constexpr double kLeastShare = 1e-3;
  // Chance alone leaves fewer alike where others are far off.
  constexpr double kFewest = 4;
  const auto count = static_cast<double>(CountTelling());
  const double pooled = sums.noise();
  if (value.is_fitted || count < kFewest || pooled == 0 || !std::isfinite(pooled))
    return std::nullopt;
  std::vector<double> logarithms;
  double mean = 0;
  for (size_t k = 0; k < samples.size(); ++k) {
    if (!samples[k].tells()) continue;
    logarithms.push_back(std::log(std::max(SampleNoise(k), kLeastShare * pooled)));
    mean += logarithms.back() / count;
  }
  double variance = 0;
  for (const double logarithm : logarithms)
    variance += (logarithm - mean) * (logarithm - mean) / (count - 1);
  // Of the mean of the logarithms, and of half their variance, by which the mean of a log-normal is
  // higher.
  const double error = std::sqrt(variance / count + variance * variance / (2 * (count - 1)));
  const double t =
      boost::math::quantile(boost::math::students_t_distribution<double>(count - 1), kConfidence);
  // From natural logarithms to decibels.
  return SqnrOfNoise(pooled) - 10 / std::log(10.0) * t * error;
}

std::optional<double> OutputComparison::FlipRateAtMost() const {
  return value.is_fitted ? std::nullopt : std::optional(decisions.UpperBound());
}

void OutputComparison::Merge(const OutputComparison& later) {
  if (type == DataType::kUndefined) type = later.type;
  // The first sample with values makes the channels; those without any have none to merge.
  if (sums.count == 0) {
    channels = later.channels;
  } else if (later.sums.count > 0) {
    MergeChannelSums(channels, later.channels);
  }
  sums.Merge(later.sums);
  decisions.Merge(later.decisions);
  samples.insert(samples.end(), later.samples.begin(), later.samples.end());
  if (mismatched_shapes == 0) {
    float_dims = later.float_dims;
    quantized_dims = later.quantized_dims;
  }
  mismatched_shapes += later.mismatched_shapes;
  float_non_finite += later.float_non_finite;
  non_finite += later.non_finite;
  mismatched += later.mismatched;
  elements += later.elements;
  equal += later.equal;
}

OutputComparison CompareSample(const ComparedValue& value, const Tensor& expected,
                               const Tensor& actual) {
  OutputComparison comparison;
  comparison.value = value;
  comparison.type = expected.type;
  comparison.samples.resize(1);
  if (expected.type == DataType::kUndefined) return comparison;
  // Floats of another width are no other type.
  const bool floats = IsFloatingPoint(expected.type) && IsFloatingPoint(actual.type);
  if (expected.dims != actual.dims || (!floats && expected.type != actual.type)) {
    comparison.mismatched_shapes = 1;
    comparison.float_dims = expected.dims;
    comparison.quantized_dims = actual.dims;
    return comparison;
  }
  if (!FitsKind(expected, value.kind)) comparison.value.kind = {};
  if (floats) {
    CompareFloats(expected, actual, comparison);
  } else {
    comparison.elements = expected.element_count();
    comparison.equal = CountEqual(expected, actual);
  }
  return comparison;
}

}  // namespace qconvert
