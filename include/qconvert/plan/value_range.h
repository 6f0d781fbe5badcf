// Statistics of a value and its settings -> its range.
#ifndef QCONVERT_PLAN_VALUE_RANGE_H_
#define QCONVERT_PLAN_VALUE_RANGE_H_

#include <span>
#include <string>
#include <vector>

#include "qconvert/calibration/calibrator.h"
#include "qconvert/calibration/range.h"
#include "qconvert/config/quant_config.h"
#include "qconvert/numbers/numeric_format.h"
#include "qconvert/targets/target.h"

namespace qconvert {

// The format of integer settings, Vitis AI quantizer: symmetric signed [-2^(b-1), 2^(b-1)-1] (one
// less with narrow_range), symmetric unsigned and asymmetric [0, 2^b-1]. bit_width 2 to 16.
NumericFormat FormatOf(const TensorSettings& settings);

// The format that activations are written in for a target: unsigned where it prefers that.
NumericFormat ActivationFormat(const TensorSettings& settings, const Target& target);

const Target& TargetOf(TargetDevice device);

// Fix positions that the settings' method tries: one for maxmin.
int CandidatesOf(const TensorSettings& settings);
// FixPositionOf (numbers/power_of_two.h) by the estimated error of a histogram.
int FixPositionOf(const TensorStatistics& statistics, int bits, int candidates);

// The range that the settings' method chooses from statistics, of all samples or of one batch.
Range RangeOf(const TensorStatistics& statistics, const TensorSettings& settings);

// The range that it chooses for values at hand: weights. Finite.
Range RangeOfValues(std::span<const float> values, const TensorSettings& settings);

// "percentile 99.9, median of batches".
std::string DescribeMethod(const TensorSettings& settings);

// What has to be asked about every batch for settings that go by batches. Settings of equal key
// have equal answers.
std::string BatchKey(const TensorSettings& settings);
// All that the settings of activations and inputs need, of the model and of layer entries; each key
// once.
std::vector<BatchQuestion> BatchQuestionsOf(const QuantConfig& config);

// The range of `value`, a name in the table. Throws Error(kData) when the settings go by batches
// and the table does not have them.
Range DecideRange(const CalibrationTable& table, const std::string& value,
                  const TensorSettings& settings);

}  // namespace qconvert

#endif  // QCONVERT_PLAN_VALUE_RANGE_H_
