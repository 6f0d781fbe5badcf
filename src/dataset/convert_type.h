// Converts sample data to a model input's element type.
#ifndef QCONVERT_SRC_DATASET_CONVERT_TYPE_H_
#define QCONVERT_SRC_DATASET_CONVERT_TYPE_H_

#include <string>

#include "qconvert/ir/tensor.h"

namespace qconvert {

bool IsInteger(DataType type);

// True when values of `from` may be given for an input of type `to`: the same type, integers or
// bool to a floating point type, floating point to floating point, integer to integer (checked per
// value).
bool CanConvert(DataType from, DataType to);

// Converts; throws Error(kData) naming `place` when a value does not fit, Error(kNumeric) when a
// floating-point value is NaN or infinite (with the count).
Tensor ConvertSample(Tensor tensor, DataType to, const std::string& place);

// Floats as int64, halves to even; for ConvertSample to a smaller type. Throws Error(kNumeric)
// naming `place` when a value is NaN or infinite, Error(kData) when one does not fit int64.
Tensor RoundedToIntegers(const Tensor& values, const std::string& place);

}  // namespace qconvert

#endif  // QCONVERT_SRC_DATASET_CONVERT_TYPE_H_
