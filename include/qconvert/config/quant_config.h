// What the user wants: plain settings, resolved from whatever language they were written in.
#ifndef QCONVERT_CONFIG_QUANT_CONFIG_H_
#define QCONVERT_CONFIG_QUANT_CONFIG_H_

#include <string>

namespace qconvert {

enum class TargetDevice { kCpu };

// What is quantized: activations with ranges from calibration, activations with ranges taken at run
// time, or weights alone. kAuto: whatever is fast and faithful.
enum class Scheme { kAuto, kStatic, kDynamic, kWeightOnly };

// What a choice between equally faithful plans goes by (scheme auto).
enum class Objective {
  kBalanced,  // weights in 8 bit; on integer kernels wherever the model does not get slower by it
  kSpeed,     // integer kernels only where they save time
  kSize,      // every weight in 8 bit
};

// How a range is chosen from statistics.
enum class CalibrationMethod {
  kMaxMin,
  kPercentile,
  kMse,   // least estimated squared error
  kAuto,  // the best of the others for each tensor
};

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
  Scheme scheme = Scheme::kAuto;
  Objective objective = Objective::kBalanced;
  TensorSettings input{.method = CalibrationMethod::kAuto};
  TensorSettings weights{.method = CalibrationMethod::kAuto,
                         .symmetry = true,
                         .is_signed = true,
                         .narrow_range = true,
                         .per_channel = true};
  TensorSettings bias{.bit_width = 32, .symmetry = true, .is_signed = true};
  TensorSettings activation{.method = CalibrationMethod::kAuto};

  bool operator==(const QuantConfig&) const = default;
};

// The words used in config files.
std::string SchemeName(Scheme scheme);
std::string ObjectiveName(Objective objective);
std::string MethodName(CalibrationMethod method);

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_QUANT_CONFIG_H_
