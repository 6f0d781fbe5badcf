// The settings of each node and value of one model: layer entries found in its graph.
#ifndef QCONVERT_PLAN_NODE_SETTINGS_H_
#define QCONVERT_PLAN_NODE_SETTINGS_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "qconvert/ir/graph.h"
#include "qconvert/ir/topology.h"
#include "qconvert/plan/plan.h"
#include "qconvert/targets/target.h"

namespace qconvert {

// Finds the layer entries of `config` in a graph whose nodes all have names: node name -> index
// into config.layers. Throws ConfigError (all problems, each at its entry) when a name, pattern or
// subgraph fits no node; adds a warning for one that need not be there, for a type or a value that
// does not occur, for a PyTorch module that no node can be told to come from, and for input
// settings that another node's activation settings leave idle. kNode wins over kName over kModule
// over kSubgraph over kType; later entries over earlier ones. With `not_found`, entries of kind
// kNode without a node are no error but go there, as indices into config.layers.
std::map<std::string, size_t> MatchLayers(const Graph& graph, const QuantConfig& config,
                                          std::vector<std::string>& warnings,
                                          std::vector<size_t>* not_found = nullptr);

// Whether the settings want codes for what the outputs are: set_model_output_int8, _int16.
bool AsksForCodedOutputs(const QuantConfig& config);

// `target`, but products at the end write codes too: no kernel gives floats for free.
Target WithCodedProducts(Target target);

// Nodes that the settings keep in float, with the reason: datatype of activations or weights,
// keep_first_last_layer_accuracy, keep_add_layer_accuracy, weights in blocks.
std::map<size_t, std::string> FindNodesKeptFloat(const Graph& graph, const ModelSettings& settings);

// Values that integer nodes read but no setting quantizes.
std::set<std::string> FindFloatValues(const Graph& graph, const ModelSettings& settings);

// Initializers that stay as they are because weights of their nodes are set to a float type.
std::set<std::string> FindFloatWeights(const Graph& graph, const ModelSettings& settings);

// The settings `value` is quantized with: `input` of the model for graph inputs, `activation` of
// the node (or of the fused unit) that writes it; where those are float, `input` of the first
// reader that is quantized. Null when there is none. Throws ConfigError when entries of one unit
// differ.
const TensorSettings* FindValueSettings(const Graph& graph, const Topology& topology,
                                        const Placement& placement, const ModelSettings& settings,
                                        const std::string& value);

}  // namespace qconvert

#endif  // QCONVERT_PLAN_NODE_SETTINGS_H_
