// What ONNX Runtime really runs for the nodes of a model.
#ifndef QCONVERT_PIPELINE_ENGINE_KERNELS_H_
#define QCONVERT_PIPELINE_ENGINE_KERNELS_H_

#include <map>
#include <string>

#include "qconvert/ir/graph.h"

namespace qconvert {

// Names every node on every level "#n#", no two alike: the engine puts the name of a node into
// those of the nodes that it makes of it.
void NumberNodes(Model& model);

// By the names that NumberNodes gave: whether an integer kernel computes the node in the engine's
// optimized graph, that is one of IsIntegerKernel or an operator on 8-bit codes. A node that the
// engine left out, since others do its work or nobody needs it, is missing. Writes a temporary
// file. Throws Error: kModel when the engine refuses the model, kFile when there is no room.
std::map<std::string, bool> FindKernels(const Model& model, const std::string& place);

}  // namespace qconvert

#endif  // QCONVERT_PIPELINE_ENGINE_KERNELS_H_
