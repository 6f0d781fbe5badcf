// Chains of sums: the residual path of a network.
#ifndef QCONVERT_SRC_REPORT_RESIDUAL_SUMS_H_
#define QCONVERT_SRC_REPORT_RESIDUAL_SUMS_H_

#include <cstddef>
#include <map>
#include <string>

#include "qconvert/ir/graph.h"

namespace qconvert {

// One sum of a chain x_k+1 = x_k + f(x_k), where x_k has other readers and f's output has none.
struct ResidualSum {
  size_t number = 0;  // of sums from the beginning of the chain on, this one included
  std::string begin;  // the value that the chain begins with
};

// By node of the graph. Activation functions between two sums belong to the chain. Linear in nodes.
std::map<size_t, ResidualSum> ResidualSums(const Graph& graph);

}  // namespace qconvert

#endif  // QCONVERT_SRC_REPORT_RESIDUAL_SUMS_H_
