// The element types of .npy files, by numpy's code for them without the byte order.
#ifndef QCONVERT_SRC_DATASET_NPY_TYPES_H_
#define QCONVERT_SRC_DATASET_NPY_TYPES_H_

#include <string_view>
#include <utility>

#include "qconvert/ir/data_type.h"

namespace qconvert {

inline constexpr std::pair<std::string_view, DataType> kNpyTypes[] = {
    {"f2", DataType::kFloat16}, {"f4", DataType::kFloat},  {"f8", DataType::kDouble},
    {"i1", DataType::kInt8},    {"i2", DataType::kInt16},  {"i4", DataType::kInt32},
    {"i8", DataType::kInt64},   {"u1", DataType::kUint8},  {"u2", DataType::kUint16},
    {"u4", DataType::kUint32},  {"u8", DataType::kUint64}, {"b1", DataType::kBool}};

}  // namespace qconvert

#endif  // QCONVERT_SRC_DATASET_NPY_TYPES_H_
