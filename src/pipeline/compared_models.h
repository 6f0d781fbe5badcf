// The two models as the comparison sees them.
#ifndef QCONVERT_SRC_PIPELINE_COMPARED_MODELS_H_
#define QCONVERT_SRC_PIPELINE_COMPARED_MODELS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "compare_models.h"
#include "long_models.h"
#include "qconvert/dataset/sample_source.h"
#include "qconvert/ir/graph.h"
#include "qconvert/report/compared_values.h"
#include "qconvert/runtime/ort_session.h"
#include "qconvert/runtime/session.h"

namespace qconvert {

// Adds the inner values that are compared to the outputs and fixes the seeds of random nodes. Never
// of a model that is written.
void PrepareForComparison(const std::vector<ComparedValue>& values, Graph& graph);

// How to open a model with this many bytes of weights for the few runs of a comparison.
OrtSessionOptions ComparisonOptions(int64_t weight_bytes);

// What the engine would optimize for long (long_models.h) runs as it is written, in floats; with
// kStepsOfProbe all models, and kernels take their weights as they lie.
std::unique_ptr<Session> OpenForComparison(const Model& model, const std::string& place,
                                           bool integer_kernels = true,
                                           double most_steps = kStepsOfFile);

struct ComparerOptions {
  std::string place;          // names the model in errors
  bool outputs_only = false;  // no inner values in their place
  bool is_random = false;     // the model has random nodes
  bool is_fitted = false;     // see ComparedValue
  int workers = 1;
  // As the other model is opened: pairs that the model has already are computed alike in both.
  bool integer_kernels = true;
};

// Runs the float model as it was read (its file may be another one by now) on these samples of the
// feeder. Compared are the outputs of the prepared graph, and inner values in their place that the
// model as it came has too and that no kernel computes in one step with what is behind them. Values
// that differ between two fresh sessions are marked random: nobody can compare them.
ModelComparer OpenComparer(const Model& original, const Graph& prepared, const InputFeeder& feeder,
                           const std::vector<size_t>& order, const ComparerOptions& options);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_COMPARED_MODELS_H_
