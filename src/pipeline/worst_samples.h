// Few samples that tell what a plan does to all of them.
#ifndef QCONVERT_SRC_PIPELINE_WORST_SAMPLES_H_
#define QCONVERT_SRC_PIPELINE_WORST_SAMPLES_H_

#include <cstddef>
#include <span>
#include <vector>

#include "qconvert/report/verdict.h"

namespace qconvert {

// The samples furthest off, in their order: two by noise; eight where too many decisions flip,
// which few samples show. Empty, which stands for all, where there are no more than that.
std::vector<size_t> WorstSamples(std::span<const OutputComparison> outputs, const Gate& gate);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_WORST_SAMPLES_H_
