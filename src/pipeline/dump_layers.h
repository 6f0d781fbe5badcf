// Every value between the nodes as an output, for debugging on the device.
#ifndef QCONVERT_SRC_PIPELINE_DUMP_LAYERS_H_
#define QCONVERT_SRC_PIPELINE_DUMP_LAYERS_H_

#include <string>
#include <vector>

#include "qconvert/ir/graph.h"

namespace qconvert {

// What the nodes of the top level write, besides graph outputs, in order.
std::vector<std::string> LayerValues(const Graph& graph);

// a -> Conv -> b -> Quantize -> Dequantize -> c -> ...        outputs y
//   becomes
// a -> Conv -> b/float -> Quantize -> Dequantize -> b -> ...  outputs y, b
//
// for each of `values` (of the float graph) that the quantized model still writes: under its name
// goes what its readers see. Values that vanished into a fused kernel's node are left out. Throws
// what InferTypes throws. Returns how many outputs there are more.
size_t DumpLayers(const std::vector<std::string>& values, const std::string& place, Model& model);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_DUMP_LAYERS_H_
