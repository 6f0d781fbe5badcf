// Statistics of a value and its settings -> its range.
#ifndef QCONVERT_QUANTIZATION_VALUE_RANGE_H_
#define QCONVERT_QUANTIZATION_VALUE_RANGE_H_

#include <span>
#include <string>
#include <vector>

#include "qconvert/calibration/calibrator.h"
#include "qconvert/calibration/range.h"
#include "qconvert/config/quant_config.h"

namespace qconvert {

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

#endif  // QCONVERT_QUANTIZATION_VALUE_RANGE_H_
