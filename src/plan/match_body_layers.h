// Layer entries that speak of nodes in bodies.
#ifndef QCONVERT_SRC_PLAN_MATCH_BODY_LAYERS_H_
#define QCONVERT_SRC_PLAN_MATCH_BODY_LAYERS_H_

#include <cstddef>
#include <map>
#include <string>

#include "qconvert/config/quant_config.h"
#include "qconvert/ir/body_graph.h"

namespace qconvert {

// Node name -> index into config.layers, as MatchLayers (node_settings.h): entries of types, and
// those whose name or pattern fits the way with the name.
std::map<std::string, size_t> MatchBodyLayers(const BodyGraph& body, const QuantConfig& config);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PLAN_MATCH_BODY_LAYERS_H_
