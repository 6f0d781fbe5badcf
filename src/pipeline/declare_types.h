// What a file says of the types of its values.
#ifndef QCONVERT_SRC_PIPELINE_DECLARE_TYPES_H_
#define QCONVERT_SRC_PIPELINE_DECLARE_TYPES_H_

#include <map>
#include <string>

#include "qconvert/ir/graph.h"

namespace qconvert {

// Completes the types in value_info where `known`, what a file declares for instance, says more of
// a value than the engine can infer: engines fuse by shapes. What disagrees with value_info in
// element type, rank or dimension is not believed. What was completed is `declared`.
void AddKnownTypes(const std::map<std::string, Value, std::less<>>& known, Graph& graph);

// Fills value_info of a rewritten model with types and shapes of all values, those of bodies too,
// free dimensions by their symbols, for the file: as the engine infers them, and where it stops as
// `known` of the float model or the shape arithmetic says. `declared` grows only by what the engine
// cannot infer, so that DropInferredTypes makes the file smaller again.
void DeclareTypes(const std::map<std::string, Value, std::less<>>& known, const std::string& place,
                  Model& model);

// Gives the values of a graph the types that `known` says. Returns false, and leaves the graph as
// it is, where one is missing, or stands in a body.
bool TakeTypes(const std::map<std::string, Value, std::less<>>& known, Graph& graph);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_DECLARE_TYPES_H_
