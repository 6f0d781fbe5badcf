// A model that ends at nodes that the settings name.
#ifndef QCONVERT_SRC_PIPELINE_CUT_TO_OUTPUTS_H_
#define QCONVERT_SRC_PIPELINE_CUT_TO_OUTPUTS_H_

#include <string>
#include <vector>

#include "qconvert/config/config_node.h"
#include "qconvert/ir/graph.h"
#include "qconvert/pipeline/pass_runner.h"

namespace qconvert {

// x -> A -> a -> B -> b, outputs {b}, nodes {A}     becomes     x -> A -> a, outputs {a}
// All outputs of the named nodes, in the order of the names, take the place of the graph's; what
// they do not need goes. Inputs stay, since settings and data speak of them. Nothing happens
// without names. `place` names the model. Throws ConfigError at `written`, with every name that no
// node has; the model is whole then.
void CutToOutputs(const std::vector<std::string>& nodes, const ConfigPlace& written,
                  const std::string& place, Model& model, const PassOptions& passes = {});

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_CUT_TO_OUTPUTS_H_
