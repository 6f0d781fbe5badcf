// How tensors of one type are quantized: the parameter object of the Vitis AI quantizer.
#ifndef QCONVERT_CONFIG_TENSOR_SETTINGS_H_
#define QCONVERT_CONFIG_TENSOR_SETTINGS_H_

#include <array>
#include <string>
#include <string_view>

#include "qconvert/numbers/rounder.h"

namespace qconvert {

enum class Datatype { kInt, kBfloat16, kFloat16, kFloat32 };

// How a range is chosen from statistics.
enum class CalibrationMethod {
  kMaxMin,
  kPercentile,
  kEntropy,              // least Kullback-Leibler divergence
  kMse,                  // least estimated squared error
  kDiffs,                // least squared error among neighbouring powers of two
  kMovingAverageAbsMax,  // symmetric, moving average over samples
  kRangeAbsMax,          // symmetric, greatest of the last samples
  kAuto,                 // the best of the others
};

enum class ScaleType { kFloat, kPowerOfTwo };

// How the scales of batches become one. kAll: one statistic over all samples, whatever the batches.
enum class BatchStatistic { kAll, kModal, kMax, kMean, kMedian };

// Whose numbers calibration gives.
enum class Compat {
  kNone,   // our own searches, on finer histograms and full ranges
  kVitis,  // those of the Vitis AI quantizer, batch by batch; see calibration/vitis_range.h
};

// Settings of one tensor type (input, weights, bias, activation).
struct TensorSettings {
  Datatype datatype = Datatype::kInt;  // other than int: no codes, the rest means nothing
  int bit_width = 8;                   // 1 to 32
  CalibrationMethod method = CalibrationMethod::kMaxMin;
  double percentage = 99.99;  // (0, 100], with percentile
  RoundMode round_mode = RoundMode::kHalfEven;
  ScaleType scale_type = ScaleType::kFloat;
  bool symmetry = false;      // zero point fixed: 0
  bool is_signed = false;     // has no effect without symmetry: an asymmetric grid is unsigned
  bool narrow_range = false;  // leaves out the lowest code; symmetric signed grids only
  bool per_channel = false;   // weights only
  // Weights of products only: a scale per so many neighbours along the inner dimension and output
  // channel, 0 for one per channel. No integer kernel takes them: the product computes in float.
  int block_size = 0;
  BatchStatistic statistic = BatchStatistic::kAll;
  double moving_rate = 0.9;  // (0, 1), with moving_average_abs_max
  int window_size = 10000;   // samples, with range_abs_max
  Compat compat = Compat::kNone;

  bool is_int() const { return datatype == Datatype::kInt; }
  bool operator==(const TensorSettings&) const = default;
};

enum class TensorType { kInput, kWeights, kBias, kActivation };
inline constexpr std::array kTensorTypes = {TensorType::kInput, TensorType::kWeights,
                                            TensorType::kBias, TensorType::kActivation};

// Settings of all four tensor types, of a model or of some of its nodes. `input`: inputs of the
// model; `activation`: what nodes compute.
struct NodeSettings {
  TensorSettings input;
  TensorSettings weights;
  TensorSettings bias;
  TensorSettings activation;

  TensorSettings& operator[](TensorType type);
  const TensorSettings& operator[](TensorType type) const;
  bool operator==(const NodeSettings&) const = default;
};

// What configs/cpu_int8.yaml says (a test keeps them equal): asymmetric unsigned activations,
// symmetric signed weights per channel, int32 bias.
NodeSettings CpuInt8Settings();

// qmin and qmax of an integer grid: [-2^(b-1), 2^(b-1)-1], without the lowest code when narrow, for
// symmetric signed settings; [0, 2^b-1] for all others. Source: Vitis AI quantizer,
// Quant_Config.md.
struct CodeRange {
  int64_t min = 0;
  int64_t max = 0;
};
CodeRange CodeRangeOf(const TensorSettings& settings);

// The words used in config files.
std::string MethodName(CalibrationMethod method);
std::string BatchStatisticName(BatchStatistic statistic);
std::string TensorTypeName(TensorType type);

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_TENSOR_SETTINGS_H_
