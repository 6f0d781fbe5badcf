// Weights of nodes that compute in float, as integers with one scale per output channel.
#ifndef QCONVERT_WEIGHTS_STORE_WEIGHTS_H_
#define QCONVERT_WEIGHTS_STORE_WEIGHTS_H_

#include <string>
#include <vector>

#include "qconvert/ir/graph.h"
#include "qconvert/plan/plan.h"
#include "qconvert/targets/weight_slots.h"

namespace qconvert {

// A float initializer of `owner` that nodes of its level or below read as weights.
struct WeightUse {
  const Graph* owner = nullptr;
  std::string name;
  std::string way;  // BodyPrefix of every level, then the name
  WeightSlot slot;  // of the first reader
};

// All of a graph and its bodies, bodies first, by name. Nodes of the top level that are marked do
// not count as readers. A name that an inner graph defines anew hides the outer one. Includes what
// an Unsqueeze or Reshape makes a weight of: recurrent nodes exported with one direction read
// those.
std::vector<WeightUse> FindWeightUses(const Graph& graph, const std::vector<bool>& skipped);

// The way to what stands in body `index` of a node (in attribute order): "output/0/".
std::string BodyPrefix(const Node& node, size_t index);

// True when `bits`-bit codes, their scales and the nodes around them take less than the floats, and
// all values are finite.
bool CanStore(const WeightUse& use, int bits);

//   s = max|W| / (2^(bits - 1) - 1) per output channel,   W_q = round_half_even(W / s)
//
// bits: 2 to 16, in int8 or int16.
// Scales broadcast against the weight; those of a grouped ConvTranspose against [group, C / group,
// M / group, ...], the dimensions that the codes then have.
StoredWeight StoreWeight(const WeightUse& use, int bits);

// How many scales a weight takes; 0: it cannot be stored.
int64_t StoredScaleCount(const WeightUse& use);
// The same codes with given scales, StoredScaleCount of them.
StoredWeight StoreOnGrid(const WeightUse& use, const NumericFormat& format,
                         std::vector<float> scales);

}  // namespace qconvert

#endif  // QCONVERT_WEIGHTS_STORE_WEIGHTS_H_
