// Weights of nodes that compute in float, as integers with one scale per output channel.
#ifndef QCONVERT_WEIGHTS_STORE_WEIGHTS_H_
#define QCONVERT_WEIGHTS_STORE_WEIGHTS_H_

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "qconvert/ir/graph.h"
#include "qconvert/plan/plan.h"
#include "qconvert/targets/weight_slots.h"
#include "qconvert/weights/quantize_weights.h"

namespace qconvert {

// A float initializer of `owner` that nodes of its level or below read as weights.
struct WeightUse {
  const Graph* owner = nullptr;
  std::string name;
  std::string way;  // BodyPrefix of every level, then the name
  WeightSlot slot;  // of the first reader
};

// Marks of nodes, by the way to their level (ir/scope.h); what has none is not marked.
using MarkedNodes = std::map<std::string, std::vector<bool>>;

// All of a graph and its bodies, bodies first, by name. Nodes that are marked do not count as
// readers. A name that an inner graph defines anew hides the outer one. Includes what
// an Unsqueeze or Reshape makes a weight of: recurrent nodes exported with one direction read
// those.
std::vector<WeightUse> FindWeightUses(const Graph& graph, const MarkedNodes& skipped);

// The way to what stands in body `index` of a node (in attribute order): "output/0/".
std::string BodyPrefix(const Node& node, size_t index);

// How weights are stored.
struct StoredForm {
  int bits = 8;            // 2 to 16
  int64_t block_size = 0;  // elements of a channel under one scale; 0: all of them

  auto operator<=>(const StoredForm&) const = default;
};

// The form that a weight can take of `wanted`: matrices alone have blocks, where the inner
// dimension is a multiple of them.
StoredForm FormOf(const WeightUse& use, StoredForm wanted);

// True when the codes, their scales and the nodes around them take less than the floats, and all
// values are finite.
bool CanStore(const WeightUse& use, const StoredForm& form);

//   s = max|W| / (2^(bits - 1) - 1) per output channel or block,   W_q = round_half_even(W / s)
//
// in int8 or int16. Scales broadcast against the weight; those of a grouped ConvTranspose against
// [group, C / group, M / group, ...], those of blocks against [k / block, block, n] or
// [n, k / block, block], the dimensions that the codes then have.
StoredWeight StoreWeight(const WeightUse& use, const StoredForm& form);

// How many scales a weight takes; 0: it cannot be stored.
int64_t StoredScaleCount(const WeightUse& use, int64_t block_size);
// The same codes with given scales, StoredScaleCount of them.
StoredWeight StoreOnGrid(const WeightUse& use, const NumericFormat& format, int64_t block_size,
                         std::vector<float> scales);

// The codes in the shape of the weight, as the learners of codes take them, and back.
FittedWeights FittedOf(const StoredWeight& stored);
// `weights`: on the same grid. Sets `steps` too, from the codes that `stored` has.
void TakeFitted(const FittedWeights& weights, StoredWeight& stored);

}  // namespace qconvert

#endif  // QCONVERT_WEIGHTS_STORE_WEIGHTS_H_
