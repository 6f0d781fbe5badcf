// Free dimensions that are the same by the shape arithmetic of the model.
#ifndef QCONVERT_TRANSFORM_INFER_SYMBOLIC_SHAPES_H_
#define QCONVERT_TRANSFORM_INFER_SYMBOLIC_SHAPES_H_

#include <cstddef>

#include "qconvert/ir/graph.h"

namespace qconvert {

//   ids [N, S] -> Shape -> Gather{1} ─┐
//   positions [1, 512] ──> Slice{0 : S} ──> Gather ── Add ── y [?, ?, 64]     becomes y [N, S, 64]
//
// An engine fuses by shapes, but its own inference loses a free dimension in Slice, Expand and
// Reshape whose ends and shapes are computed. Here they are followed as numbers and symbols. What
// becomes known beyond the engine's types goes to value_info and `declared`, so that it is written
// to the file. Two dimensions get one symbol only where every run that succeeds has them equal: a
// row of min(512, S) elements broadcasts with one of S only when it has S itself, or one.
//
// Sizes that follow from one by a window, a stride, a scale or arithmetic are called by their
// formula, "floor((W+1)/2)", the same for the same size; of values with four axes or more these are
// followed, not said. Where nothing is known of a dimension, the rank is said alone.
//
// Goes by value_info (InferTypes). Needs sorted nodes. Returns how many values it says more of.
size_t InferSymbolicShapes(Graph& graph);

}  // namespace qconvert

#endif  // QCONVERT_TRANSFORM_INFER_SYMBOLIC_SHAPES_H_
