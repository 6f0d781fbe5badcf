// Weights that the settings want in few bits, in 8 where the outputs fail without.
#ifndef QCONVERT_SRC_PIPELINE_NARROW_WEIGHTS_H_
#define QCONVERT_SRC_PIPELINE_NARROW_WEIGHTS_H_

#include <string>
#include <vector>

#include "measure_plan.h"

namespace qconvert {

// Whether the settings of the model or of a layer entry want weights in fewer than 8 bits.
bool WantsNarrowWeights(const ModelSettings& settings);

struct WidenedWeights {
  std::vector<std::string> names;  // in 8 bits now, sorted
  int measurements = 0;
};

// Where `measured`, the plan on all samples, fails the gate: gives few of its weights of fewer than
// 8 bits 8 bits (small_set_search.h; those of most expected noise are suspected first), in blocks
// as before, until it passes. An integer node with weights of 8 bits is worth more to a device than
// one that went back to float. Nodes that read them have `inputs.settings.widened`, and no
// corrections any more, which were for other codes; `measured` is of the new plan. Where that
// is not enough all of them have 8 bits.
WidenedWeights WidenNarrowWeights(PlanInputs& inputs, const PlanDraft& draft, Measured& measured);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_NARROW_WEIGHTS_H_
