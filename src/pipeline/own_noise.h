// How much noise its weights, and how much what it reads, bring to what every node writes.
#ifndef QCONVERT_SRC_PIPELINE_OWN_NOISE_H_
#define QCONVERT_SRC_PIPELINE_OWN_NOISE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "compare_models.h"
#include "qconvert/config/plan_file.h"
#include "qconvert/plan/plan.h"
#include "qconvert/report/layer_report.h"

namespace qconvert {

// Samples that it is measured on, spread evenly over those of the comparer.
inline constexpr size_t kOwnNoiseSamples = 2;

// Bytes of float weights up to which it is measured: the model has the rounded ones besides.
inline constexpr int64_t kMostOwnNoiseBytes = int64_t{256} << 20;

// Nodes up to which it is measured: the engine sorts all probes of the model that are ready at
// once, in every pass, which takes the square of their number.
inline constexpr size_t kMostOwnNoiseNodes = 500;

// By node of the float model, of NoiseProbes (rewrite/noise_probes.h), summed over the samples: one
// run of a model of three times the operators for each. Nothing is measured of models with random
// numbers or states, nor where the engine refuses that model; what is not finite is left out.
// `place` names the model in errors. The result does not depend on the workers.
std::vector<OwnNoise> MeasureOwnNoise(const Model& exact, const QuantizationPlan& plan,
                                      const ModelComparer& comparer, const std::string& place,
                                      int workers);

// Into the errors of nodes.
void SetOwnNoise(const std::vector<OwnNoise>& noise, LayerErrors& errors);

// As quant_info tells it: by entry of its nodes; empty where nothing was measured.
std::vector<FileNoise> NoiseOfEntries(const std::vector<OwnNoise>& noise,
                                      const QuantizationPlan& plan);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_OWN_NOISE_H_
