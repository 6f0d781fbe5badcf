// Nodes that name axes, on the other side of a Transpose.
#ifndef QCONVERT_SRC_TRANSFORM_PERMUTE_AXES_H_
#define QCONVERT_SRC_TRANSFORM_PERMUTE_AXES_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "qconvert/ir/graph.h"
#include "qconvert/ir/topology.h"

namespace qconvert {

using Perm = std::vector<int64_t>;  // axis d of what a Transpose writes is axis perm[d] of x

// The Perm that undoes `perm`; nothing when it is no permutation.
std::optional<Perm> Inverse(const Perm& perm);

bool IsIdentity(const Perm& perm);

// Pad, Slice, Softmax, LogSoftmax, Hardmax, ArgMax, ArgMin, Squeeze and Reduce, reading
// Transpose{perm}(x) in input 0, with axes and pads that are constants: the Perm of the Transpose
// that has to stand behind the node when it reads x itself. One that takes axes away has a shorter
// one. Nothing for other nodes. As opset 13 and above have these operators.
std::optional<Perm> PermBehind(const Graph& graph, const Node& node, const Perm& perm);

// Names the axes of x in such a node. Its inputs stay: the caller puts x in the place.
void PermuteAxes(const Perm& perm, NameMaker& names, Graph& graph, Node& node);

}  // namespace qconvert

#endif  // QCONVERT_SRC_TRANSFORM_PERMUTE_AXES_H_
