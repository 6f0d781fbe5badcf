// What the user wants: plain settings, resolved from whatever language they were written in.
#ifndef QCONVERT_CONFIG_QUANT_CONFIG_H_
#define QCONVERT_CONFIG_QUANT_CONFIG_H_

#include <string>

namespace qconvert {

enum class TargetDevice { kCpu };

// How a range is chosen from statistics.
enum class CalibrationMethod { kMaxMin, kPercentile };

// Settings of one tensor type (input, weights, bias, activation).
struct TensorSettings {
  int bit_width = 8;  // 8 or 16 for input and activation, 8 for weights, 32 for bias
  CalibrationMethod method = CalibrationMethod::kMaxMin;
  double percentage = 99.99;  // (0, 100], with percentile
  bool symmetry = false;      // zero point fixed: 0
  bool is_signed = false;     // has no effect without symmetry: an asymmetric grid is unsigned
  bool narrow_range = false;  // leaves out the lowest code; symmetric signed grids only
  bool per_channel = false;   // weights only

  bool operator==(const TensorSettings&) const = default;
};

// Defaults are those of configs/cpu_int8.json (a test keeps them equal).
struct QuantConfig {
  TargetDevice target_device = TargetDevice::kCpu;
  TensorSettings input{.method = CalibrationMethod::kPercentile, .percentage = 99.999};
  TensorSettings weights{
      .symmetry = true, .is_signed = true, .narrow_range = true, .per_channel = true};
  TensorSettings bias{.bit_width = 32, .symmetry = true, .is_signed = true};
  TensorSettings activation{.method = CalibrationMethod::kPercentile, .percentage = 99.999};

  bool operator==(const QuantConfig&) const = default;
};

// The word used in config files.
std::string MethodName(CalibrationMethod method);

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_QUANT_CONFIG_H_
