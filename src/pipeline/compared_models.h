// The two models as the comparison sees them.
#ifndef QCONVERT_SRC_PIPELINE_COMPARED_MODELS_H_
#define QCONVERT_SRC_PIPELINE_COMPARED_MODELS_H_

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "qconvert/dataset/sample_source.h"
#include "qconvert/ir/graph.h"
#include "qconvert/report/compared_values.h"
#include "qconvert/runtime/session.h"

namespace qconvert {

// Names of the values that nodes of the graph's top level write.
std::set<std::string> WrittenValues(const Graph& graph);

// What is compared of the prepared graph: its outputs, and inner values in their place that the
// model as it came has too (`original`: its WrittenValues) and that no kernel computes in one step
// with what is behind them.
std::vector<ComparedValue> ChooseComparedValues(const Graph& prepared,
                                                const std::set<std::string>& original);

// Takes the inner values away again: every output stands for itself.
void KeepOutputsOnly(std::vector<ComparedValue>& values);

// Marks the values that differ between two fresh sessions of the float model: what nobody can
// compare.
void MarkRandom(const Session& one, const Session& other, const Sample& sample,
                std::vector<ComparedValue>& values);

// Adds the inner values that are compared to the outputs and fixes the seeds of random nodes. Never
// of a model that is written.
void PrepareForComparison(const std::vector<ComparedValue>& values, Graph& graph);

// The float model as it was read, never read again: its file may be another one by now.
std::unique_ptr<Session> OpenReference(const Model& original, const std::string& place,
                                       const std::vector<ComparedValue>& values, bool is_random);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_COMPARED_MODELS_H_
