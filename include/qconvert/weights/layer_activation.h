// What stands behind a layer and decides how much of it is read.
#ifndef QCONVERT_WEIGHTS_LAYER_ACTIVATION_H_
#define QCONVERT_WEIGHTS_LAYER_ACTIVATION_H_

#include <limits>

#include "qconvert/ir/graph.h"
#include "qconvert/ir/topology.h"
#include "qconvert/targets/fusions.h"

namespace qconvert {

// The only reader of a layer; by default none, which is a clip without bounds.
struct LayerActivation {
  enum class Kind { kClip, kHardSwish };
  Kind kind = Kind::kClip;
  float low = -std::numeric_limits<float>::infinity();
  float high = std::numeric_limits<float>::infinity();

  bool is_identity() const {
    return kind == Kind::kClip && low == -std::numeric_limits<float>::infinity() &&
           high == std::numeric_limits<float>::infinity();
  }
};

// Relu or Clip of the unit, or the HardSwish that alone reads what it writes.
LayerActivation FindActivation(const Graph& graph, const Topology& topology, const FusedUnit& unit);

}  // namespace qconvert

#endif  // QCONVERT_WEIGHTS_LAYER_ACTIVATION_H_
