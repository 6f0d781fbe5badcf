// PyTorch modules in a graph: which module a node was exported from, as far as names tell.
#ifndef QCONVERT_IR_MODULE_PATH_H_
#define QCONVERT_IR_MODULE_PATH_H_

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "qconvert/ir/graph.h"

namespace qconvert {

// Nodes by module, each module's in the order of the graph. A node belongs to the module in its
// name ("/layer1/layer1.0/conv1/Conv" is of layer1.0.conv1) and to those of its weights
// ("layer1.0.conv1.weight"). Constants belong to nobody.
std::map<std::string, std::vector<size_t>> FindModules(const Graph& graph);

// The path without the words in front that wrappers of training bring along: "module." of
// DataParallel, "_orig_mod." of compiled models, "model." of a task around the model and their
// like. The last scope stays, whatever its name.
std::string_view WithoutWrappers(std::string_view module);

}  // namespace qconvert

#endif  // QCONVERT_IR_MODULE_PATH_H_
