// The newest opset of ONNX's own operators that models may have, and settings may ask for.
#ifndef QCONVERT_BASE_NEWEST_OPSET_H_
#define QCONVERT_BASE_NEWEST_OPSET_H_

#include <cstdint>

namespace qconvert {

inline constexpr int64_t kNewestOpset = 28;

}  // namespace qconvert

#endif  // QCONVERT_BASE_NEWEST_OPSET_H_
