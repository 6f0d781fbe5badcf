// Where the engine's integer kernels of this processor may compute something else than others do.
#ifndef QCONVERT_SRC_PIPELINE_SATURATING_KERNELS_H_
#define QCONVERT_SRC_PIPELINE_SATURATING_KERNELS_H_

#include <string>
#include <vector>

#include "qconvert/config/quant_config.h"
#include "qconvert/ir/graph.h"

namespace qconvert {

// The nodes of the main graph that integer kernels compute from int8 weights two neighbours of
// which, of one sign, sum to more than kernels of `processor` can hold with every input
// (PairLimitOf). Without a name: their first output. `place` names the model, whose own errors are
// left to its run.
std::vector<std::string> FindSaturatingNodes(const Model& model, const std::string& place,
                                             Processor processor);

// The line that says so of this machine; "" where nothing is to be said.
std::string RemarkOnSaturation(const Model& model, const std::string& place);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_SATURATING_KERNELS_H_
