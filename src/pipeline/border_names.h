// Names and types of nodes that a Horizon file takes away from the borders, or keeps there.
#ifndef QCONVERT_SRC_PIPELINE_BORDER_NAMES_H_
#define QCONVERT_SRC_PIPELINE_BORDER_NAMES_H_

#include <set>
#include <string>
#include <vector>

#include "deploy_model.h"
#include "qconvert/ir/graph.h"
#include "qconvert/pipeline/prepare_model.h"

namespace qconvert {

// Names that remove_node_name and keep_node_name may hold: those of nodes and of the Quantize and
// Dequantize that come to the borders. Empty where a file asks for neither.
std::set<std::string> BorderNamesOf(const DeploymentConfig& deployment, const Graph& graph);

// Throws ConfigError with every name that neither `loaded`, BorderNamesOf the model as it came, nor
// the prepared `graph` has. Vendors' names with a suffix ("Conv_7_HzDequantize",
// "img_y_Quantize_0") are known by what is in front of it, also where that is a value.
void CheckBorderNames(const ModelConfig& config, const std::set<std::string>& loaded,
                      const Graph& graph);

// A warning, with its position, per list with names or types that did nothing: of nodes that lie
// deeper or behind images, and of kept ones that nothing would have removed.
std::vector<std::string> RemarkOnIdleRemovals(const DeployedNodes& deployed,
                                              const ConfigNode& effective);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_BORDER_NAMES_H_
