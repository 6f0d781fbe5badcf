// New names for values that are no longer those of the model that came.
#ifndef QCONVERT_SRC_TRANSFORM_RENAME_VALUES_H_
#define QCONVERT_SRC_TRANSFORM_RENAME_VALUES_H_

#include <set>
#include <string>

#include "qconvert/ir/graph.h"

namespace qconvert {

// Each of `values`, which nodes of the graph write, gets its name with `suffix` and the first
// number that is free, in nodes and types.
void RenameValues(Graph& graph, const std::set<std::string>& values, const std::string& suffix);

// Gives what a body of If, Loop or Scan defines a fresh name where a level around it defines the
// name as well, in front of the body's node: an engine allows that for an initializer alone, and
// no pass has to tell the two apart. Needs sorted nodes.
void RenameShadows(Graph& graph);

}  // namespace qconvert

#endif  // QCONVERT_SRC_TRANSFORM_RENAME_VALUES_H_
