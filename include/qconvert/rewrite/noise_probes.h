// What rounding does to each node alone, as numbers that a model gives.
#ifndef QCONVERT_REWRITE_NOISE_PROBES_H_
#define QCONVERT_REWRITE_NOISE_PROBES_H_

#include <cstddef>
#include <string>
#include <vector>

#include "qconvert/ir/graph.h"
#include "qconvert/plan/plan.h"

namespace qconvert {

// Outputs of one number each.
struct NoiseProbe {
  size_t node = 0;      // of the float graph
  std::string signal;   // sum of y^2 over what the node writes
  std::string weights;  // sum of (y_w - y)^2; empty: no weights of it are rounded
  std::string inputs;   // sum of (y_x - y)^2; empty: nothing that it reads is rounded
};

struct NoiseProbes {
  Model model;  // with these outputs alone
  std::vector<NoiseProbe> probes;
};

// Every node that the plan rounds weights or inputs of, with what is fused behind it, stands three
// times in one model, each reading float values:
//
//   x ------> node{W} ---> y          x ------> node{W_q} -> y_w
//   x -> to its codes' grid -> node{W} -> y_x
//
// `rounded`: the float model with rounded weights, node for node (RoundIntegerWeights,
// ExpandWeights). Codes of biases, of other constants and of y itself are left out: the latter
// count with those who read them. Nodes with bodies or several outputs, and those that write no
// float32, have no probe. Linear in nodes; only weights stand in it twice.
NoiseProbes MakeNoiseProbes(const Model& exact, const Model& rounded, const QuantizationPlan& plan);

}  // namespace qconvert

#endif  // QCONVERT_REWRITE_NOISE_PROBES_H_
