// Q and DQ on one level of a model.
#ifndef QCONVERT_SRC_REWRITE_INSERT_LEVEL_H_
#define QCONVERT_SRC_REWRITE_INSERT_LEVEL_H_

#include <cstdint>
#include <memory>

#include "qconvert/ir/graph.h"
#include "qconvert/ir/topology.h"
#include "qconvert/plan/plan.h"

namespace qconvert {

// Rewrites the nodes of `graph` as InsertQdq (insert_qdq.h) does, those in bodies excepted. New
// names are those of `names`. True when operators of com.microsoft were taken.
bool InsertLevel(Graph& graph, int64_t opset, const QuantizationPlan& plan,
                 std::shared_ptr<NameMaker> names);

}  // namespace qconvert

#endif  // QCONVERT_SRC_REWRITE_INSERT_LEVEL_H_
