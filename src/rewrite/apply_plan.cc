#include "qconvert/rewrite/apply_plan.h"

#include <map>
#include <string>

#include "qconvert/rewrite/insert_qdq.h"
#include "qconvert/rewrite/quantize_dynamically.h"
#include "qconvert/rewrite/round_values.h"
#include "qconvert/rewrite/store_weights.h"

namespace qconvert {

void ApplyPlan(Model& model, const QuantizationPlan& plan) {
  // Inserting moves nodes about: from there on they go by their outputs.
  std::map<std::string, DynamicNodePlan> dynamic;
  for (const auto& [n, node] : plan.dynamic_nodes)
    dynamic.emplace(model.graph.nodes[n].outputs[0], node);
  InsertQdq(model, plan);
  QuantizeDynamically(model, dynamic);
  StoreWeights(model, plan.stored, plan.stored_as);
  RoundValues(model.graph, plan.rounded.types);
  DropInferredTypes(model.graph);
}

}  // namespace qconvert
