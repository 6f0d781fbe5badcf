// What a node of a plan computes with, as a plan file says it.
#ifndef QCONVERT_SRC_REPORT_NODE_WAY_H_
#define QCONVERT_SRC_REPORT_NODE_WAY_H_

#include "qconvert/config/plan_file.h"
#include "qconvert/plan/placement.h"

namespace qconvert {

// `is_dynamic`: the plan has the node among its dynamic ones.
inline NodeWay WayOf(const NodePlacement& node, bool is_dynamic) {
  if (is_dynamic) return NodeWay::kDynamic;
  if (node.domain == NodeDomain::kInteger) return NodeWay::kInteger;
  return node.domain == NodeDomain::kFused ? NodeWay::kFused : NodeWay::kFloat;
}

}  // namespace qconvert

#endif  // QCONVERT_SRC_REPORT_NODE_WAY_H_
