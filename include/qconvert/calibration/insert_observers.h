// Observer nodes into a graph.
#ifndef QCONVERT_CALIBRATION_INSERT_OBSERVERS_H_
#define QCONVERT_CALIBRATION_INSERT_OBSERVERS_H_

#include <string>
#include <vector>

#include "qconvert/ir/graph.h"

namespace qconvert {

// Copies `graph` with an observer node on each of `values` (float tensors of this level):
//
//   producer -> v -> readers      becomes      producer -> v' -> Observe{id} -> v -> readers
//
// so that graph outputs keep their names. A graph input x keeps its name too: its readers are moved
// to the observer's output. Node i of `values` has id i.
Graph InsertObservers(const Graph& graph, const std::vector<std::string>& values);

}  // namespace qconvert

#endif  // QCONVERT_CALIBRATION_INSERT_OBSERVERS_H_
