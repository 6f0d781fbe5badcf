// Observer nodes into a graph.
#ifndef QCONVERT_CALIBRATION_INSERT_OBSERVERS_H_
#define QCONVERT_CALIBRATION_INSERT_OBSERVERS_H_

#include <string>
#include <vector>

#include "qconvert/ir/graph.h"

namespace qconvert {

// Copies `graph` with an observer node on each of `values` (float tensors):
//
//   producer -> v -> readers      becomes      producer -> v' -> Observe{id} -> v -> readers
//
// so that graph outputs keep their names. A graph input x keeps its name too: its readers are moved
// to the observer's output. Node i of `values` has id i. A value in a body of If, Loop or Scan goes
// by its way there, "node/then_branch/v" (see FindBodyValues); a body that runs several times is
// observed every time.
Graph InsertObservers(const Graph& graph, const std::vector<std::string>& values);

// The ways to values in bodies, at any depth, that a node with constant float weights (Conv,
// ConvTranspose, Gemm, MatMul, LSTM, GRU, RNN) reads as data or writes. A node goes by its name, or
// by its first output when it has none.
std::vector<std::string> FindBodyValues(const Graph& graph);

}  // namespace qconvert

#endif  // QCONVERT_CALIBRATION_INSERT_OBSERVERS_H_
