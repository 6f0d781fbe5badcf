// How the numbers of one tensor are represented.
#ifndef QCONVERT_NUMBERS_NUMERIC_FORMAT_H_
#define QCONVERT_NUMBERS_NUMERIC_FORMAT_H_

#include <cstdint>
#include <span>
#include <string>

#include "qconvert/ir/data_type.h"
#include "qconvert/numbers/rounder.h"

namespace qconvert {

// Codes q stand for (q - zero point) * scale; a floating type stands for itself.
struct NumericFormat {
  DataType type = DataType::kUint8;  // in the file: integers up to 16 bits, or a floating type
  int32_t qmin = 0;                  // smallest and largest code; may be narrower than the type
  int32_t qmax = 255;
  bool symmetric = false;     // zero point fixed
  int32_t zero = 0;           // at this code
  bool power_of_two = false;  // scales are 2^-p
  Rounder round;

  bool is_integer() const { return IsQuantizedType(type); }
  bool operator==(const NumericFormat&) const = default;
};

// The signed or unsigned integers of `bits` bits, 2 to 16: [-2^(b-1), 2^(b-1) - 1], without the
// lowest when narrow, or [0, 2^b - 1]. The type is the next wider one of 8 or 16 bits.
NumericFormat IntegerFormat(int bits, bool is_signed, bool symmetric, bool narrow = false);

// All codes of an integer type of up to 16 bits: 0..255 of uint8 and so on.
NumericFormat FullFormat(DataType type);

// The same numbers of a symmetric signed format in the unsigned type of its width: every code and
// the zero point moved up by half of all codes.
NumericFormat Unsigned(const NumericFormat& format);

// The narrowest type of ONNX opset `opset` that holds all codes of a format: Q, DQ and Cast take
// int4 and uint4 from 21 on, int2 and uint2 from 25 on.
DataType NarrowestType(const NumericFormat& format, int64_t opset);

// `codes` as raw data of `type`, an integer type of 2 to 32 bits that holds them all. Codes of less
// than 8 bits share bytes, the first one in the lowest bits.
std::string PackCodes(std::span<const int32_t> codes, DataType type);

}  // namespace qconvert

#endif  // QCONVERT_NUMBERS_NUMERIC_FORMAT_H_
