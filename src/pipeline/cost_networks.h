// Networks whose times tell what the terms of a cost table take.
#ifndef QCONVERT_SRC_PIPELINE_COST_NETWORKS_H_
#define QCONVERT_SRC_PIPELINE_COST_NETWORKS_H_

#include <string>
#include <vector>

#include "qconvert/ir/graph.h"

namespace qconvert {

struct CostNetwork {
  std::string name;
  Model model;              // one float input "x", one output; every node has an integer kernel
  bool is_dynamic = false;  // or one that takes ranges at run time
};

// Chains of convolutions, depthwise ones, matrix products, recurrent nodes, and of every operator
// of kElementOperators: in the shapes that networks for edge devices have. Each term of a table is
// told apart from the others by chains of several sizes.
std::vector<CostNetwork> CostNetworks();

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_COST_NETWORKS_H_
