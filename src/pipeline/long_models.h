// Models of so many nodes that it is the engine's preparing that takes the time, not its running.
#ifndef QCONVERT_SRC_PIPELINE_LONG_MODELS_H_
#define QCONVERT_SRC_PIPELINE_LONG_MODELS_H_

#include <cstddef>
#include <string>

#include "qconvert/config/quant_config.h"
#include "qconvert/ir/graph.h"

namespace qconvert {

// Up to so many nodes every measurement is made that a plan can ask for.
inline constexpr size_t kManyNodes = 10'000;

// Of `most` measurements as many as a model of this many nodes gets, one at least: each opens a
// model, which takes time by the node.
size_t AffordedMeasurements(size_t most, size_t nodes);

// Of all plans that one choice measures together: their nodes, beyond which no second choice is
// made for a correction that nobody asks for.
inline constexpr size_t kMostNodesMeasured = 40'000;

// Whether the plan of a model of so many nodes may be chosen anew, after a choice that came to so
// many measurements.
bool AffordsAnotherChoice(size_t measurements, size_t nodes);

// Leaves to `config` what is tried by itself to lower the error only where that is asked for, as
// effort fast does. Returns one line that says so; empty where `nodes` are not too many.
std::string LimitEffort(size_t nodes, QuantConfig& config);

// What optimizing a model may take in steps of the engine through its lists, 4e6 of them a second
// (measured, onnxruntime 1.28): the file, which users load, and one of the many that are measured
// on the way to it.
inline constexpr double kStepsOfFile = 4e7;
inline constexpr double kStepsOfCandidate = kStepsOfFile / 8;
// Of a model that runs once or twice: none.
inline constexpr double kStepsOfProbe = 0;

// Whether the engine would take much longer to optimize the graph than to run it: beyond so many
// nodes that compute (with many readers of one value, for one, its time grows with their square),
// or where few are enough. It sorts the nodes before each of its passes and walks, for every node,
// a list of those that wait for no other (onnxruntime 1.28, Graph::KahnsTopologicalSort), in which
// nodes that read constants alone, as the DQs of weights do, stand from the start; and it lays
// weights of Convs out anew with a search through all constants for each.
bool IsLongToOptimize(const Graph& graph, double most_steps = kStepsOfFile);

// Says in one line that a file of so many nodes was only run without that.
std::string TellLong(size_t nodes);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_LONG_MODELS_H_
