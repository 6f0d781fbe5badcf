// Lists of operators.
#ifndef QCONVERT_IR_ONE_OF_H_
#define QCONVERT_IR_ONE_OF_H_

#include <algorithm>
#include <span>
#include <string_view>

#include "qconvert/ir/graph.h"

namespace qconvert {

// Whether a node's operator is one of these of the standard.
inline bool IsOneOf(const Node& node, std::span<const std::string_view> types) {
  return node.domain.empty() && std::find(types.begin(), types.end(), node.op_type) != types.end();
}

}  // namespace qconvert

#endif  // QCONVERT_IR_ONE_OF_H_
