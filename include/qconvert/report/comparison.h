// How far the quantized model's outputs are from the float model's: sums, taken sample by sample.
#ifndef QCONVERT_REPORT_COMPARISON_H_
#define QCONVERT_REPORT_COMPARISON_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "qconvert/base/metric.h"
#include "qconvert/ir/tensor.h"
#include "qconvert/report/channel_groups.h"
#include "qconvert/report/compared_values.h"
#include "qconvert/report/decisions.h"

namespace qconvert {

struct SampleError {
  double float_power = 0;
  double error_power = 0;
  DecisionSums decisions;

  // False where both models give nothing but 0, or no values: that says nothing of noise.
  bool tells() const { return float_power > 0 || error_power > 0; }
};

// One value over all samples compared. Memory: some bytes by sample and by channel, whatever the
// size of the value. Sums of one sample are taken alone and merged in the order of samples: neither
// threads nor blocks can change a bit.
struct OutputComparison {
  ComparedValue value;
  DataType type = DataType::kUndefined;
  ErrorSums sums;  // pairs where both are finite
  DecisionSums decisions;
  std::vector<ChannelSums> channels;
  std::vector<SampleError> samples;  // every one, in the order compared
  int64_t mismatched_shapes = 0;     // samples whose shapes or types differ
  std::vector<int64_t> float_dims;   // of the first such sample
  std::vector<int64_t> quantized_dims;
  int64_t float_non_finite = 0;  // values that are NaN or infinite in the float model
  int64_t non_finite = 0;        // in the quantized model, where they are finite in the float one
  // Pairs of finite values further apart than kSameWithin times the greater of |x| and 1.
  int64_t mismatched = 0;
  static constexpr float kSameWithin = 1e-5F;
  int64_t elements = 0;  // integers, booleans and strings compared, and how many are equal
  int64_t equal = 0;

  double cosine() const { return Evaluate(Metric::kCosine, sums).value_or(0); }
  double sqnr_db() const { return Evaluate(Metric::kSqnr, sums).value_or(-kEqualSqnrDb); }

  // Error power over signal power of sample `k`. A quiet sample counts as one of kQuietPower of the
  // mean power: what is lost there would not be heard in any other.
  double SampleNoise(size_t k) const;
  static constexpr double kQuietPower = 1e-2;
  // The sample of most noise; nothing where no sample was compared.
  std::optional<size_t> WorstSample() const;
  // Samples that tell() something.
  int64_t CountTelling() const;

  // What sqnr_db() is at least over other samples like these, with 95 % confidence: told apart from
  // it by how much the samples differ. Noise of samples is taken as log-normal: the one-sided
  // interval of Olsson's form of Cox's method ("Confidence intervals for the mean of a log-normal
  // distribution", J. Statistics Education 13, 2005), measured from the noise over all samples. Of
  // 4 to 30 samples of 14 networks it held for 92 to 95 % of draws. Nothing with fewer than four
  // samples that tell something, without noise, or of samples that were fitted to
  // (ComparedValue::is_fitted).
  std::optional<double> SqnrAtLeast() const;
  // DecisionSums::UpperBound; nothing of samples that were fitted to.
  std::optional<double> FlipRateAtMost() const;

  // Adds the samples of `later`, which come after those here.
  void Merge(const OutputComparison& later);
};

// Compares one sample's value. Floating-point values of any width count as float32; of all others
// equal elements are counted. What is no tensor leaves `comparison` without a type.
OutputComparison CompareSample(const ComparedValue& value, const Tensor& expected,
                               const Tensor& actual);

}  // namespace qconvert

#endif  // QCONVERT_REPORT_COMPARISON_H_
