// Values that movement nodes hand on.
#ifndef QCONVERT_PLAN_MOVED_VALUES_H_
#define QCONVERT_PLAN_MOVED_VALUES_H_

#include <string>
#include <vector>

#include "qconvert/ir/topology.h"

namespace qconvert {

// The value, and what movement nodes (targets/op_rules.h) made it of, the nearest first: its
// numbers are among those of each.
std::vector<std::string> WithSources(const Topology& topology, std::string value);

}  // namespace qconvert

#endif  // QCONVERT_PLAN_MOVED_VALUES_H_
