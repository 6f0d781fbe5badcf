// The noise of a measured plan at each of its outputs.
#ifndef QCONVERT_SRC_PIPELINE_NOISE_OF_OUTPUTS_H_
#define QCONVERT_SRC_PIPELINE_NOISE_OF_OUTPUTS_H_

#include <cstddef>
#include <span>
#include <vector>

#include "measure_plan.h"

namespace qconvert {

// Stands for infinities and plans that do not run, so that noise can be added.
inline constexpr double kMostNoise = 1e6;

// By what the gate counts, at most kMostNoise; one number where the whole plan, of which as many
// `outputs` are judged, does not run.
std::vector<double> JudgedNoises(const Measured& measured, size_t outputs);

// The same in a typical sample: what single positions of the worst ones do is chance.
std::vector<double> TypicalNoises(const Measured& measured, size_t outputs, const Gate& gate);

// TypicalNoise of these of the samples (places in `samples` of each output), of all where there are
// none.
double TypicalNoiseOf(std::span<const OutputComparison> outputs,
                      const std::vector<size_t>& samples);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_NOISE_OF_OUTPUTS_H_
