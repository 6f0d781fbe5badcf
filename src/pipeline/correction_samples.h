// The calibration samples that corrections are fitted to.
#ifndef QCONVERT_SRC_PIPELINE_CORRECTION_SAMPLES_H_
#define QCONVERT_SRC_PIPELINE_CORRECTION_SAMPLES_H_

#include <cstdint>
#include <string>
#include <vector>

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

// Of these, as many as means of channels take, over all positions of a sample: fewer than weights.
std::vector<Sample> FewSamples(const Graph& graph, const ValueSizes& sizes,
                               const std::vector<Sample>& samples);

// Whether the samples that the comparer judges on calibrate too: what is fitted to them looks
// better there than it is.
bool AreFitted(const ModelComparer& comparer);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_CORRECTION_SAMPLES_H_
