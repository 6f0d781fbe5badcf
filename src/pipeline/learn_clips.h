// Ranges of values that are learned from the outputs of the nodes that read them.
#ifndef QCONVERT_SRC_PIPELINE_LEARN_CLIPS_H_
#define QCONVERT_SRC_PIPELINE_LEARN_CLIPS_H_

#include <string>
#include <vector>

#include "qconvert/dataset/sample_source.h"
#include "qconvert/ir/graph.h"
#include "qconvert/plan/plan.h"

namespace qconvert {

// LearnClip (weights/learn_clip.h) of every value of `plan` with parameters of its own that an
// integer node with weights reads, beginning with the plan's ranges: value -> range, where that
// leaves clearly less error. One pass of the float model over the samples. `place` names the model
// in errors. Nothing where the engine cannot run the pieces by themselves. The same for any number
// of workers.
LearnedRanges LearnClips(const Model& model, const QuantizationPlan& plan,
                         const std::vector<Sample>& samples, int workers, const std::string& place);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_LEARN_CLIPS_H_
