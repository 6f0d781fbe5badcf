#include "qconvert/plan/moved_values.h"

#include "qconvert/targets/op_rules.h"

namespace qconvert {

std::vector<std::string> WithSources(const Topology& topology, std::string value) {
  std::vector<std::string> out = {value};
  for (const Node* producer = topology.Producer(value);
       producer != nullptr && FindOpRule(*producer).kind == OpKind::kMovement;
       producer = topology.Producer(value)) {
    // Input 0 is what movement moves; others are shapes and indices.
    value = producer->inputs[0];
    out.push_back(value);
  }
  return out;
}

}  // namespace qconvert
