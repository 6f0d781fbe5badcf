// Brings a model into the one form that all later passes expect.
#ifndef QCONVERT_TRANSFORM_NORMALIZE_H_
#define QCONVERT_TRANSFORM_NORMALIZE_H_

#include <cstddef>
#include <string>
#include <unordered_map>
#include <vector>

#include "qconvert/ir/graph.h"

namespace qconvert {

// Sorts nodes; turns Constant nodes (dense values) into initializers, on every level:
//   c = Constant{value}          becomes   init c
// gives what a body defines a name of its own where a level around it has the same,
// puts branches that are always taken in the place of their If (inline_constant_if.h),
// and takes initializers out of the inputs of the main graph (before IR version 4 they had to be
// listed there; left in, they count as replaceable and keep the engine from optimizing). Raises the
// IR version to 8, whose rules these are. A node of the main graph without a name gets that of its
// first output.
void Normalize(Model& model);

// Removes Identity, and Dropout whose mask nobody reads, on every level: readers move to the input.
// One that writes a graph output stays. Returns how many nodes went.
size_t EliminateIdentity(Graph& graph);

// Removes the marked nodes, one mark each: who read their first output reads their first input.
// Needs sorted nodes. Returns how many.
size_t BypassNodes(Graph& graph, const std::vector<bool>& marked);

// Moves every reading of the keys to the mapped values, on this level and below, chains resolved.
void RenameUses(Graph& graph, const std::unordered_map<std::string, std::string>& renames);

// Gives what the graph itself defines the new names: where it is declared, made and read, on this
// level and in the bodies below that mean it. The new names must be free on all these levels.
void RenameDefined(Graph& graph, const std::unordered_map<std::string, std::string>& renames);

// Makes a float16 model compute in float32: weights are widened, graph inputs and outputs keep
// their type behind a Cast, Casts to float16 inside become Casts to float32. Exact: every float16
// is a float32. Returns false (and changes nothing) when the model has no float16, or has
// subgraphs, functions or foreign operators that may depend on it.
bool WidenFloat16(Model& model);

}  // namespace qconvert

#endif  // QCONVERT_TRANSFORM_NORMALIZE_H_
