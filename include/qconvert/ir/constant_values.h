// Values that an engine computes once, when it loads the model.
#ifndef QCONVERT_IR_CONSTANT_VALUES_H_
#define QCONVERT_IR_CONSTANT_VALUES_H_

#include <set>
#include <string>

#include "qconvert/ir/graph.h"

namespace qconvert {

// What nodes make of constants alone: of initializers that nobody may feed, without bodies, without
// drawing random numbers. Needs sorted nodes; linear in them.
std::set<std::string> FindConstantValues(const Graph& graph);

// Whether the value is one of these `made`, or such an initializer.
bool IsConstant(const Graph& graph, const std::set<std::string>& made, const std::string& value);

}  // namespace qconvert

#endif  // QCONVERT_IR_CONSTANT_VALUES_H_
