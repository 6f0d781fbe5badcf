// How large the value of a constant node may become, before it is computed.
#ifndef QCONVERT_SRC_TRANSFORM_CONSTANT_SIZE_H_
#define QCONVERT_SRC_TRANSFORM_CONSTANT_SIZE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "qconvert/ir/graph.h"

namespace qconvert {

using FindConstant = std::function<const Tensor*(const std::string&)>;

// An upper bound of the bytes of all outputs of a node whose inputs are all constant; nothing when
// there is no simple one.
std::optional<int64_t> BoundOutputBytes(const Node& node, const FindConstant& constant);

}  // namespace qconvert

#endif  // QCONVERT_SRC_TRANSFORM_CONSTANT_SIZE_H_
