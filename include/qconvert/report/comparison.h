// How far the quantized model is from the float one.
#ifndef QCONVERT_REPORT_COMPARISON_H_
#define QCONVERT_REPORT_COMPARISON_H_

#include <cstdint>
#include <string>
#include <vector>

#include "qconvert/ir/tensor.h"

namespace qconvert {

// Sums over all samples compared, for one output. Adding samples in a fixed order gives fixed bits.
struct OutputComparison {
  std::string name;
  DataType type = DataType::kUndefined;
  int64_t count = 0;       // values compared
  double dot = 0;          // sum of float * quantized
  double float_power = 0;  // sum of float^2
  double quantized_power = 0;
  double error_power = 0;  // sum of (float - quantized)^2
  double max_error = 0;
  int64_t mismatched_shapes = 0;  // samples whose shapes differ
  int64_t non_finite = 0;  // quantized values that are NaN or infinite where the float ones are not

  // In [-1, 1]; 1 when both are all zero, 0 when one is.
  double cosine() const;
  // Signal to quantization noise, 10 log10(sum x^2 / sum (x - y)^2) in dB; capped at 200 for equal
  // outputs.
  double sqnr_db() const;
};

// Compares one sample's output; integers and booleans as numbers. Strings and non-tensors are left
// out.
void AddToComparison(const Tensor& expected, const Tensor& actual, OutputComparison& comparison);

}  // namespace qconvert

#endif  // QCONVERT_REPORT_COMPARISON_H_
