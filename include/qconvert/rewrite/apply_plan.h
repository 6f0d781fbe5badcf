// A float model into the one that its plan describes.
#ifndef QCONVERT_REWRITE_APPLY_PLAN_H_
#define QCONVERT_REWRITE_APPLY_PLAN_H_

#include "qconvert/ir/graph.h"
#include "qconvert/plan/plan.h"

namespace qconvert {

// Integer nodes (insert_qdq.h), nodes quantized at run time (quantize_dynamically.h), stored
// weights (store_weights.h), rounded values (round_values.h). `model.graph` must be the graph of
// the plan, whose codes are filled in. Decides nothing.
void ApplyPlan(Model& model, const QuantizationPlan& plan);

}  // namespace qconvert

#endif  // QCONVERT_REWRITE_APPLY_PLAN_H_
