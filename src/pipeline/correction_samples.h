// The calibration samples that corrections are fitted to.
#ifndef QCONVERT_SRC_PIPELINE_CORRECTION_SAMPLES_H_
#define QCONVERT_SRC_PIPELINE_CORRECTION_SAMPLES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "correct_layers.h"
#include "measure_plan.h"
#include "qconvert/dataset/sample_source.h"
#include "qconvert/plan/cost_model.h"

namespace qconvert {

// Why no sample can be had; empty: some can.
std::string WhyNoSamples(const PlanInputs& inputs);

// Calibration samples, spread evenly: at most `most`, and as many as fit into `bytes` of memory
// with what both models compute of them. None where there is a reason.
std::vector<Sample> SomeSamples(const PlanInputs& inputs, const ValueSizes& sizes, int64_t most,
                                int64_t bytes);

// Of these as many as run in less than half a second, estimated, for a correction that nobody asks
// for; all where weights are learned or refitted, which fit to few samples all too well.
std::vector<Sample> FewSamples(const Graph& graph, const QuantizationPlan& plan,
                               const ValueSizes& sizes, const std::vector<Sample>& samples,
                               const CorrectionOptions& options);

// Whether the samples that the comparer judges on calibrate too: what is fitted to them looks
// better there than it is.
bool AreFitted(const ModelComparer& comparer);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_CORRECTION_SAMPLES_H_
